//! `GET /v1/organizations/{organization_id}`: members.

use domain::{Organization, Refusal};
use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, access::Asked, failure::Failure, output::Answer,
    representation::OrganizationView,
};

/// Gives an organization.
pub static OPERATION: Operation = Operation::http("get-organization", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let organization = Key::organization(asked.organization_id);
    let mut found = app
        .store
        .get_all(&[asked.membership_key(), organization.clone()])
        .await?;
    let me = asked.membership(&mut found)?;
    let organization: Option<Organization> = found.take(&organization)?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    Ok(Answer::ok(&OrganizationView::of(&organization, &me)))
}
