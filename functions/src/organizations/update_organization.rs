//! `PATCH /v1/organizations/{organization_id}`.

use domain::{
    ExternalId, ManagedUpdate, Metadata, OrganizationName, OrganizationUpdate, Refusal,
    update_organization,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction};

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, Clearable, IfMatch, Patch},
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
    .takes_from_server::<ServerBody>()
    .responds::<OrganizationView>(200)
    .responds_to_server::<ManagedOrganizationView>()
    .conditional_on::<OrganizationView>()
    .conditional_on_for_server::<ManagedOrganizationView>()
    .refuses(&[
        "invalid_request",
        "owner_required",
        "organization_not_found",
        "external_id_taken",
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

/// The server's changes; a field that is left out keeps its value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ServerBody {
    /// The new name: 1 to 200 characters on one line.
    name: Patch<OrganizationName>,
    /// The new metadata, which replaces all of the old. Members see it.
    metadata: Patch<Metadata>,
    /// The organization's id in the product: 1 to 128 printable ASCII characters,
    /// unique. `null` removes it.
    external_id: Patch<Clearable<ExternalId>>,
    /// The new private metadata, which replaces all of the old. No person sees it.
    private_metadata: Patch<Metadata>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let if_match = &IfMatch::of(request)?;
    let update = &if scope.is_of_server() {
        let body: ServerBody = input::body(request)?;
        OrganizationUpdate {
            name: body.name.into_option(),
            metadata: body.metadata.into_option(),
            managed: ManagedUpdate {
                external_id: body.external_id.into_option().map(|id| id.0),
                private_metadata: body.private_metadata.into_option(),
            },
        }
    } else {
        let body: Body = input::body(request)?;
        OrganizationUpdate {
            name: body.name.into_option(),
            metadata: body.metadata.into_option(),
            managed: ManagedUpdate::default(),
        }
    };
    let id = scope.organization_id;

    let (organization, caller) = app
        .mutate(move |now| async move {
            let new_id = update.managed.external_id.as_ref().and_then(Option::as_ref);
            let keys = (Key::organization(id), new_id.map(Key::external_id));
            let (caller, (organization, holder)) = scope.read(app, keys).await?;
            let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
            if holder.is_some_and(|holder| holder.organization_id != id) {
                return Err(Refusal::ExternalIdTaken.into());
            }
            let (mut updated, event) = update_organization(&caller, &organization, update.clone())?;
            let Some(event) = event else {
                return Ok(Decision::Unchanged((updated, caller)));
            };
            if_match.require((&organization).into(), || {
                OrganizationForCaller::of(&organization, &caller)
            })?;
            let mut transaction =
                Transaction::by(&caller, now, [event]).write_organization(&mut updated);
            let (before, after) = (&organization.external_id, &updated.external_id);
            if before != after {
                transaction = transaction.change_external_id(id, before.as_ref(), after.as_ref());
            }
            Ok(Decision::Commit(transaction, (updated, caller)))
        })
        .await?;
    Ok(Response::ok(&OrganizationForCaller::of(
        &organization,
        &caller,
    )))
}
