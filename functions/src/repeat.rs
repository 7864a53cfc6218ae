//! Repeated requests that create invites and API keys.

use chrono::{DateTime, TimeDelta, Utc};
use domain::UserId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::access::Scope;

/// The time for which a repeated request gets what the first one created.
const MEMORY: TimeDelta = TimeDelta::hours(24);

/// The mark of a request in the id of what it creates: the random part of the id is a hash
/// of the caller, the idempotency key and the subject. So a repeated request knows its
/// invite or API key by the id, without a record of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark([u8; 8]);

impl Mark {
    /// Returns the mark of a request about a subject: an invited address, or a kind of item.
    pub(crate) fn of(scope: &Scope, idempotency_key: &str, subject: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [
            scope.organization_id.to_string().as_str(),
            scope.user_id().map_or("", UserId::as_str),
            idempotency_key,
            subject,
        ] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let mut mark = [0; 8];
        for (byte, hashed) in mark.iter_mut().zip(hash.finalize()) {
            *byte = hashed;
        }
        // The variant of a UUID (RFC 9562, 4.1).
        let [first, ..] = &mut mark;
        *first = *first & 0x3f | 0x80;
        Self(mark)
    }

    /// Puts the mark into a new id.
    pub(crate) fn stamp(self, id: Uuid) -> Uuid {
        let (high, _) = id.as_u64_pair();
        Uuid::from_u64_pair(high, u64::from_be_bytes(self.0))
    }

    /// Returns whether the request created what has the id, at most a day ago.
    pub(crate) fn is_of(self, id: Uuid, now: DateTime<Utc>) -> bool {
        let (_, low) = id.as_u64_pair();
        let at = id.get_timestamp().map(|at| at.to_unix());
        let at = at.and_then(|(seconds, nanoseconds)| {
            DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
        });
        low == u64::from_be_bytes(self.0) && at.is_some_and(|at| now < at + MEMORY)
    }
}
