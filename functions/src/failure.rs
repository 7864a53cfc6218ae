//! The one place where failures become answers.

use chrono::TimeDelta;
use domain::{Refusal, RefusalKind};
use lambda_http::Request;
use serde::Serialize;
use store::StoreError;

use crate::{ConfigError, input, link_keys::LinkKeyError, output::Answer};

/// Why an operation did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request is not one that can be understood.
    #[error("{detail}")]
    Invalid {
        /// What is wrong, for whoever wrote the request.
        detail: String,
        /// The field, parameter or header that is wrong.
        field: Option<String>,
    },
    /// Nobody is signed in. API Gateway refuses such requests before they get here.
    #[error("sign in first")]
    NotSignedIn,
    /// Others kept changing the same things at the same time.
    #[error("others are changing the same things at this moment; try again")]
    Busy,
    /// The function's time is over.
    #[error("the function's time is over")]
    OutOfTime,
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The function's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The link key.
    #[error(transparent)]
    LinkKey(#[from] LinkKeyError),
    /// The email templates.
    #[error(transparent)]
    Email(#[from] mail::RenderError),
    /// The email service.
    #[error(transparent)]
    Send(#[from] mail::SendError),
    /// The machine's source of randomness.
    #[error("there is no randomness to be had")]
    Randomness(#[from] getrandom::Error),
    /// An event that is not what the operation takes.
    #[error("the event cannot be read")]
    Event(#[from] serde_json::Error),
}

impl Failure {
    /// A field of a request that is wrong; `why` fits behind its name.
    pub(crate) fn field(field: &str, why: impl std::fmt::Display) -> Self {
        Self::Invalid {
            detail: format!("`{field}` {why}"),
            field: Some(field.to_owned()),
        }
    }

    /// Whether the client is told what is wrong, so that it is no concern of operators.
    pub(crate) fn is_expected(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::Invalid { .. } | Self::NotSignedIn | Self::Busy
        )
    }

    /// The stable code that programs tell failures apart by.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Invalid { .. } => "invalid_request",
            Self::NotSignedIn => "not_signed_in",
            Self::Busy => "busy",
            Self::Store(error) if error.is_transient() => "unavailable",
            Self::LinkKey(LinkKeyError::Unavailable(_)) | Self::OutOfTime => "unavailable",
            Self::Store(_)
            | Self::Config(_)
            | Self::LinkKey(_)
            | Self::Email(_)
            | Self::Send(_)
            | Self::Event(_)
            | Self::Randomness(_) => "internal_error",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => match refusal.kind() {
                RefusalKind::Invalid => 400,
                RefusalKind::Forbidden => 403,
                RefusalKind::NotFound => 404,
                RefusalKind::Conflict => 409,
                RefusalKind::Gone => 410,
                RefusalKind::TooEarly => 429,
                RefusalKind::Contradiction => 422,
            },
            Self::Invalid { .. } => 400,
            Self::NotSignedIn => 401,
            Self::Busy => 503,
            _ if self.code() == "unavailable" => 503,
            _ => 500,
        }
    }

    /// The problem details (RFC 9457) for the client.
    pub(crate) fn into_answer(self, request: &Request) -> Answer {
        let status = self.status();
        let mut problem = Problem {
            title: title(status),
            status,
            code: self.code(),
            detail: self.to_string(),
            // The path of a link holds a token, which is not to be repeated.
            instance: input::path(request, "token")
                .is_empty()
                .then(|| request.uri().path().to_owned()),
            field: None,
            invite_id: None,
        };
        let mut retry_after = None;
        let mut credits = None;
        match self {
            Self::Refused(Refusal::InviteOutstanding { invite_id, .. }) => {
                problem.invite_id = Some(invite_id.to_string());
            }
            Self::Refused(Refusal::ExpiryNotInFuture) => {
                problem.field = Some("expires_at".to_owned());
            }
            Self::Refused(Refusal::ResendTooSoon { wait }) => {
                retry_after = Some(whole_seconds(wait));
            }
            Self::Refused(Refusal::CreditsUsedUp {
                used,
                allowed,
                wait,
                ..
            }) => {
                retry_after = Some(whole_seconds(wait));
                credits = Some((allowed, used));
            }
            Self::Invalid { field, .. } => problem.field = field,
            Self::Refused(_) | Self::NotSignedIn => {}
            _ if status == 503 => {
                problem.detail = "this did not work out just now; try again".to_owned();
                retry_after = Some(1);
            }
            _ => problem.detail = "something went wrong on our side".to_owned(),
        }
        let mut answer = Answer::problem(status, &problem);
        if let Some((allowed, used)) = credits {
            answer = answer.with_credits(allowed, 0, used);
        }
        match retry_after {
            Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
            None => answer,
        }
    }
}

/// Rounded up: whoever waits so long has waited long enough.
fn whole_seconds(wait: TimeDelta) -> i64 {
    (wait.num_milliseconds() + 999) / 1000
}

/// Problem details (RFC 9457) with a stable code.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Problem {
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Tells problems apart; does not change.
    code: &'static str,
    /// What is wrong, in a sentence for people.
    detail: String,
    /// The path of the request, unless it holds a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The field, parameter or header that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The outstanding invite that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_id: Option<String>,
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        410 => "Gone",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
