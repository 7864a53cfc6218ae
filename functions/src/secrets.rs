//! The deployment's own secrets, from Secrets Manager.

use std::fmt;

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::{Client, error::SdkError};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{LinkKey, LinkKeys, ServerKey, ServerKeys};
use tokio::sync::Mutex;

use crate::error_chain;

/// The cache lifetime of a secret: after it, a long-lived process reads a rotation.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// The reason why a secret is not available.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager did not return the secret.
    #[error("the {0} cannot be read")]
    Unavailable(&'static str, #[source] Box<SdkError<GetSecretValueError>>),
    /// The secret is not text, or too short.
    #[error("the {0} is not a text of at least 32 bytes")]
    Unusable(&'static str),
}

/// A value that is made of a secret's current version and the one before.
pub(crate) trait Rotated: Clone {
    /// The words for it in errors and logs.
    const NAME: &'static str;
    /// A version of the secret.
    type Version;

    /// Makes a version of its text; `None` if the text is too short.
    fn version(text: &str) -> Option<Self::Version>;

    /// Makes the value of both versions.
    fn of(current: Self::Version, previous: Option<Self::Version>) -> Self;
}

impl Rotated for LinkKeys {
    const NAME: &'static str = "link key";
    type Version = LinkKey;

    fn version(text: &str) -> Option<LinkKey> {
        LinkKey::new(text.as_bytes()).ok()
    }

    fn of(current: LinkKey, previous: Option<LinkKey>) -> Self {
        Self { current, previous }
    }
}

impl Rotated for ServerKeys {
    const NAME: &'static str = "server key";
    type Version = ServerKey;

    fn version(text: &str) -> Option<ServerKey> {
        ServerKey::new(text).ok()
    }

    fn of(current: ServerKey, previous: Option<ServerKey>) -> Self {
        Self { current, previous }
    }
}

/// Reads a secret when it is first needed, and again when it may have been rotated.
pub(crate) struct SecretSource<T> {
    client: Client,
    secret_id: String,
    value: Mutex<Option<(DateTime<Utc>, T)>>,
}

impl<T: Rotated> SecretSource<T> {
    pub(crate) fn new(client: Client, secret_id: String) -> Self {
        Self {
            client,
            secret_id,
            value: Mutex::new(None),
        }
    }

    /// Returns the value of the current version and the previous one.
    pub(crate) async fn get(&self, now: DateTime<Utc>) -> Result<T, SecretError> {
        let mut kept = self.value.lock().await;
        if let Some((read_at, value)) = &*kept
            && now - *read_at < FRESH
        {
            return Ok(value.clone());
        }
        let value = match (self.read_both().await, kept.take()) {
            (Ok(value), _) => value,
            // A cached value stays valid if reading it again fails.
            (Err(error), Some((_, value))) => {
                let error = error_chain::chain(&error);
                tracing::warn!(error, "the {} cannot be read again", T::NAME);
                value
            }
            (Err(error), None) => return Err(error),
        };
        *kept = Some((now, value.clone()));
        Ok(value)
    }

    /// Reads the secret before the first request needs it; a failure is only logged.
    pub(crate) async fn warm_up(&self, now: DateTime<Utc>) {
        if let Err(error) = self.get(now).await {
            let error = error_chain::chain(&error);
            tracing::warn!(
                error,
                "the {} could not be read before the first request",
                T::NAME
            );
        }
    }

    async fn read_both(&self) -> Result<T, SecretError> {
        let (current, previous) = tokio::join!(self.read("AWSCURRENT"), self.read("AWSPREVIOUS"));
        let previous = match previous {
            // An unusable previous version, since replaced, must not block the current one.
            Err(SecretError::Unusable(_)) => None,
            previous => previous?,
        };
        let current = current?.ok_or(SecretError::Unusable(T::NAME))?;
        Ok(T::of(current, previous))
    }

    /// Reads one version of the secret; `None` if it does not exist, as before the first rotation.
    async fn read(&self, stage: &str) -> Result<Option<T::Version>, SecretError> {
        let request = self.client.get_secret_value().secret_id(&self.secret_id);
        let output = match request.version_stage(stage).send().await {
            Ok(output) => output,
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                return Ok(None);
            }
            Err(error) => return Err(SecretError::Unavailable(T::NAME, Box::new(error))),
        };
        let version = output.secret_string().and_then(T::version);
        version.map(Some).ok_or(SecretError::Unusable(T::NAME))
    }
}

/// Shows nothing of the secret.
impl<T> fmt::Debug for SecretSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSource").finish_non_exhaustive()
    }
}
