//! The server that stands in for SES and Secrets Manager.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};

use crate::{
    event_bus::EventBus,
    mail_catcher::{self, MailCatcher},
    mailbox_simulator,
    parts::Parts,
    secrets::SecretStore,
};

#[derive(Clone)]
struct Services {
    mail_catcher: MailCatcher,
    secrets: SecretStore,
    events: EventBus,
}

pub(crate) fn router(parts: &Parts) -> Router {
    Router::new()
        .route("/", post(secrets_manager))
        .route("/v2/email/outbound-emails", post(ses))
        .with_state(Services {
            mail_catcher: parts.mail_catcher.clone(),
            secrets: parts.secrets.clone(),
            events: parts.events.clone(),
        })
}

async fn ses(State(services): State<Services>, body: Bytes) -> Response {
    match services.mail_catcher.catch(&body) {
        Ok(email) => {
            if let Some(report) = mailbox_simulator::report(&email) {
                services.events.put(report);
            }
            mail_catcher::accepted(&email)
        }
        Err(refusal) => mail_catcher::refused(refusal),
    }
}

async fn secrets_manager(
    State(services): State<Services>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
    {
        Some("secretsmanager.GetSecretValue") => services.secrets.get_secret_value(&body),
        _ => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}
