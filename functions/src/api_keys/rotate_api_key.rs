//! `POST /v1/organizations/{organization_id}/api-keys/{api_key_id}/rotate`:
//! owners and admins.

use domain::{GracePeriod, rotate_api_key};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use super::load;
use crate::{
    App, Operation,
    access::Asked,
    attempts::Attempts,
    failure::Failure,
    input,
    output::Answer,
    representation::{ApiKeyView, SecretView},
};

/// Gives a key a new secret. It is in this answer and nowhere else; the earlier
/// ones stay good for the grace period, and end by themselves.
pub static OPERATION: Operation = Operation::http("rotate-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// How to rotate. The body may be left out.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    /// How many seconds the earlier secrets stay good: up to 7 days, a day if
    /// absent.
    #[schemars(extend("default" = 86_400))]
    grace_period_seconds: GracePeriod,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = load::api_key_id(request);
    let body: Body = input::body_if_any(request)?.unwrap_or_default();
    let random = app.random()?;

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, key) = load::membership_and_key(app, &asked, id).await?;
        let (rotated, secret, event) =
            rotate_api_key(&me, &key, random, body.grace_period_seconds, now)?;

        let transaction = Transaction::new()
            .require_member(&me)
            .write_api_key(&rotated);
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                let api_key = ApiKeyView::of(&rotated, &me, now);
                return Ok(Answer::ok(&SecretView { api_key, secret }));
            }
            Commit::Conflict => attempts.again().await?,
        }
    }
}
