//! The one record per organization and email address: the uniqueness lock.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{EmailAddress, Ended, Invite, InviteId, InviteTerms, OrganizationId, Outcome, UserId};

/// What an organization has with an email address.
///
/// Every change that makes somebody a member or an invite outstanding writes
/// this record, on the condition that it still is as it was read: so no address
/// is ever a member twice, invited twice, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address.
    pub email: EmailAddress,
    /// Who or what has the address.
    pub holder: Holder,
    /// Counts the changes of this record.
    pub version: u64,
}

/// Who or what has an address in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Holder {
    /// A member joined with it.
    Member {
        /// The member.
        user_id: UserId,
        /// The invite that they accepted; the creator has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite_id: Option<InviteId>,
    },
    /// An invite to it is outstanding, or has expired and is not tidied up yet.
    Invite(InviteHold),
    /// The last invite to it has ended; the address is free. Kept for a while,
    /// so that a late or repeated answer is told what happened.
    Ended {
        /// The invite.
        invite_id: InviteId,
        /// How it ended.
        outcome: Outcome,
        /// When it ended.
        at: DateTime<Utc>,
    },
}

/// What an address keeps of the invite that holds it. It is enough to end the
/// invite, even when the table's TTL has taken the invite itself; the TTL never
/// takes an address that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteHold {
    /// The invite.
    pub invite_id: InviteId,
    /// What the invite offers, and until when.
    #[serde(flatten)]
    pub terms: InviteTerms,
}

impl Holder {
    /// The invite that the record is about, if any.
    pub fn invite_id(&self) -> Option<InviteId> {
        match self {
            Self::Member { invite_id, .. } => *invite_id,
            Self::Invite(InviteHold { invite_id, .. }) | Self::Ended { invite_id, .. } => {
                Some(*invite_id)
            }
        }
    }
}

impl Address {
    /// How long an ended invite is remembered.
    pub const MEMORY: TimeDelta = TimeDelta::days(30);

    /// When the record may be forgotten: never while it locks the address.
    pub fn forget_at(&self) -> Option<DateTime<Utc>> {
        match self.holder {
            Holder::Ended { at, .. } => Some(at + Self::MEMORY),
            Holder::Member { .. } | Holder::Invite(_) => None,
        }
    }

    /// Decides the end of the invite that holds the address, when nobody has
    /// answered it within its 14 days.
    pub fn expire(&self, now: DateTime<Utc>) -> Option<Ended> {
        match &self.holder {
            Holder::Invite(held) if held.terms.is_expired(now) => {
                Some(Invite::of(self, held).expired(now))
            }
            _ => None,
        }
    }

    /// The record after a change; the store raises the version.
    #[must_use]
    pub fn held_by(&self, holder: Holder) -> Self {
        Self {
            holder,
            ..self.clone()
        }
    }
}
