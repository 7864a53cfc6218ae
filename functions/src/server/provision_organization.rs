//! `POST /v1/server/organizations`.

use domain::{
    EmailAddress, ExternalId, Metadata, OrganizationId, OrganizationName, Person, PersonName,
    Refusal, UserId, provision_organization,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{CreationRequest, Key, Transaction};

use crate::{
    App, Operation, Shape, access, error::Error, input, mutate::Decision, response::Response,
    views::ManagedOrganizationView,
};

/// Creates an organization for a person, who is its creator.
pub static OPERATION: Operation = Operation::http("provision-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Create an organization for a person", "server")
    .takes::<Body>()
    .responds::<ManagedOrganizationView>(201)
    .idempotent(
        false,
        "Repeating a request for the same creator with the same key within a day makes no second organization.",
    )
    .refuses(&["invalid_request", "external_id_taken"]);

/// The organization to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The organization's name: 1 to 200 characters on one line.
    name: OrganizationName,
    /// The person who becomes its creator.
    creator: Creator,
    /// The organization's id in the product: 1 to 128 printable ASCII characters, unique.
    #[serde(default)]
    external_id: Option<ExternalId>,
    /// The product's own data about it, which its members see.
    #[serde(default)]
    metadata: Metadata,
    /// The product's own data about it that no person sees.
    #[serde(default)]
    private_metadata: Metadata,
}

/// The person who becomes the creator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Creator {
    /// The person's `sub` at the identity provider.
    user_id: UserId,
    /// The person's email address. The product has verified it.
    email: EmailAddress,
    /// The person's name.
    #[serde(default)]
    name: Option<PersonName>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let on_behalf_of = &access::server(request)?;
    let body: &Body = &input::body(request)?;
    let idempotency_key = input::idempotency_key(request)?;
    // The creator's own keys have no spaces.
    let idempotency_key = &idempotency_key.map(|key| format!("server {key}"));
    let creator = &Person {
        user_id: body.creator.user_id.clone(),
        email: Some(body.creator.email.clone()),
        email_verified: true,
        name: body.creator.name.clone(),
        issued_at: None,
    };

    let organization = app
        .mutate(move |now| async move {
            let external_id = body.external_id.as_ref();
            let request = idempotency_key.as_ref();
            let keys = (
                external_id.map(Key::external_id),
                Key::profile(&creator.user_id),
                request.map(|key| Key::creation_request(&creator.user_id, key)),
            );
            let (holder, profile, remembered) = app.store.read(keys).await?;
            if let Some(request) = &remembered
                && now < request.at + CreationRequest::MEMORY
                && let Some(created) = app
                    .store
                    .read(Key::organization(request.organization_id))
                    .await?
                && !created.is_deleted()
            {
                return Ok(Decision::Unchanged(created));
            }
            if holder.is_some() {
                return Err(Refusal::ExternalIdTaken.into());
            }
            let id = OrganizationId::new(app.new_id());
            let mut created = provision_organization(
                on_behalf_of.clone(),
                creator,
                id,
                body.name.clone(),
                body.metadata.clone(),
                now,
            )?;
            created.organization.external_id = body.external_id.clone();
            created.organization.private_metadata = body.private_metadata.clone();
            let mut transaction = Transaction::in_organization(id, now, created.events)
                .create_organization(&mut created.organization)
                .add_member(&mut created.creator)
                .write_address(&created.address)
                .update_profile(&created.creator, profile.as_ref())
                .change_external_id(id, None, external_id);
            if let Some(key) = idempotency_key {
                let request = CreationRequest {
                    user_id: creator.user_id.clone(),
                    idempotency_key: key.clone(),
                    organization_id: id,
                    at: now,
                };
                transaction = transaction.remember_request(&request, remembered.as_ref());
            }
            Ok(Decision::Commit(transaction, created.organization))
        })
        .await?;
    let location = format!("/v1/server/organizations/{}", organization.id);
    let view = ManagedOrganizationView::of(&organization);
    Ok(Response::created(location, &view))
}
