//! Logs: one JSON line with the outcome of each request, beside the line of its metrics.
//!
//! No line holds a token, a secret or an email address.

use std::time::Duration;

use domain::{ApiKeyId, OrganizationId};
use serde_json::Value;
use tracing::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    error::{Error, Severity},
    error_chain::chain,
    response::Response,
};

/// Sends logs to standard output as JSON, from the level in
/// `AWS_LAMBDA_LOG_LEVEL` on (`INFO` unless set). Other crates log warnings only, because
/// their details may hold secrets or addresses.
pub(crate) fn start() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").ok();
    let level = level
        .and_then(|level| level.parse().ok())
        .unwrap_or(Level::INFO);
    let ours = Targets::new()
        .with_default(Level::WARN.min(level))
        // The runtime would log errors a second time, without their causes; panics still
        // go to standard error.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_target("functions", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false);
    tracing_subscriber::registry().with(lines).with(ours).init();
}

/// Logs a request from API Gateway. An internal error is logged with all its causes; the
/// client gets no details.
pub(crate) fn log_request(
    operation: &str,
    request_id: &str,
    organization_id: Option<OrganizationId>,
    api_key_id: Option<ApiKeyId>,
    outcome: &Result<Response, Error>,
    took: Duration,
) {
    let duration_ms = milliseconds(took);
    let organization_id = organization_id.map(|id| id.to_string());
    let api_key_id = api_key_id.map(|id| id.to_string());
    let error = match outcome {
        Ok(response) => {
            tracing::info!(
                operation,
                request_id,
                organization_id,
                api_key_id,
                status = response.status().as_u16(),
                code = "ok",
                duration_ms,
                "answered"
            );
            return;
        }
        Err(error) => error,
    };
    // The level of an event is a constant.
    macro_rules! log {
        ($level:ident, $message:literal $(, $field:ident = $value:expr)?) => {
            tracing::$level!(
                operation,
                request_id,
                organization_id,
                api_key_id,
                status = error.status().as_u16(),
                code = error.code(),
                duration_ms,
                $($field = $value,)?
                $message
            )
        };
    }
    match error.severity() {
        Severity::Refusal => log!(info, "refused"),
        Severity::Busy => log!(warn, "busy"),
        Severity::Failure => log!(error, "failed", error = chain(error)),
    }
}

/// Logs an event from a stream, a schedule or an event bus.
pub(crate) fn log_event(
    operation: &str,
    request_id: &str,
    outcome: &Result<Value, Error>,
    took: Duration,
) {
    let duration_ms = milliseconds(took);
    match outcome {
        Ok(output) => {
            tracing::info!(operation, request_id, %output, code = "ok", duration_ms, "done");
        }
        Err(error) => {
            let chain = chain(error);
            tracing::error!(
                operation,
                request_id,
                code = error.code(),
                duration_ms,
                error = chain,
                "failed"
            );
        }
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
