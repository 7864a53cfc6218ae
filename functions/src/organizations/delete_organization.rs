//! `DELETE /v1/organizations/{organization_id}`.

use domain::delete_organization;
use lambda_http::Request;
use store::Transaction;

use crate::{
    App, Operation, Shape, access::Scope, error::Error, mutate::Decision, response::Response,
    views::DeletedView,
};

/// Deletes an organization: with the next request it exists for nobody but the server.
/// It can be restored for 30 days, then it is purged.
pub static OPERATION: Operation = Operation::http("delete-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Delete an organization", "owner")
    .responds::<DeletedView>(200)
    .refuses(&["owner_required", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let view = app
        .mutate(move |now| async move {
            let (caller, organization) = scope.organization(app).await?;
            let (deleted, event) = delete_organization(&caller, &organization, now)?;
            let transaction = Transaction::by(&caller, now, [event]).write_standing(&deleted);
            let view = DeletedView {
                id: deleted.id,
                restorable_until: deleted.standing.purge_at(),
            };
            Ok(Decision::Commit(transaction, view))
        })
        .await?;
    Ok(Response::ok(&view))
}
