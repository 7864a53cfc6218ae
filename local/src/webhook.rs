//! The webhook: it gets each audit event as EventBridge's API destination sends it.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, Uri, header},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// The time in which the receiver has to answer, as EventBridge's.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The receiver of audit events.
pub(crate) struct Webhook {
    url: Uri,
    key: String,
    client: Client<HttpConnector, Body>,
}

impl Webhook {
    pub(crate) fn new(url: Uri, key: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url, key, client }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// The reason why the receiver has not taken it.
    pub(crate) async fn send(&self, event: &Value) -> Result<(), String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("x-webhook-key", &self.key)
            .body(Body::from(event.to_string()))
            .map_err(|error| error.to_string())?;
        let response = tokio::time::timeout(TIMEOUT, self.client.request(request)).await;
        let response = response.map_err(|_| "no response in time".to_owned())?;
        let status = response.map_err(|error| error.to_string())?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("the response was {status}"))
        }
    }
}
