//! `POST /v1/organizations`: anyone signed in.

use domain::{Metadata, OrganizationId, OrganizationName, create_organization};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, CreationRequest, Key, Transaction};

use crate::{
    App, Operation, access, attempts::Attempts, failure::Failure, input, output::Answer,
    representation::OrganizationView,
};

/// Creates an organization, with the caller as its creator, and makes it the
/// caller's current one.
pub static OPERATION: Operation = Operation::http("create-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// What to create.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The organization's name: 1 to 200 characters on one line.
    name: OrganizationName,
    /// What the product keeps with it: at most 50 short texts.
    #[serde(default)]
    metadata: Metadata,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    let body: Body = input::body(request)?;
    // Whoever repeats a request with the same key within a day gets the
    // organization that the first one made.
    let idempotency_key = input::idempotency_key(request)?;

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let remembered = match idempotency_key {
            Some(key) => {
                app.store
                    .get(Key::creation_request(&person.user_id, key))
                    .await?
            }
            None => None,
        };
        if let Some(request) = remembered
            .as_ref()
            .filter(|request: &&CreationRequest| now < request.at + CreationRequest::MEMORY)
        {
            let id = request.organization_id;
            let found = access::organization_of(app, &person.user_id, id).await?;
            if let Some((organization, member)) = found {
                let location = format!("/v1/organizations/{id}");
                return Ok(Answer::created(
                    location,
                    &OrganizationView::of(&organization, &member),
                ));
            }
        }

        let id = OrganizationId::new(app.new_id());
        let founded =
            create_organization(&person, id, body.name.clone(), body.metadata.clone(), now)?;
        let mut transaction = Transaction::new()
            .write_organization(&founded.organization)
            .add_member(&founded.creator)
            .write_address(&founded.address)
            .switch_to(&person.user_id, id);
        if let Some(key) = idempotency_key {
            let request = CreationRequest {
                user_id: person.user_id.clone(),
                idempotency_key: key.to_owned(),
                organization_id: id,
                at: now,
            };
            transaction = transaction.remember_request(&request, remembered.as_ref());
        }
        let transaction = app.record(transaction, id, now, founded.events);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                let view = OrganizationView::of(&founded.organization, &founded.creator);
                return Ok(Answer::created(format!("/v1/organizations/{id}"), &view));
            }
            Commit::Conflict => attempts.again().await?,
        }
    }
}
