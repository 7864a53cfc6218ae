//! A loopback endpoint that speaks SES v2 and shows what it caught.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Bytes,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use functions::Clock;
use serde::Serialize;
use serde_json::{Value, json};

/// A mail that SES would have sent.
#[derive(Debug, Clone, Serialize)]
pub struct CaughtMail {
    /// Counts the mails, from 1.
    pub id: usize,
    /// When it was caught.
    pub at: DateTime<Utc>,
    /// Whom it is from.
    pub from: String,
    /// Whom it is to.
    pub to: Vec<String>,
    /// Whom answers go to.
    pub reply_to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text body.
    pub text: String,
    /// The HTML body.
    pub html: String,
    /// The configuration set that it was sent with.
    pub configuration_set: Option<String>,
}

/// How SES fails.
#[derive(Debug, Clone, Copy)]
pub struct SesFailure {
    /// The HTTP status.
    pub status: u16,
    /// SES's error code, such as `TooManyRequestsException`.
    pub code: &'static str,
}

/// Catches mails.
#[derive(Clone)]
pub struct MailCatcher {
    clock: Clock,
    caught: Arc<Mutex<Vec<CaughtMail>>>,
    failures: Arc<Mutex<VecDeque<SesFailure>>>,
}

/// Nothing is left half-done behind these locks: what a panic leaves is good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MailCatcher {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            caught: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// The mails so far, the oldest first.
    pub fn mails(&self) -> Vec<CaughtMail> {
        lock(&self.caught).clone()
    }

    /// Fails the next requests to send a mail.
    pub fn fail_next(&self, times: usize, failure: SesFailure) {
        lock(&self.failures).extend(std::iter::repeat_n(failure, times));
    }

    /// Takes requests as SES does from now on.
    pub fn recover(&self) {
        lock(&self.failures).clear();
    }

    /// Answers `SendEmail`.
    pub(crate) fn send_email(&self, body: &Bytes) -> Response {
        if let Some(failure) = lock(&self.failures).pop_front() {
            let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_REQUEST);
            return refuse(status, failure.code);
        }
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return refuse(StatusCode::BAD_REQUEST, "BadRequestException");
        };
        let text = |pointer: &str| {
            request
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let texts = |pointer: &str| -> Vec<String> {
            let values = request
                .pointer(pointer)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            values
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let to = texts("/Destination/ToAddresses");
        if to.is_empty() || text("/FromEmailAddress").is_empty() {
            return refuse(StatusCode::BAD_REQUEST, "BadRequestException");
        }
        let mut caught = lock(&self.caught);
        let id = caught.len() + 1;
        caught.push(CaughtMail {
            id,
            at: self.clock.now(),
            from: text("/FromEmailAddress"),
            to,
            reply_to: texts("/ReplyToAddresses"),
            subject: text("/Content/Simple/Subject/Data"),
            text: text("/Content/Simple/Body/Text/Data"),
            html: text("/Content/Simple/Body/Html/Data"),
            configuration_set: request
                .get("ConfigurationSetName")
                .and_then(Value::as_str)
                .map(str::to_owned),
        });
        axum::Json(json!({ "MessageId": format!("local-{id}") })).into_response()
    }
}

fn refuse(status: StatusCode, code: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (HeaderName::from_static("x-amzn-errortype"), code),
    ];
    (
        status,
        headers,
        json!({ "message": "refused by the mail catcher" }).to_string(),
    )
        .into_response()
}
