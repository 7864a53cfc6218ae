//! `DELETE /v1/server/organizations/{organization_id}/suspension`.

use domain::{Refusal, unsuspend};
use lambda_http::Request;
use store::{Key, Transaction};

use crate::{
    App, Operation, Shape, access, error::Error, mutate::Decision, response::Response,
    views::ManagedOrganizationView,
};

/// Ends the suspension of an organization.
pub static OPERATION: Operation = Operation::http("unsuspend-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("End the suspension of an organization", "server")
    .responds::<ManagedOrganizationView>(200)
    .refuses(&["organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let server = &access::server_in_organization(request)?;
    let organization = app
        .mutate(move |now| async move {
            let id = server.organization_id;
            let organization = app.store.get(Key::organization(id)).await?;
            let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
            Ok(match unsuspend(server, &organization) {
                Some((mut open, event)) => Decision::Commit(
                    Transaction::in_organization(id, now, [event]).write_standing(&mut open),
                    open,
                ),
                None => Decision::Unchanged(organization),
            })
        })
        .await?;
    Ok(Response::ok(&ManagedOrganizationView::of(&organization)))
}
