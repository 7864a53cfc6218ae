//! The terms of an invite: what both the invite and the hold on its address keep.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{Role, UserId};

/// The lifetime of an invite, from its last sending.
pub const INVITE_LIFETIME: TimeDelta = TimeDelta::days(14);

/// The member on whose authority an invite rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inviter {
    /// The member's user id.
    pub id: UserId,
    /// The member's name, or their masked email address if they have no name.
    pub name: String,
}

/// The terms of an invite. An [`Invite`](crate::Invite) and the
/// [`InviteHold`](crate::InviteHold) on its address both have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteTerms {
    /// The role that accepting gives.
    pub role: Role,
    /// Whether accepting turns on billing emails.
    pub receives_billing_emails: bool,
    /// The member on whose authority the invite rests; `None` is the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<Inviter>,
    /// The time of the first sending.
    pub created_at: DateTime<Utc>,
    /// The instant from which it cannot be accepted; whole seconds, as the table's TTL counts them.
    pub expires_at: DateTime<Utc>,
    /// The time of the last sending.
    pub sent_at: DateTime<Utc>,
    /// The number of sendings, from 1. A link belongs to one sending.
    pub times_sent: u32,
}

impl InviteTerms {
    /// Returns the terms of an invite that is sent for the first time now.
    pub(crate) fn new(
        role: Role,
        receives_billing_emails: bool,
        invited_by: Option<Inviter>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            role,
            receives_billing_emails,
            invited_by,
            created_at: now,
            expires_at: expiry(now),
            sent_at: now,
            times_sent: 1,
        }
    }

    /// Returns the terms after one more sending, for another 14 days.
    pub(crate) fn resent(&self, invited_by: Option<Inviter>, now: DateTime<Utc>) -> Self {
        Self {
            invited_by,
            expires_at: expiry(now),
            sent_at: now,
            times_sent: self.times_sent + 1,
            ..self.clone()
        }
    }

    /// Returns whether the 14 days are over; at `expires_at` itself they are.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }
}

/// Returns the instant 14 days from now, in whole seconds.
fn expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    let expiry = now + INVITE_LIFETIME;
    expiry
        .duration_trunc(TimeDelta::seconds(1))
        .unwrap_or(expiry)
}
