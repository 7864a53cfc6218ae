//! The one record per recipient of invite emails, over all organizations.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{EmailAddress, limits::WEEK};

/// The id of a recipient: a hash of the address, so that the record does not name anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipientId(String);

impl RecipientId {
    /// Returns the hash in base64.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A recipient of invite emails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The recipient's id.
    pub id: RecipientId,
    /// The times of the last emails, at most a week old when written, oldest first.
    pub sent_at: Vec<DateTime<Utc>>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

impl Recipient {
    /// Returns the time at which the TTL may delete the record: no limit looks further back.
    pub fn forget_at(&self) -> Option<DateTime<Utc>> {
        self.sent_at.last().map(|last| *last + WEEK)
    }
}

impl EmailAddress {
    /// Returns the recipient that the address leads to: addresses that differ only in a
    /// `+tag` reach the same mailbox.
    pub fn recipient_id(&self) -> RecipientId {
        let (local, domain) = self.normal().rsplit_once('@').unwrap_or_default();
        let mailbox = match local.split_once('+') {
            Some((mailbox, _)) if !mailbox.is_empty() => mailbox,
            _ => local,
        };
        let mut hash = Sha256::new();
        for part in [mailbox, "@", domain] {
            hash.update(part);
        }
        RecipientId(URL_SAFE_NO_PAD.encode(hash.finalize()))
    }
}
