//! A loopback endpoint that speaks SES v2 and shows what it caught.

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
    /// Counts the emails, from 1.
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
    /// What SES repeats in its reports about it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// How SES fails.
#[derive(Debug, Clone, Copy)]
pub struct SesFailure {
    /// The HTTP status.
    pub status: u16,
    /// SES's error code, such as `TooManyRequestsException`.
    pub code: &'static str,
}

/// Catches emails.
#[derive(Clone)]
pub struct MailCatcher {
    clock: Clock,
    caught: Arc<Mutex<Vec<CaughtEmail>>>,
    /// Where emails are kept, a line of JSON each.
    file: Option<PathBuf>,
    failures: Arc<Mutex<VecDeque<SesFailure>>>,
}

/// Nothing is left half-done behind these locks: what a panic leaves is good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MailCatcher {
    /// With the emails that are in the file.
    pub(crate) fn open(clock: Clock, file: Option<&Path>) -> io::Result<Self> {
        let kept = match file.map(fs::read_to_string) {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Some(read) => read?,
            None => String::new(),
        };
        // A line that broke off when the machine failed is no email.
        let caught: Vec<CaughtEmail> = kept
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

    /// The emails so far, the oldest first.
    pub fn mails(&self) -> Vec<CaughtEmail> {
        lock(&self.caught).clone()
    }

    /// Fails the next requests to send an email.
    pub fn fail_next(&self, times: usize, failure: SesFailure) {
        lock(&self.failures).extend(std::iter::repeat_n(failure, times));
    }

    /// Takes requests as SES does from now on.
    pub fn recover(&self) {
        lock(&self.failures).clear();
    }

    /// Takes a request to `SendEmail`.
    ///
    /// # Errors
    /// The status and SES's code that refuse it.
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
        let tags = request.get("EmailTags").and_then(Value::as_array);
        let tags = tags.into_iter().flatten().filter_map(|tag| {
            let text = |name: &str| Some(tag.get(name)?.as_str()?.to_owned());
            Some((text("Name")?, text("Value")?))
        });
        let mut caught = lock(&self.caught);
        let id = caught.last().map_or(0, |mail| mail.id) + 1;
        let mail = CaughtEmail {
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
            tags: tags.collect(),
        };
        if let Some(file) = &self.file {
            let kept = serde_json::to_vec(&mail).map_err(io::Error::other);
            if let Err(error) = kept.and_then(|line| persist::append(file, &line)) {
                tracing::warn!(%error, "a mail cannot be kept; it is gone with the next start");
            }
        }
        caught.push(mail.clone());
        Ok(mail)
    }
}

/// What SES answers for an email that it has taken.
pub(crate) fn taken(mail: &CaughtEmail) -> Response {
    axum::Json(json!({ "MessageId": format!("local-{}", mail.id) })).into_response()
}

/// What SES answers for one that it has not.
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
            Ok(mail) => taken(&mail),
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
                "Body": { "Text": { "Data": "text" }, "Html": { "Data": "<p>html</p>" } },
            } },
        })
    }

    #[test]
    fn an_email_is_caught_with_all_that_it_has() {
        let catcher = MailCatcher::open(Clock::system(), None).unwrap();
        assert_eq!(send(&catcher, &request()).status(), 200);
        let mails = catcher.mails();
        assert_eq!(mails[0].to, ["ada@example.com"]);
        assert_eq!(mails[0].subject, "Hello");
        assert_eq!((&*mails[0].text, &*mails[0].html), ("text", "<p>html</p>"));
        assert_eq!(mails[0].configuration_set.as_deref(), Some("invites"));
        assert_eq!(mails[0].tags["invite_id"], "7");
    }

    #[test]
    fn what_is_no_email_is_refused() {
        let catcher = MailCatcher::open(Clock::system(), None).unwrap();
        let mut to_nobody = request();
        to_nobody["Destination"] = json!({});
        let refused = send(&catcher, &to_nobody);
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.headers()["x-amzn-errortype"], "BadRequestException");
        assert!(catcher.mails().is_empty());
    }

    #[test]
    fn a_failure_that_was_asked_for_comes_as_often_as_asked() {
        let catcher = MailCatcher::open(Clock::system(), None).unwrap();
        let throttled = SesFailure {
            status: 429,
            code: "TooManyRequestsException",
        };
        catcher.fail_next(2, throttled);
        let statuses = [(); 3].map(|()| send(&catcher, &request()).status().as_u16());
        assert_eq!(statuses, [429, 429, 200]);
        assert_eq!(catcher.mails().len(), 1);
    }
}
