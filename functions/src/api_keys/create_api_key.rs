//! `POST /v1/organizations/{organization_id}/api-keys`: owners and admins.

use domain::{ApiKeyId, ApiKeyName, ApiKeyRequest, create_api_key};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use crate::{
    App, Operation,
    access::Asked,
    attempts::Attempts,
    failure::Failure,
    input,
    output::Answer,
    representation::{ApiKeyView, SecretView},
};

/// Makes an API key. Its secret is in this answer and nowhere else.
pub static OPERATION: Operation = Operation::http("create-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// What key to make.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// What people are to call it: 1 to 200 characters on one line.
    name: ApiKeyName,
    /// From when on it is to be no good; it has no end if absent.
    #[serde(default)]
    expires_at: Option<input::Time>,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = asked.organization_id;
    let body: Body = input::body(request)?;
    let input = ApiKeyRequest {
        id: ApiKeyId::new(app.new_id()),
        name: body.name,
        expires_at: body.expires_at.map(|at| at.0),
        random: app.random()?,
    };

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (organization, me) = asked.organization(app).await?;
        let (key, secret, event) = create_api_key(&me, &organization, input.clone(), now)?;

        // The membership is written and not only checked: whoever removes or
        // demotes the caller at this moment is told of this key.
        let transaction = Transaction::new()
            .write_member(&me)
            .write_api_key(&key)
            .increment_api_keys(id);
        let transaction = app.record(transaction, id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                let location = format!("/v1/organizations/{id}/api-keys/{}", key.id);
                let api_key = ApiKeyView::of(&key, &me, now);
                return Ok(Answer::created(location, &SecretView { api_key, secret }));
            }
            Commit::Conflict => attempts.again().await?,
        }
    }
}
