//! `PATCH /v1/organizations/{organization_id}/api-keys/{api_key_id}`: owners
//! and admins.

use domain::{ApiKeyName, ApiKeyUpdate, update_api_key};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use super::load;
use crate::{
    App, Operation, access::Asked, attempts::Attempts, failure::Failure, input, output::Answer,
    representation::ApiKeyView,
};

/// Changes a key's name or expiry: all that is asked, or nothing. Its secret
/// stays.
pub static OPERATION: Operation = Operation::http("update-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// What to change; what is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The new name: 1 to 200 characters on one line.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "ApiKeyName")]
    name: Option<ApiKeyName>,
    /// From when on it is to be no good; `null` for good.
    #[serde(default, deserialize_with = "input::if_present")]
    #[schemars(with = "Option<input::Time>")]
    expires_at: Option<Option<input::Time>>,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = load::api_key_id(request);
    let body: Body = input::body(request)?;
    let update = ApiKeyUpdate {
        name: body.name,
        expires_at: body.expires_at.map(|at| at.map(|at| at.0)),
    };

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, key) = load::membership_and_key(app, &asked, id).await?;
        let (updated, event) = update_api_key(&me, &key, update.clone(), now)?;
        let answer = Answer::ok(&ApiKeyView::of(&updated, &me, now));
        let Some(event) = event else {
            return Ok(answer);
        };

        let transaction = Transaction::new()
            .require_member(&me)
            .write_api_key(&updated);
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
