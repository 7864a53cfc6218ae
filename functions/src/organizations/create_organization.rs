//! `POST /v1/organizations`.

use domain::{
    DailyCount, Metadata, OrganizationId, OrganizationName, Profile, create_organization,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{CreationRequest, Key, Transaction};

use crate::{
    App, Operation, Shape, access, config, error::Error, input, mutate::Decision,
    response::Response, views::OrganizationView,
};

/// Creates an organization, with the caller as its creator, and makes it the
/// caller's current one.
pub static OPERATION: Operation = Operation::http("create-organization", |app, request| {
    Box::pin(handle(app, request))
})
.needs(config::ORGANIZATION_LIMITS);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Create an organization",
    "person with a verified email address",
)
.takes::<Body>()
.idempotent(
    false,
    "Repeating a request with the same key within a day makes no second organization.",
)
.responds::<OrganizationView>(201)
.refuses(&[
    "invalid_request",
    "email_required",
    "email_not_verified",
    "too_many_organizations",
    "organization_limit_reached",
]);

/// The organization to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The organization's name: 1 to 200 characters on one line.
    name: OrganizationName,
    /// The product's own data about it: at most 50 short texts.
    #[serde(default)]
    metadata: Metadata,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = &access::person(app, request)?;
    let body: &Body = &input::body(request)?;
    let idempotency_key = input::idempotency_key(request)?;

    let (organization, creator) = app
        .mutate(move |now| async move {
            let key = idempotency_key.map(|key| Key::creation_request(&person.user_id, key));
            let account = Key::account(&person.user_id);
            let (remembered, account) = app.store.read((key, account)).await?;
            if let Some(request) = &remembered
                && now < request.at + CreationRequest::MEMORY
                && let Some(created) =
                    access::organization_of(app, &person.user_id, request.organization_id).await?
            {
                return Ok(Decision::Unchanged(created));
            }

            let id = OrganizationId::new(app.new_id());
            let earlier = account.map_or_else(DailyCount::default, |account| account.created);
            let mut created = create_organization(
                person,
                earlier,
                app.limits.organizations,
                id,
                body.name.clone(),
                body.metadata.clone(),
                now,
            )?;
            let mut transaction = Transaction::in_organization(id, now, created.events)
                .create_organization(&mut created.organization)
                .add_member(&mut created.creator)
                .write_address(&created.address)
                .write_profile(&Profile::of(&created.creator))
                .switch_to_new(&person.user_id, id, earlier, created.created);
            if let Some(key) = idempotency_key {
                let request = CreationRequest {
                    user_id: person.user_id.clone(),
                    idempotency_key: key.to_owned(),
                    organization_id: id,
                    at: now,
                };
                transaction = transaction.remember_request(&request, remembered.as_ref());
            }
            let created = (created.organization, created.creator);
            Ok(Decision::Commit(transaction, created))
        })
        .await?;
    let location = format!("/v1/organizations/{}", organization.id);
    let view = OrganizationView::of(&organization, &creator);
    Ok(Response::created(location, &view))
}
