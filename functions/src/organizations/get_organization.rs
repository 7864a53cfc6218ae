//! `GET /v1/organizations/{organization_id}`: members.

use lambda_http::Request;

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
    let (organization, me) = asked.organization(app).await?;
    Ok(Answer::ok(&OrganizationView::of(&organization, &me)))
}
