//! The stand-in for Secrets Manager: it holds the current and the previous
//! version of the link key.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::{
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::persist;

/// The secret's id, which deployed functions read from `LINK_KEY_SECRET_ID`.
pub(crate) const LINK_KEY: &str = "link-key";

/// The operations' minimum length of a key, in bytes.
const MIN_KEY_LENGTH: usize = 32;

/// Stores the link key.
#[derive(Clone)]
pub struct LinkKeyStore {
    /// The current key first.
    keys: Arc<Mutex<Vec<String>>>,
}

fn random_key() -> io::Result<String> {
    let mut bytes = [0; 48];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl LinkKeyStore {
    /// Opens the store with the key of a file, which is created if missing.
    /// Without a file, the key is random.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let key = persist::read_or_create(file, || Ok(random_key()?.into_bytes()))?;
        // Otherwise only the first email would reveal a useless key.
        let key = String::from_utf8(key).ok();
        let key = key
            .filter(|key| key.len() >= MIN_KEY_LENGTH)
            .ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "its `link-key` is broken")
            })?;
        Ok(Self {
            keys: Arc::new(Mutex::new(vec![key])),
        })
    }

    /// Creates a new current key; the current key becomes the previous one.
    ///
    /// # Errors
    /// If the system's random number generator fails.
    pub fn rotate(&self) -> io::Result<()> {
        let key = random_key()?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(0, key);
        keys.truncate(2);
        Ok(())
    }

    /// Responds to `GetSecretValue`.
    pub(crate) fn get_secret_value(&self, body: &Bytes) -> Response {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let version = match request.get("VersionStage").and_then(Value::as_str) {
            None | Some("AWSCURRENT") => 0,
            Some("AWSPREVIOUS") => 1,
            Some(_) => usize::MAX,
        };
        let known = request.get("SecretId").and_then(Value::as_str) == Some(LINK_KEY);
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.get(version).filter(|_| known) {
            Some(key) => {
                let body = json!({ "ARN": LINK_KEY, "Name": LINK_KEY, "SecretString": key });
                (
                    [(header::CONTENT_TYPE, "application/x-amz-json-1.1")],
                    body.to_string(),
                )
                    .into_response()
            }
            None => {
                let body =
                    json!({ "__type": "ResourceNotFoundException", "Message": "no such version" });
                let headers = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
                (StatusCode::BAD_REQUEST, headers, body.to_string()).into_response()
            }
        }
    }
}
