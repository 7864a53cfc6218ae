//! The authorizer of the server's routes: verifies the server key in the
//! `Authorization` header.
//!
//! API Gateway caches the response for the time that the template sets.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{App, Operation, access, error::Error};

/// Authorizes the product's own backend by the server key, in constant time.
pub static OPERATION: Operation = Operation::authorizer("authorize-server", |app, event| {
    Box::pin(async move {
        let event: Event = serde_json::from_value(event)?;
        Ok::<Value, Error>(match is_authorized(&app, &event).await? {
            true => json!({ "isAuthorized": true, "context": { "caller": access::SERVER } }),
            false => json!({ "isAuthorized": false }),
        })
    })
})
.needs(&["SERVER_KEY_SECRET_ID"]);

/// A request authorizer's event, in payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// The `Authorization` header, by which API Gateway caches the response.
    identity_source: Vec<String>,
}

async fn is_authorized(app: &App, event: &Event) -> Result<bool, Error> {
    let [authorization] = event.identity_source.as_slice() else {
        return Ok(false);
    };
    let Some(key) = bearer(authorization) else {
        return Ok(false);
    };
    let keys = app.server_keys()?.get(app.clock.now()).await?;
    Ok(keys.verify(key))
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, key) = authorization.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| key.trim_matches(' '))
}
