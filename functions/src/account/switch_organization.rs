//! `PUT /v1/account/current-organization`: members of it.

use domain::{Member, Organization, OrganizationId, Refusal};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Key, Transaction};

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
    let organization_key = Key::organization(id);
    let member_key = Key::member(id, &person.user_id);

    let mut attempts = Attempts::default();
    loop {
        let keys = [organization_key.clone(), member_key.clone()];
        let mut found = app.store.get_all(&keys).await?;
        let organization: Option<Organization> = found.take(&organization_key)?;
        let member: Option<Member> = found.take(&member_key)?;
        let (organization, member) = organization
            .zip(member)
            .ok_or(Refusal::OrganizationNotFound)?;

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
