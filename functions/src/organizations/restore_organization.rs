//! `POST /v1/organizations/{organization_id}/restore`.

use domain::restore_organization;
use lambda_http::Request;
use store::Transaction;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    mutate::Decision,
    response::Response,
    views::{ManagedOrganizationView, OrganizationForCaller, OrganizationView},
};

/// Restores a deleted organization with everything in it.
pub static OPERATION: Operation = Operation::http("restore-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Restore a deleted organization, within 30 days", "owner")
    .responds::<OrganizationView>(200)
    .responds_to_server::<ManagedOrganizationView>()
    .refuses(&["owner_required", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let (organization, caller) = app
        .mutate(move |now| async move {
            let (caller, organization) = scope.organization_even_deleted(app).await?;
            Ok(match restore_organization(&caller, &organization, now)? {
                Some((mut restored, event)) => Decision::Commit(
                    Transaction::by(&caller, now, [event]).write_standing(&mut restored),
                    (restored, caller),
                ),
                None => Decision::Unchanged((organization, caller)),
            })
        })
        .await?;
    Ok(Response::ok(&OrganizationForCaller::of(
        &organization,
        &caller,
    )))
}
