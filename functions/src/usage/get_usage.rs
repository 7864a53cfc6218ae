//! `GET /v1/organizations/{organization_id}/usage`: members; and
//! `GET /v1/usage`: machines with an API key.

use domain::{Organization, Refusal};
use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation,
    access::{Asked, ApiClient},
    failure::Failure,
    input, ledger,
    output::Answer,
    representation::UsageView,
};

/// Gives how many images were rendered when.
pub static OPERATION: Operation =
    Operation::http("get-usage", |app, request| Box::pin(handle(app, request)));

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    // Only the route for people has an organization in its path.
    let ledger = if input::path(request, "organization_id").is_empty() {
        let id = ApiClient::of(request)?.organization_id;
        let organization = Key::organization(id);
        let keys: Vec<Key> = std::iter::once(organization.clone())
            .chain(ledger::keys(id))
            .collect();
        let mut found = app.store.get_all(&keys).await?;
        let organization: Option<Organization> = found.take(&organization)?;
        let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
        ledger::take(app, &mut found, &organization)?
    } else {
        let (_, ledger, _) = ledger::of_member(app, &Asked::of(request)?).await?;
        ledger
    };
    Ok(Answer::ok(&UsageView::of(&ledger, app.clock.now())))
}
