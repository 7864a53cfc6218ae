//! The errors of an operation, and what each means to a client and to operators.

use domain::{Refusal, RefusalKind};
use lambda_http::http::StatusCode;
use store::StoreError;

use crate::{config::ConfigError, secrets::SecretError};

/// The reason why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A rule of the domain refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request is malformed.
    #[error("{detail}")]
    Invalid {
        /// A sentence for the author of the request.
        detail: String,
        /// The field, parameter or header that is wrong.
        field: Option<String>,
    },
    /// The item is in another version than the request names in `If-Match`.
    #[error("the item has changed; `current` has its present state")]
    VersionMismatch {
        /// The item's view.
        current: serde_json::Value,
    },
    /// The request has no valid credential. API Gateway refuses such requests
    /// before they get here.
    #[error("sign in first")]
    NotSignedIn,
    /// The token is valid, but names no person as the API needs it.
    #[error("{0}")]
    UnusableToken(&'static str),
    /// Other requests kept changing the same items until the time limit.
    #[error("other requests are changing the same organization right now; please try again")]
    Busy,
    /// The function's deadline is near.
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
    Secret(#[from] SecretError),
    /// The email templates.
    #[error(transparent)]
    Email(#[from] mail::RenderError),
    /// The email service.
    #[error(transparent)]
    Send(#[from] mail::SendError),
    /// The system's random number generator.
    #[error("the system's random number generator failed")]
    Randomness(#[from] getrandom::Error),
    /// The operation does not accept the event.
    #[error("the event cannot be read")]
    Event(#[from] serde_json::Error),
}

/// How operators see an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// An error that the client can correct.
    Refusal,
    /// Contention, which is temporary: worth investigating when frequent.
    Busy,
    /// An error that operators have to correct.
    Failure,
}

impl Error {
    /// Refuses a field of a request; `why` fits behind its name. A name that the client
    /// has made up may have megabytes: of a long one only the beginning is repeated.
    pub(crate) fn field(field: &str, why: impl std::fmt::Display) -> Self {
        const MAX_NAME: usize = 100;
        let field = match field.char_indices().nth(MAX_NAME) {
            Some((end, _)) => format!("{}…", field.split_at(end).0),
            None => field.to_owned(),
        };
        Self::Invalid {
            detail: format!("`{field}` {why}"),
            field: Some(field),
        }
    }

    /// Returns how operators see the error.
    pub(crate) fn severity(&self) -> Severity {
        match self {
            Self::Refused(_)
            | Self::Invalid { .. }
            | Self::VersionMismatch { .. }
            | Self::NotSignedIn
            | Self::UnusableToken(_) => Severity::Refusal,
            Self::Busy => Severity::Busy,
            _ => Severity::Failure,
        }
    }

    /// Returns the stable code that programs tell errors apart by.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Invalid { .. } => "invalid_request",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::NotSignedIn | Self::UnusableToken(_) => "not_signed_in",
            Self::Busy => "busy",
            Self::Store(error) if error.is_transient() => "unavailable",
            Self::Secret(SecretError::Unavailable(..)) | Self::OutOfTime => "unavailable",
            Self::Store(_)
            | Self::Config(_)
            | Self::Secret(_)
            | Self::Email(_)
            | Self::Send(_)
            | Self::Event(_)
            | Self::Randomness(_) => "internal_error",
        }
    }

    /// Returns the HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => match refusal.kind() {
                RefusalKind::Invalid => StatusCode::BAD_REQUEST,
                RefusalKind::Forbidden => StatusCode::FORBIDDEN,
                RefusalKind::NotFound => StatusCode::NOT_FOUND,
                RefusalKind::Conflict => StatusCode::CONFLICT,
                RefusalKind::Gone => StatusCode::GONE,
                RefusalKind::TooEarly => StatusCode::TOO_MANY_REQUESTS,
                RefusalKind::Contradiction => StatusCode::UNPROCESSABLE_ENTITY,
            },
            Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
            Self::NotSignedIn | Self::UnusableToken(_) => StatusCode::UNAUTHORIZED,
            Self::Busy | Self::OutOfTime => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Secret(SecretError::Unavailable(..)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_)
            | Self::Config(_)
            | Self::Secret(_)
            | Self::Email(_)
            | Self::Send(_)
            | Self::Event(_)
            | Self::Randomness(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
