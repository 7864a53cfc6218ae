//! The mail catcher: a stand-in for SES v2 that keeps emails instead of sending them.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Bytes,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use functions::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::persist;

/// An email that SES would have sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaughtEmail {
    /// The number of the email, from 1.
    pub id: usize,
    /// The time of the request.
    pub at: DateTime<Utc>,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// The `Reply-To` addresses.
    pub reply_to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text body.
    pub text: String,
    /// The HTML body.
    pub html: String,
    /// The name of the configuration set.
    pub configuration_set: Option<String>,
    /// The tags, which SES repeats in its reports on the email.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The headers besides the usual ones.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A failure of SES.
#[derive(Debug, Clone, Copy)]
pub struct SesFailure {
    /// The HTTP status.
    pub status: u16,
    /// SES's error code, such as `TooManyRequestsException`.
    pub code: &'static str,
}

/// Stands in for SES.
#[derive(Clone)]
pub struct MailCatcher {
    clock: Clock,
    caught: Arc<Mutex<Vec<CaughtEmail>>>,
    /// The file of the emails, one JSON object per line.
    file: Option<PathBuf>,
    failures: Arc<Mutex<VecDeque<SesFailure>>>,
}

/// Locks a mutex. No operation behind these locks is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MailCatcher {
    /// Opens the catcher with the emails of a file.
    pub(crate) fn open(clock: Clock, file: Option<&Path>) -> io::Result<Self> {
        let saved = match file.map(fs::read_to_string) {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Some(read) => read?,
            None => String::new(),
        };
        // Skip a line that a crash cut off.
        let caught: Vec<CaughtEmail> = saved
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        Ok(Self {
            clock,
            caught: Arc::new(Mutex::new(caught)),
            file: file.map(Path::to_path_buf),
            failures: Arc::default(),
        })
    }

    /// Returns the caught emails, the oldest first.
    pub fn emails(&self) -> Vec<CaughtEmail> {
        lock(&self.caught).clone()
    }

    /// Forgets all emails and failures.
    pub(crate) fn clear(&self) -> io::Result<()> {
        self.recover();
        let mut caught = lock(&self.caught);
        if let Some(file) = &self.file {
            persist::replace(file, b"")?;
        }
        caught.clear();
        Ok(())
    }

    /// Makes the next requests to send an email fail.
    pub fn fail_next(&self, times: usize, failure: SesFailure) {
        lock(&self.failures).extend(std::iter::repeat_n(failure, times));
    }

    /// Ends all failures.
    pub fn recover(&self) {
        lock(&self.failures).clear();
    }

    /// Handles a `SendEmail` request.
    ///
    /// # Errors
    /// The status and SES's error code of the refusal.
    pub(crate) fn catch(&self, body: &Bytes) -> Result<CaughtEmail, (StatusCode, &'static str)> {
        if let Some(failure) = lock(&self.failures).pop_front() {
            let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_REQUEST);
            return Err((status, failure.code));
        }
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return Err((StatusCode::BAD_REQUEST, "BadRequestException"));
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
            return Err((StatusCode::BAD_REQUEST, "BadRequestException"));
        }
        let named_values = |pointer: &str| -> BTreeMap<String, String> {
            let values = request.pointer(pointer).and_then(Value::as_array);
            let pairs = values.into_iter().flatten().filter_map(|value| {
                let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
                Some((text("Name")?, text("Value")?))
            });
            pairs.collect()
        };
        let mut caught = lock(&self.caught);
        let id = caught.last().map_or(0, |email| email.id) + 1;
        let email = CaughtEmail {
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
            tags: named_values("/EmailTags"),
            headers: named_values("/Content/Simple/Headers"),
        };
        if let Some(file) = &self.file {
            let line = serde_json::to_vec(&email).map_err(io::Error::other);
            if let Err(error) = line.and_then(|line| persist::append(file, &line)) {
                tracing::warn!(%error, "an email cannot be saved; it will be lost at the next start");
            }
        }
        caught.push(email.clone());
        Ok(email)
    }
}

/// Returns SES's response to an email that it accepts.
pub(crate) fn accepted(email: &CaughtEmail) -> Response {
    axum::Json(json!({ "MessageId": format!("local-{}", email.id) })).into_response()
}

/// Returns SES's response to an email that it refuses.
pub(crate) fn refused((status, code): (StatusCode, &'static str)) -> Response {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn send(catcher: &MailCatcher, request: &Value) -> Response {
        match catcher.catch(&Bytes::from(request.to_string())) {
            Ok(email) => accepted(&email),
            Err(refusal) => refused(refusal),
        }
    }

    fn request() -> Value {
        json!({
            "FromEmailAddress": "no-reply@example.com",
            "Destination": { "ToAddresses": ["ada@example.com"] },
            "ConfigurationSetName": "invites",
            "EmailTags": [{ "Name": "invite_id", "Value": "7" }],
            "Content": { "Simple": {
                "Subject": { "Data": "Hello" },
                "Headers": [{ "Name": "Auto-Submitted", "Value": "auto-generated" }],
                "Body": { "Text": { "Data": "text" }, "Html": { "Data": "<p>html</p>" } },
            } },
        })
    }

    #[test]
    fn email_is_caught_with_all_its_parts() {
        let catcher = MailCatcher::open(Clock::system(), None).unwrap();
        assert_eq!(send(&catcher, &request()).status(), 200);
        let emails = catcher.emails();
        assert_eq!(emails[0].to, ["ada@example.com"]);
        assert_eq!(emails[0].subject, "Hello");
        assert_eq!(
            (&*emails[0].text, &*emails[0].html),
            ("text", "<p>html</p>")
        );
        assert_eq!(emails[0].configuration_set.as_deref(), Some("invites"));
        assert_eq!(emails[0].tags["invite_id"], "7");
        assert_eq!(emails[0].headers["Auto-Submitted"], "auto-generated");
    }

    #[test]
    fn email_without_recipient_is_refused() {
        let catcher = MailCatcher::open(Clock::system(), None).unwrap();
        let mut to_nobody = request();
        to_nobody["Destination"] = json!({});
        let refused = send(&catcher, &to_nobody);
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.headers()["x-amzn-errortype"], "BadRequestException");
        assert!(catcher.emails().is_empty());
    }

    #[test]
    fn requested_failure_repeats_as_often_as_requested() {
        let catcher = MailCatcher::open(Clock::system(), None).unwrap();
        let throttled = SesFailure {
            status: 429,
            code: "TooManyRequestsException",
        };
        catcher.fail_next(2, throttled);
        let statuses = [(); 3].map(|()| send(&catcher, &request()).status().as_u16());
        assert_eq!(statuses, [429, 429, 200]);
        assert_eq!(catcher.emails().len(), 1);
    }
}
