//! `GET /v1/organizations/{organization_id}/usage` for members, and
//! `GET /v1/usage` for API clients.

use domain::{ApiKeyScope, Ledger, Refusal};
use lambda_http::Request;
use store::{Counters, Key};

use crate::{
    App, Operation, Shape,
    access::{ApiClient, Scope},
    error::Error,
    input, ledger,
    response::Response,
    views::UsageView,
};

/// Returns how many credits were used when.
pub static OPERATION: Operation =
    Operation::http("get-usage", |app, request| Box::pin(handle(app, request))).needs(&["PLANS"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "Get usage by hours, days, months and billing periods",
    "member; API key",
)
.responds::<UsageView>(200)
.refuses(&["insufficient_scope", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    // Only the route for people has the organization in its path.
    let ledger = if input::path(request, "organization_id").is_empty() {
        let client = ApiClient::with_scope(request, ApiKeyScope::ReadUsage)?;
        of_client(app, client).await?
    } else {
        let (_, _, ledger) = ledger::of_caller(app, &Scope::of(app, request)?).await?;
        ledger
    };
    Ok(Response::ok(&UsageView::of(&ledger, app.clock.now())))
}

async fn of_client(app: &App, client: ApiClient) -> Result<Ledger, Error> {
    let id = client.organization_id;
    let keys = (Key::organization(id), Key::billing(id), Counters::all(id));
    let (organization, billing, counters) = app.store.read(keys).await?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    Ok(Ledger {
        billing: ledger::billing(app, billing, &organization),
        counters,
    })
}
