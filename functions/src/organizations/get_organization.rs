//! `GET /v1/organizations/{organization_id}`.

use domain::{Caller, Organization, Refusal, restore_organization};
use lambda_http::Request;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    response::Response,
    views::{ManagedOrganizationView, OrganizationForCaller, OrganizationView},
};

/// Returns an organization; to the server, and to an owner who can restore it, a deleted
/// one, too.
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
    let found = match scope.is_of_server() {
        true => scope.organization_even_deleted(app).await,
        false => scope.organization(app).await,
    };
    let (caller, organization) = match found {
        Err(Error::Refused(Refusal::OrganizationNotFound)) => deleted(app, &scope).await?,
        found => found?,
    };
    Ok(Response::ok(&OrganizationForCaller::of(
        &organization,
        &caller,
    )))
}

/// Reads a deleted organization for an owner, who can restore it.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] for everyone else.
async fn deleted(app: &App, scope: &Scope) -> Result<(Caller, Organization), Error> {
    let (caller, organization) = scope.organization_even_deleted(app).await?;
    match restore_organization(&caller, &organization, app.clock.now()) {
        Ok(Some(_)) => Ok((caller, organization)),
        Ok(None) | Err(_) => Err(Refusal::OrganizationNotFound.into()),
    }
}
