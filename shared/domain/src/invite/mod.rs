//! Invites: to one address, on the inviter's authority, for 14 days.

mod answer;
mod create;
mod manage;
mod terms;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use answer::{Acceptance, Accepted, accept, decline};
pub use create::{Created, InviteRequest, MAX_OUTSTANDING_INVITES, create_invite};
pub use manage::{InviteUpdate, Resent, cancel, resend, update_invite};
pub use terms::{INVITE_LIFETIME, InviteTerms, Inviter};

use crate::{
    Actor, Address, Change, Delivery, EmailAddress, Event, EventKind, Holder, InviteHold, InviteId,
    OrganizationId, Refusal,
};

/// An invite that has not been answered or cancelled. It may have expired:
/// [`InviteTerms::is_expired`] decides that, not the presence of the item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// The invite's id.
    pub id: InviteId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invited address.
    pub email: EmailAddress,
    /// The offer, and its expiry.
    #[serde(flatten)]
    pub terms: InviteTerms,
    /// The delivery of the email of the last sending.
    pub delivery: Delivery,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

impl Invite {
    /// The time for which an expired invite is kept if no cleanup deletes it.
    const GRACE: TimeDelta = TimeDelta::days(1);

    /// Returns the time at which the TTL may delete the invite. The hourly cleanup
    /// has had many attempts by then; so its link reports that it has expired, and
    /// not that it does not exist.
    pub fn forget_at(&self) -> DateTime<Utc> {
        self.terms.expires_at + Self::GRACE
    }

    /// Returns the invite that holds an address, rebuilt from the address. The
    /// delivery is kept by the invite alone.
    pub(crate) fn of(address: &Address, held: &InviteHold) -> Self {
        Self {
            id: held.invite_id,
            organization_id: address.organization_id,
            email: address.email.clone(),
            terms: held.terms.clone(),
            delivery: Delivery::queued(held.terms.sent_at),
            version: 0,
        }
    }

    /// # Errors
    /// [`Refusal::InviteEnded`] once the 14 days are over.
    fn still_alive(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.terms.is_expired(now) {
            Err(Refusal::InviteEnded(Outcome::Expired))
        } else {
            Ok(())
        }
    }

    /// Returns the invite as the holder of its address.
    pub fn holder(&self) -> Holder {
        Holder::Invite(InviteHold {
            invite_id: self.id,
            terms: self.terms.clone(),
        })
    }

    /// Ends the invite as expired.
    pub(crate) fn expired(&self, now: DateTime<Utc>) -> Ended {
        self.ended(Outcome::Expired, Actor::System, now)
    }

    /// Ends the invite.
    pub(crate) fn ended(&self, outcome: Outcome, actor: Actor, now: DateTime<Utc>) -> Ended {
        let kind = match outcome {
            Outcome::Accepted => EventKind::InviteAccepted,
            Outcome::Declined => EventKind::InviteDeclined,
            Outcome::Cancelled => EventKind::InviteCancelled,
            Outcome::Expired => EventKind::InviteExpired,
        };
        let event = Event::new(
            kind,
            actor,
            self.as_subject(),
            vec![
                Change::removed("role", self.terms.role),
                Change::removed(
                    "receives_billing_emails",
                    self.terms.receives_billing_emails,
                ),
            ],
        );
        Ended {
            invite: EndedInvite {
                invite: self.clone(),
                outcome,
                ended_at: now,
            },
            holder: Holder::Ended {
                invite_id: self.id,
                outcome,
                at: now,
            },
            event,
        }
    }
}

/// The outcome of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Outcome {
    /// The invitee became a member.
    Accepted,
    /// The invitee declined it.
    Declined,
    /// A member of the organization cancelled it.
    Cancelled,
    /// It was not answered within 14 days.
    Expired,
}

impl Outcome {
    /// Returns words that fit behind "this invite has".
    pub(crate) fn as_participle(self) -> &'static str {
        match self {
            Self::Accepted => "already been accepted",
            Self::Declined => "been declined",
            Self::Cancelled => "been cancelled",
            Self::Expired => "expired",
        }
    }
}

/// An invite that has ended; kept for 30 days, so that its link reports the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedInvite {
    /// The invite before its end.
    pub invite: Invite,
    /// The outcome.
    pub outcome: Outcome,
    /// The time of its end.
    pub ended_at: DateTime<Utc>,
}

/// The state of an invite in the table.
#[derive(Debug, Clone)]
pub enum InviteState {
    /// The invite has not ended; it may have expired.
    Pending(Invite),
    /// The invite has ended.
    Ended(EndedInvite),
}

impl InviteState {
    /// Returns the invite, in either state.
    pub fn invite(&self) -> &Invite {
        match self {
            Self::Pending(invite) => invite,
            Self::Ended(ended) => &ended.invite,
        }
    }

    /// Returns the invite, if it can still be answered.
    ///
    /// # Errors
    /// [`Refusal::InviteEnded`] with the outcome, including expiry by the clock.
    pub fn pending(&self, now: DateTime<Utc>) -> Result<&Invite, Refusal> {
        match self {
            Self::Pending(invite) => invite.still_alive(now).map(|()| invite),
            Self::Ended(ended) => Err(Refusal::InviteEnded(ended.outcome)),
        }
    }

    /// Ends a pending invite. Returns `None` if it already ended in this way.
    fn end(
        &self,
        outcome: Outcome,
        actor: Actor,
        now: DateTime<Utc>,
    ) -> Result<Option<Ended>, Refusal> {
        match self.pending(now) {
            Ok(invite) => Ok(Some(invite.ended(outcome, actor, now))),
            Err(Refusal::InviteEnded(how)) if how == outcome => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

/// The changes that end an invite.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The invite, ended.
    pub invite: EndedInvite,
    /// The new holder of its address.
    pub holder: Holder,
    /// The event to record.
    pub event: Event,
}
