//! The one record per organization and email address: the uniqueness constraint.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, EmailAddress, Ended, Invite, InviteId, InviteTerms, OrganizationId, Outcome, UserId,
};

/// An email address in an organization.
///
/// Every change that adds a member or an outstanding invite writes this record,
/// on the condition that it is unchanged since it was read. So no address is
/// ever a member twice, invited twice, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address.
    pub email: EmailAddress,
    /// The member or invite that has the address.
    pub holder: Holder,
    /// The times of the last invite emails to the address, oldest first, whatever has become
    /// of the invites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent_at: Vec<DateTime<Utc>>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

/// The member or invite that has an address in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Holder {
    /// A member, who joined with this address.
    Member {
        /// The member.
        user_id: UserId,
        /// The invite that the member accepted; the creator has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invite_id: Option<InviteId>,
    },
    /// An outstanding invite, or one that has expired and is not cleaned up yet.
    Invite(InviteHold),
    /// The last invite has ended; the address is free. Kept for
    /// [`Address::MEMORY`], so that a late or repeated answer learns the outcome.
    Ended {
        /// The ended invite.
        invite_id: InviteId,
        /// The outcome of the invite.
        outcome: Outcome,
        /// The time of its end.
        at: DateTime<Utc>,
    },
}

/// The hold of an outstanding invite on its address. It suffices to end the
/// invite even after the table's TTL has deleted the invite itself; the TTL never
/// deletes an address that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteHold {
    /// The invite.
    pub invite_id: InviteId,
    /// The offer of the invite, and its expiry.
    #[serde(flatten)]
    pub terms: InviteTerms,
}

impl Holder {
    /// Returns the invite that the record is about, if any.
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
    /// The time for which an ended invite is remembered.
    pub const MEMORY: TimeDelta = TimeDelta::days(30);

    /// Returns the time at which the TTL may delete the record: `None` while the address is held.
    pub fn forget_at(&self) -> Option<DateTime<Utc>> {
        match self.holder {
            Holder::Ended { at, .. } => Some(at + Self::MEMORY),
            Holder::Member { .. } | Holder::Invite(_) => None,
        }
    }

    /// Decides the expiry of the invite that holds the address. Returns `None`
    /// if no invite holds it, or the 14 days are not over.
    pub fn expire(&self, now: DateTime<Utc>) -> Option<Ended> {
        match &self.holder {
            Holder::Invite(held) if held.terms.is_expired(now) => {
                Some(Invite::of(self, held).expired(now))
            }
            _ => None,
        }
    }

    /// Returns whether this invite holds the address.
    pub fn is_held_by(&self, invite: &Invite) -> bool {
        matches!(&self.holder, Holder::Invite(held) if held.invite_id == invite.id)
    }

    /// Returns the record of an address in its present spelling with a holder: `record`
    /// as it was loaded, or a new one.
    pub(crate) fn of(
        organization_id: OrganizationId,
        email: EmailAddress,
        record: Option<&Self>,
        holder: Holder,
    ) -> Self {
        match record {
            Some(record) => Self {
                email,
                ..record.held_by(holder)
            },
            None => Self {
                organization_id,
                email,
                holder,
                sent_at: Vec::new(),
                version: 0,
            },
        }
    }

    /// Ends the invite that holds the address: as expired, or if the 14 days are not over
    /// in this way. Returns `None` if no invite holds it.
    pub(crate) fn end_invite(
        &self,
        outcome: Outcome,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Option<Ended> {
        match &self.holder {
            Holder::Invite(held) => {
                let ended = || Invite::of(self, held).ended(outcome, actor, now);
                Some(self.expire(now).unwrap_or_else(ended))
            }
            Holder::Member { .. } | Holder::Ended { .. } => None,
        }
    }

    /// Returns the record with another holder; the store increments the version.
    #[must_use]
    pub fn held_by(&self, holder: Holder) -> Self {
        Self {
            holder,
            ..self.clone()
        }
    }
}
