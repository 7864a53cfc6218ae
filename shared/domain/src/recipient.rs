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
    /// Returns the id of a hash.
    pub(crate) fn new(hash: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(hash))
    }

    /// Returns the hash; `None` if a stored id holds none.
    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        URL_SAFE_NO_PAD.decode(&self.0).ok()?.try_into().ok()
    }

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
    /// The time at which the recipient stopped all invite emails; `None` if they may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_at: Option<DateTime<Utc>>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

impl Recipient {
    /// Returns the time at which the TTL may delete the record: no limit looks further back.
    /// An opt-out stays.
    pub fn forget_at(&self) -> Option<DateTime<Utc>> {
        let last = self.sent_at.last().map(|last| *last + WEEK);
        last.filter(|_| self.opted_out_at.is_none())
    }
}

/// Stops the invite emails of all organizations to a recipient. Returns `None` if they are
/// stopped already.
pub fn opt_out(
    id: &RecipientId,
    known: Option<Recipient>,
    now: DateTime<Utc>,
) -> Option<Recipient> {
    let known = known.unwrap_or_else(|| Recipient {
        id: id.clone(),
        sent_at: Vec::new(),
        opted_out_at: None,
        version: 0,
    });
    known.opted_out_at.is_none().then_some(Recipient {
        opted_out_at: Some(now),
        ..known
    })
}

/// Lets invite emails to a recipient leave again. Returns `None` if they may already.
pub fn opt_in(known: Option<Recipient>) -> Option<Recipient> {
    let known = known.filter(|known| known.opted_out_at.is_some())?;
    Some(Recipient {
        opted_out_at: None,
        ..known
    })
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
        RecipientId::new(&hash.finalize().into())
    }
}
