//! `PUT /v1/server/organizations/{organization_id}/suspension`.

use domain::{Refusal, SuspensionReason, suspend};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction};

use crate::{
    App, Operation, Shape, access, error::Error, input, mutate::Decision, response::Response,
    views::ManagedOrganizationView,
};

/// Suspends an organization, or changes the reason: its members see it and the reason,
/// but change nothing, and its API keys are refused.
pub static OPERATION: Operation = Operation::http("suspend-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Suspend an organization, with a reason", "server")
    .takes::<Body>()
    .responds::<ManagedOrganizationView>(200)
    .refuses(&["invalid_request", "organization_not_found"]);

/// The suspension.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The reason, which the members see: 1 to 500 characters on one line.
    reason: SuspensionReason,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let server = &access::server_in_organization(request)?;
    let Body { reason } = &input::body(request)?;
    let organization = app
        .mutate(move |now| async move {
            let id = server.organization_id;
            let organization = app.store.get(Key::organization(id)).await?;
            let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
            Ok(match suspend(server, &organization, reason.clone(), now) {
                Some((mut suspended, event)) => Decision::Commit(
                    Transaction::in_organization(id, now, [event]).write_standing(&mut suspended),
                    suspended,
                ),
                None => Decision::Unchanged(organization),
            })
        })
        .await?;
    Ok(Response::ok(&ManagedOrganizationView::of(&organization)))
}
