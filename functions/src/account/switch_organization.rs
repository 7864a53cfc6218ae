//! `PUT /v1/account/current-organization`: members of it.

use domain::{OrganizationId, Refusal};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use crate::{
    App, Operation, access,
    attempts::Attempts,
    failure::Failure,
    input,
    output::Answer,
    representation::{AccountView, OrganizationView},
};

/// Makes an organization the caller's current one. It is a convenience: no
/// operation takes authority from it.
pub static OPERATION: Operation = Operation::http("switch-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// Where to switch to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The organization; the caller is a member of it.
    organization_id: OrganizationId,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    let id = input::body::<Body>(request)?.organization_id;

    let mut attempts = Attempts::default();
    loop {
        let found = access::organization_of(app, &person.user_id, id).await?;
        let (organization, member) = found.ok_or(Refusal::OrganizationNotFound)?;

        let transaction = Transaction::new()
            .require_member(&member)
            .switch_to(&person.user_id, id);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                let current_organization = Some(OrganizationView::of(&organization, &member));
                return Ok(Answer::ok(&AccountView::of(person, current_organization)));
            }
            Commit::Conflict => attempts.again().await?,
        }
    }
}
