//! `POST /v1/organizations/{organization_id}/api-keys`.

use domain::{ApiKeyId, ApiKeyName, ApiKeyRequest, ApiKeyScopes, create_api_key};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction};

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    mutate::Decision,
    response::Response,
    views::{ApiKeyView, SecretView},
};

/// Creates an API key. Its secret is in this response and nowhere else.
pub static OPERATION: Operation = Operation::http("create-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Create an API key", "owner, admin")
    .takes::<Body>()
    .responds::<SecretView>(201)
    .refuses(&[
        "invalid_request",
        "owner_or_admin_required",
        "organization_not_found",
        "too_many_api_keys",
    ]);

/// The API key to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The key's name: 1 to 200 characters on one line.
    name: ApiKeyName,
    /// The key's scopes; all if absent.
    #[serde(default)]
    scopes: ApiKeyScopes,
    /// When the key expires; never if absent.
    #[serde(default)]
    expires_at: Option<input::Time>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let id = scope.organization_id;
    let body: Body = input::body(request)?;
    let input = &ApiKeyRequest {
        id: ApiKeyId::new(app.new_id()),
        name: body.name,
        scopes: body.scopes,
        expires_at: body.expires_at.map(|at| at.0),
        random: app.random()?,
    };

    let view = app
        .mutate(move |now| async move {
            let (caller, counts) = scope.read(app, Key::counts(id)).await?;
            let counts = counts.unwrap_or_default();
            let (mut key, secret, event) = create_api_key(&caller, &counts, input.clone(), now)?;
            // A concurrent removal or demotion of the caller becomes stale by this, and
            // is decided again with this key in its response.
            let transaction = Transaction::by(&caller, now, [event])
                .write_api_key(&mut key)
                .increment_api_keys(id);
            let api_key = ApiKeyView::of(&key, &caller, now);
            Ok(Decision::Commit(
                transaction,
                SecretView { api_key, secret },
            ))
        })
        .await?;
    let location = format!("/v1/organizations/{id}/api-keys/{}", view.api_key.id);
    Ok(Response::created(location, &view))
}
