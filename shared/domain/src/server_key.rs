//! The key with which the product's own backend authenticates.
//!
//! `oss_`, then the deployment's secret. The prefix is not part of the secret:
//! secret scanners recognize a key by it.

use std::fmt;

use hmac::digest::CtOutput;
use sha2::{Digest, Sha256};

/// The prefix of every server key.
const PREFIX: &str = "oss_";
/// The minimum length of the secret, in bytes.
const MIN_LENGTH: usize = 32;

/// The error of a secret that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a server key must have at least 32 characters")]
pub struct WeakServerKey;

/// A server key that is accepted. Comparison takes constant time.
#[derive(Clone)]
pub struct ServerKey(CtOutput<Sha256>);

impl ServerKey {
    /// Makes a key of the deployment's secret, which has no prefix.
    ///
    /// # Errors
    /// [`WeakServerKey`] for fewer than 32 bytes.
    pub fn new(secret: &str) -> Result<Self, WeakServerKey> {
        if secret.len() < MIN_LENGTH {
            return Err(WeakServerKey);
        }
        Ok(Self(hash(secret)))
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

/// The current server key and the previous one, which stays valid until the next
/// rotation.
#[derive(Debug, Clone)]
pub struct ServerKeys {
    /// The current key.
    pub current: ServerKey,
    /// The key before the last rotation.
    pub previous: Option<ServerKey>,
}

impl ServerKeys {
    /// Returns the text with which a backend authenticates by this secret.
    pub fn reveal(secret: &str) -> String {
        format!("{PREFIX}{secret}")
    }

    /// Returns whether a text is one of the keys, in constant time.
    pub fn verify(&self, text: &str) -> bool {
        let Some(secret) = text.strip_prefix(PREFIX) else {
            return false;
        };
        let presented = hash(secret);
        let current = self.current.0 == presented;
        let previous = self.previous.as_ref();
        current | previous.is_some_and(|previous| previous.0 == presented)
    }
}

fn hash(secret: &str) -> CtOutput<Sha256> {
    CtOutput::new(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const OLDER: &str = "fedcba9876543210fedcba9876543210";

    fn keys() -> ServerKeys {
        ServerKeys {
            current: ServerKey::new(SECRET).unwrap(),
            previous: ServerKey::new(OLDER).ok(),
        }
    }

    #[test]
    fn current_and_previous_key_are_accepted() {
        assert!(keys().verify(&ServerKeys::reveal(SECRET)));
        assert!(keys().verify(&ServerKeys::reveal(OLDER)));
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in [
            "".to_owned(),
            "oss_".to_owned(),
            SECRET.to_owned(),
            format!("oss_{SECRET} "),
            format!("oss_{}", SECRET.to_uppercase()),
            format!("oss_oss_{SECRET}"),
            format!("OSS_{SECRET}"),
        ] {
            assert!(!keys().verify(&text), "{text}");
        }
    }

    #[test]
    fn short_secret_is_refused() {
        assert_eq!(ServerKey::new("short").unwrap_err(), WeakServerKey);
    }

    #[test]
    fn debug_output_shows_nothing_of_the_secret() {
        let text = format!("{:?}", keys());
        assert!(!text.contains("0123"), "{text}");
    }
}
