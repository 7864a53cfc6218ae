//! `PATCH /v1/organizations/{organization_id}/api-keys/{api_key_id}`.

use domain::{ApiKeyName, ApiKeyUpdate, update_api_key};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, IfMatch, Patch},
    mutate::Decision,
    response::Response,
    views::ApiKeyView,
};

/// Changes an API key's name or expiry: all of the request or nothing. The secret
/// stays.
pub static OPERATION: Operation = Operation::http("update-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Change an API key's name or expiry", "owner, admin")
    .takes::<Body>()
    .responds::<ApiKeyView>(200)
    .conditional_on::<ApiKeyView>()
    .refuses(&[
        "invalid_request",
        "owner_or_admin_required",
        "organization_not_found",
        "api_key_not_found",
    ]);

/// The changes; a field that is left out keeps its value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The new name: 1 to 200 characters on one line.
    name: Patch<ApiKeyName>,
    /// When the key expires; `null` for never.
    expires_at: Patch<Option<input::Time>>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let id = load::api_key_id(request);
    let if_match = &IfMatch::of(request)?;
    let body: Body = input::body(request)?;
    let expires_at = body.expires_at.into_option();
    let update = &ApiKeyUpdate {
        name: body.name.into_option(),
        expires_at: expires_at.map(|at| at.map(|at| at.0)),
    };

    let view = app
        .mutate(move |now| async move {
            let (caller, key) = load::caller_and_key(app, scope, id).await?;
            let (mut updated, event) = update_api_key(&caller, &key, update.clone(), now)?;
            let Some(event) = event else {
                let view = ApiKeyView::of(&updated, &caller, now);
                return Ok(Decision::Unchanged(view));
            };
            if_match.require((&key).into(), || ApiKeyView::of(&key, &caller, now))?;
            let transaction = Transaction::by(&caller, now, [event]).write_api_key(&mut updated);
            let view = ApiKeyView::of(&updated, &caller, now);
            Ok(Decision::Commit(transaction, view))
        })
        .await?;
    Ok(Response::ok(&view))
}
