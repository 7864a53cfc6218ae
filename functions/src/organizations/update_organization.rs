//! `PATCH /v1/organizations/{organization_id}`.

use domain::{Metadata, OrganizationName, OrganizationUpdate, update_organization};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, Patch},
    mutate::Decision,
    response::Response,
    views::{ManagedOrganizationView, OrganizationForCaller, OrganizationView},
};

/// Renames an organization or replaces its metadata.
pub static OPERATION: Operation = Operation::http("update-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Rename an organization or replace its metadata", "owner")
    .takes::<Body>()
    .responds::<OrganizationView>(200)
    .responds_to_server::<ManagedOrganizationView>()
    .refuses(&[
        "invalid_request",
        "owner_required",
        "organization_not_found",
    ]);

/// The changes; a field that is left out keeps its value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The new name: 1 to 200 characters on one line.
    name: Patch<OrganizationName>,
    /// The new metadata, which replaces all of the old.
    metadata: Patch<Metadata>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let body: Body = input::body(request)?;
    let update = &OrganizationUpdate {
        name: body.name.into_option(),
        metadata: body.metadata.into_option(),
    };

    let (organization, caller) = app
        .mutate(move |now| async move {
            let (caller, organization) = scope.organization(app).await?;
            let (updated, event) = update_organization(&caller, &organization, update.clone())?;
            let Some(event) = event else {
                return Ok(Decision::Unchanged((updated, caller)));
            };
            let transaction = Transaction::by(&caller, now, [event]).write_organization(&updated);
            Ok(Decision::Commit(transaction, (updated, caller)))
        })
        .await?;
    Ok(Response::ok(&OrganizationForCaller::of(
        &organization,
        &caller,
    )))
}
