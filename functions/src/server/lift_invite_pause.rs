//! `DELETE /v1/server/organizations/{organization_id}/invite-pause`.

use domain::{Refusal, lift_pause};
use lambda_http::Request;
use store::{Key, Transaction};

use crate::{App, Operation, Shape, access, error::Error, mutate::Decision, response::Response};

/// Lifts the pause of an organization's invites. Its reports so far do not pause them
/// again.
pub static OPERATION: Operation = Operation::http("lift-invite-pause", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Lift the pause of an organization's invites", "server")
    .refuses(&["organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let server = &access::server_in_organization(request)?;
    let id = server.organization_id;
    app.mutate(move |now| async move {
        let keys = (Key::organization(id), Key::counts(id));
        let (organization, counts) = app.store.read(keys).await?;
        let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
        let event = lift_pause(server, &organization, &counts.unwrap_or_default());
        Ok(match event {
            Some(event) => Decision::Commit(
                Transaction::in_organization(id, now, [event]).lift_pause(id),
                (),
            ),
            None => Decision::Unchanged(()),
        })
    })
    .await?;
    Ok(Response::no_content())
}
