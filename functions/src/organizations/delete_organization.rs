//! `DELETE /v1/organizations/{organization_id}`.

use domain::delete_organization;
use lambda_http::Request;
use store::Transaction;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::IfMatch,
    mutate::Decision,
    response::Response,
    views::{DeletedView, ManagedOrganizationView, OrganizationForCaller, OrganizationView},
};

/// Deletes an organization: with the next request it exists for nobody but the server.
/// It can be restored for 30 days, then it is purged.
pub static OPERATION: Operation = Operation::http("delete-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Delete an organization", "owner")
    .responds::<DeletedView>(200)
    .conditional_on::<OrganizationView>()
    .conditional_on_for_server::<ManagedOrganizationView>()
    .refuses(&["owner_required", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let if_match = &IfMatch::of(request)?;
    let view = app
        .mutate(move |now| async move {
            let (caller, organization) = scope.organization(app).await?;
            let (mut deleted, event) = delete_organization(&caller, &organization, now)?;
            if_match.require((&organization).into(), || {
                OrganizationForCaller::of(&organization, &caller)
            })?;
            let transaction = Transaction::by(&caller, now, [event]).write_standing(&mut deleted);
            let view = DeletedView {
                id: deleted.id,
                restorable_until: deleted.standing.purge_at(),
            };
            Ok(Decision::Commit(transaction, view))
        })
        .await?;
    Ok(Response::ok(&view))
}
