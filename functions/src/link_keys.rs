//! The secret that links are signed with, from Secrets Manager.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::{Client, error::SdkError};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{LinkKey, LinkKeys};
use tokio::sync::Mutex;

use crate::error_chain;

/// The cache lifetime of the keys: after it, a long-lived process reads a rotation.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// The reason why no keys are available.
#[derive(Debug, thiserror::Error)]
pub enum LinkKeyError {
    /// Secrets Manager did not return the secret.
    #[error("the link key cannot be read")]
    Unavailable(#[from] Box<SdkError<GetSecretValueError>>),
    /// The secret is not text, or too short.
    #[error("the link key is not a text of at least 32 bytes")]
    Unusable,
}

/// Reads the link keys when they are first needed.
#[derive(Debug)]
pub(crate) struct LinkKeySource {
    client: Client,
    secret_id: String,
    keys: Mutex<Option<(DateTime<Utc>, LinkKeys)>>,
}

impl LinkKeySource {
    pub(crate) fn new(client: Client, secret_id: String) -> Self {
        Self {
            client,
            secret_id,
            keys: Mutex::new(None),
        }
    }

    /// Returns the current key and the previous one.
    pub(crate) async fn get(&self, now: DateTime<Utc>) -> Result<LinkKeys, LinkKeyError> {
        let mut kept = self.keys.lock().await;
        if let Some((read_at, keys)) = &*kept
            && now - *read_at < FRESH
        {
            return Ok(keys.clone());
        }
        let keys = match (self.read_both().await, kept.take()) {
            (Ok(keys), _) => keys,
            // Cached keys stay valid if reading them again fails.
            (Err(error), Some((_, keys))) => {
                tracing::warn!(
                    error = error_chain::chain(&error),
                    "the link key cannot be read anew"
                );
                keys
            }
            (Err(error), None) => return Err(error),
        };
        *kept = Some((now, keys.clone()));
        Ok(keys)
    }

    async fn read_both(&self) -> Result<LinkKeys, LinkKeyError> {
        let (current, previous) = tokio::join!(self.read("AWSCURRENT"), self.read("AWSPREVIOUS"));
        let previous = match previous {
            // An unusable previous version, since replaced, must not block the current one.
            Err(LinkKeyError::Unusable) => None,
            previous => previous?,
        };
        Ok(LinkKeys {
            current: current?.ok_or(LinkKeyError::Unusable)?,
            previous,
        })
    }

    /// Reads one version of the secret; `None` if it does not exist, as before the first rotation.
    async fn read(&self, stage: &str) -> Result<Option<LinkKey>, LinkKeyError> {
        let request = self.client.get_secret_value().secret_id(&self.secret_id);
        let output = match request.version_stage(stage).send().await {
            Ok(output) => output,
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                return Ok(None);
            }
            Err(error) => return Err(Box::new(error).into()),
        };
        let secret = output.secret_string().ok_or(LinkKeyError::Unusable)?;
        LinkKey::new(secret.as_bytes())
            .map(Some)
            .map_err(|_| LinkKeyError::Unusable)
    }
}
