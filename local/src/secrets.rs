//! A loopback endpoint that speaks as much of Secrets Manager as there is need
//! for: the link key, in its present and its previous version.

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

/// The secret's id, as the deployed functions get it in `LINK_KEY_SECRET_ID`.
pub(crate) const LINK_KEY: &str = "link-key";

/// What the operations ask of a key, in bytes.
const SHORTEST_KEY: usize = 32;

/// Keeps the link key.
#[derive(Clone)]
pub struct LinkKeyStore {
    /// The present key first.
    keys: Arc<Mutex<Vec<String>>>,
}

fn random_key() -> io::Result<String> {
    let mut bytes = [0; 48];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl LinkKeyStore {
    /// The key in the file, which is made unless it is there; a random key
    /// without one.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let key = persist::read_or_make(file, || Ok(random_key()?.into_bytes()))?;
        // A key that is no use would be found out only with the first email.
        let key = String::from_utf8(key).ok();
        let key = key.filter(|key| key.len() >= SHORTEST_KEY).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "its `link-key` is broken")
        })?;
        Ok(Self {
            keys: Arc::new(Mutex::new(vec![key])),
        })
    }

    /// Makes a new key the present one, and the present one the previous.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn rotate(&self) -> io::Result<()> {
        let key = random_key()?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(0, key);
        keys.truncate(2);
        Ok(())
    }

    /// Answers `GetSecretValue`.
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
