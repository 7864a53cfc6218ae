//! The stand-in for Secrets Manager: it holds the current and the previous
//! version of each of the deployment's secrets.

use std::{
    collections::BTreeMap,
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
use functions::ServerKeys;
use serde_json::{Value, json};

use crate::persist;

/// The operations' minimum length of a secret, in bytes.
const MIN_LENGTH: usize = 32;

/// A secret of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// Signs the links in emails.
    LinkKey,
    /// Authenticates the product's own backend.
    ServerKey,
    /// Authenticates the stack at the webhook.
    WebhookKey,
}

impl Secret {
    const ALL: [Self; 3] = [Self::LinkKey, Self::ServerKey, Self::WebhookKey];

    /// Returns the secret's id, which is also the name of its file.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::LinkKey => "link-key",
            Self::ServerKey => "server-key",
            Self::WebhookKey => "webhook-key",
        }
    }
}

/// Stores the secrets.
#[derive(Clone)]
pub struct SecretStore {
    /// The versions of each secret, the current one first.
    versions: Arc<Mutex<BTreeMap<Secret, Vec<String>>>>,
}

fn random() -> io::Result<String> {
    let mut bytes = [0; 48];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Opens a secret in a file, which is created if missing. Without a file, it is random.
fn open(secret: Secret, file: Option<&Path>) -> io::Result<String> {
    let text = persist::read_or_create(file, || Ok(random()?.into_bytes()))?;
    // Otherwise only the first use would reveal a useless secret.
    let text = String::from_utf8(text).ok();
    text.filter(|text| text.len() >= MIN_LENGTH).ok_or_else(|| {
        let problem = format!("its `{}` is broken", secret.id());
        io::Error::new(io::ErrorKind::InvalidData, problem)
    })
}

impl SecretStore {
    /// Opens the store with the secrets in the files that `file` names.
    pub(crate) fn open<F>(file: impl Fn(&str) -> Option<F>) -> io::Result<Self>
    where
        F: AsRef<Path>,
    {
        let mut versions = BTreeMap::new();
        for secret in Secret::ALL {
            let file = file(secret.id());
            let text = open(secret, file.as_ref().map(AsRef::as_ref))?;
            versions.insert(secret, vec![text]);
        }
        Ok(Self {
            versions: Arc::new(Mutex::new(versions)),
        })
    }

    /// Creates a new current version; the current one becomes the previous one.
    ///
    /// # Errors
    /// If the system's random number generator fails.
    pub fn rotate(&self, secret: Secret) -> io::Result<()> {
        self.replace(secret, random()?);
        Ok(())
    }

    /// Makes a text the current version; the current one becomes the previous one.
    pub(crate) fn replace(&self, secret: Secret, text: String) {
        let mut all = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = all.entry(secret).or_default();
        versions.insert(0, text);
        versions.truncate(2);
    }

    /// Returns the key with which the product's backend authenticates.
    pub fn server_key(&self) -> String {
        let current = self.version(Secret::ServerKey, 0);
        ServerKeys::reveal(&current.unwrap_or_default())
    }

    /// Returns the key by which the webhook's receiver knows the stack.
    pub fn webhook_key(&self) -> String {
        self.version(Secret::WebhookKey, 0).unwrap_or_default()
    }

    fn version(&self, secret: Secret, version: usize) -> Option<String> {
        let all = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&secret)?.get(version).cloned()
    }

    /// Responds to `GetSecretValue`.
    pub(crate) fn get_secret_value(&self, body: &Bytes) -> Response {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let version = match request.get("VersionStage").and_then(Value::as_str) {
            None | Some("AWSCURRENT") => 0,
            Some("AWSPREVIOUS") => 1,
            Some(_) => usize::MAX,
        };
        let id = request.get("SecretId").and_then(Value::as_str);
        let secret = Secret::ALL
            .into_iter()
            .find(|secret| id == Some(secret.id()));
        let headers = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
        match secret.and_then(|secret| Some((secret, self.version(secret, version)?))) {
            Some((secret, text)) => {
                let id = secret.id();
                let body = json!({ "ARN": id, "Name": id, "SecretString": text });
                (headers, body.to_string()).into_response()
            }
            None => {
                let body =
                    json!({ "__type": "ResourceNotFoundException", "Message": "no such version" });
                (StatusCode::BAD_REQUEST, headers, body.to_string()).into_response()
            }
        }
    }
}
