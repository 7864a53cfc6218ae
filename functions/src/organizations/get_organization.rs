//! `GET /v1/organizations/{organization_id}`.

use lambda_http::Request;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    response::Response,
    views::{ManagedOrganizationView, OrganizationForCaller, OrganizationView},
};

/// Returns an organization; to the server a deleted one, too.
pub static OPERATION: Operation = Operation::http("get-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("Get an organization", "member")
    .responds::<OrganizationView>(200)
    .responds_to_server::<ManagedOrganizationView>()
    .refuses(&["organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let (caller, organization) = if scope.is_of_server() {
        scope.organization_even_deleted(app).await?
    } else {
        scope.organization(app).await?
    };
    Ok(Response::ok(&OrganizationForCaller::of(
        &organization,
        &caller,
    )))
}
