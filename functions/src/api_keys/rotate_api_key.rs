//! `POST /v1/organizations/{organization_id}/api-keys/{api_key_id}/rotate`.

use domain::{GracePeriod, rotate_api_key};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    mutate::Decision,
    response::Response,
    views::{ApiKeyView, SecretView},
};

/// Gives an API key a new secret, which is in this response and nowhere else.
/// The earlier secrets stay valid for the grace period.
pub static OPERATION: Operation = Operation::http("rotate-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Rotate an API key's secret", "owner, admin")
    .takes_if_any::<Body>()
    .responds::<SecretView>(200)
    .refuses(&[
        "invalid_request",
        "owner_or_admin_required",
        "organization_not_found",
        "api_key_not_found",
        "api_key_expired",
    ]);

/// The options of a rotation. The body is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The number of seconds for which the earlier secrets stay valid: at most 7 days; one
    /// day if absent.
    #[schemars(extend("default" = 86_400))]
    grace_period_seconds: GracePeriod,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let id = load::api_key_id(request);
    let body: Body = input::body_if_any(request)?.unwrap_or_default();
    let (random, grace) = (app.random()?, body.grace_period_seconds);

    let view = app
        .mutate(move |now| async move {
            let (caller, key) = load::caller_and_key(app, scope, id).await?;
            let (mut rotated, secret, event) = rotate_api_key(&caller, &key, random, grace, now)?;
            let transaction = Transaction::by(&caller, now, [event]).write_api_key(&mut rotated);
            let api_key = ApiKeyView::of(&rotated, &caller, now);
            Ok(Decision::Commit(
                transaction,
                SecretView { api_key, secret },
            ))
        })
        .await?;
    Ok(Response::ok(&view))
}
