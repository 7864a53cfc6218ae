//! Repeated requests that create invites.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{EmailAddress, InviteId, UserId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::access::Scope;

/// The time for which a repeated request gets the invite of the first.
const MEMORY: TimeDelta = TimeDelta::hours(24);

/// The mark of a request in the id of an invite that it creates: the random part of the id
/// is a hash of the caller, the idempotency key and the address. A repeated request so
/// knows its invite by the id that the address's lock names, without a record of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark([u8; 8]);

impl Mark {
    pub(super) fn of(scope: &Scope, idempotency_key: &str, email: &EmailAddress) -> Self {
        let mut hash = Sha256::new();
        for part in [
            scope.organization_id.to_string().as_str(),
            scope.user_id().map_or("", UserId::as_str),
            idempotency_key,
            email.normal(),
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
    pub(super) fn stamp(self, id: Uuid) -> Uuid {
        let (high, _) = id.as_u64_pair();
        Uuid::from_u64_pair(high, u64::from_be_bytes(self.0))
    }

    /// Returns whether the request created the invite, at most a day ago.
    pub(super) fn is_of(self, invite_id: InviteId, now: DateTime<Utc>) -> bool {
        let id = invite_id.uuid();
        let (_, low) = id.as_u64_pair();
        let at = id.get_timestamp().map(|at| at.to_unix());
        let at = at.and_then(|(seconds, nanoseconds)| {
            DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
        });
        low == u64::from_be_bytes(self.0) && at.is_some_and(|at| now < at + MEMORY)
    }
}
