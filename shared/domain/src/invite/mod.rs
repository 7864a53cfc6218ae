//! Invites: to one address, on their inviter's authority, for 14 days.

mod answer;
mod create;
mod manage;
mod terms;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use answer::{Acceptance, Accepted, accept, decline};
pub use create::{Created, InviteRequest, MAX_OUTSTANDING_INVITES, create_invite};
pub use manage::{InviteUpdate, MAX_RESENDS, RESEND_INTERVAL, cancel, resend, update_invite};
pub use terms::{INVITE_LIFETIME, InviteTerms, Inviter};

use crate::{
    Actor, Address, Change, Delivery, EmailAddress, Event, EventKind, Holder, InviteHold, InviteId,
    OrganizationId, Refusal,
};

/// An invite that has not ended. It may have expired all the same:
/// [`InviteTerms::is_expired`] decides, whatever the table still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invited address.
    pub email: EmailAddress,
    /// What it offers, and until when.
    #[serde(flatten)]
    pub terms: InviteTerms,
    /// How far the email of the last sending has come.
    pub delivery: Delivery,
    /// Counts the changes of this record.
    pub version: u64,
}

impl Invite {
    /// How long an invite that nobody has tidied up is kept after its end.
    const GRACE: TimeDelta = TimeDelta::days(1);

    /// When the table's TTL may take the invite. The hourly cleanup has had many
    /// attempts by then; so links say that they have expired, and not that there
    /// is no such invite.
    pub fn forget_at(&self) -> DateTime<Utc> {
        self.terms.expires_at + Self::GRACE
    }

    /// The invite that holds an address, as far as the address tells: how its
    /// email fared is told by the invite alone.
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

    /// The invite as the holder of its address.
    pub fn holder(&self) -> Holder {
        Holder::Invite(InviteHold {
            invite_id: self.id,
            terms: self.terms.clone(),
        })
    }

    /// The end of an invite that nobody answered.
    pub(crate) fn expired(&self, now: DateTime<Utc>) -> Ended {
        self.ended(Outcome::Expired, Actor::System, now)
    }

    fn ended(&self, outcome: Outcome, actor: Actor, now: DateTime<Utc>) -> Ended {
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

/// How an invite ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Outcome {
    /// The invitee is a member.
    Accepted,
    /// The invitee does not want it.
    Declined,
    /// The organization took it back.
    Cancelled,
    /// Nobody answered within 14 days.
    Expired,
}

impl Outcome {
    /// Fits behind "this invite has".
    pub(crate) fn as_participle(self) -> &'static str {
        match self {
            Self::Accepted => "already been accepted",
            Self::Declined => "been declined",
            Self::Cancelled => "been cancelled",
            Self::Expired => "expired",
        }
    }
}

/// An invite that has ended; kept for 30 days, so that its link can say how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedInvite {
    /// The invite as it was.
    pub invite: Invite,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
}

/// What the table holds of an invite.
#[derive(Debug, Clone)]
pub enum InviteState {
    /// It has not ended; it may have expired.
    Pending(Invite),
    /// It has ended.
    Ended(EndedInvite),
}

impl InviteState {
    /// The invite, however it stands.
    pub fn invite(&self) -> &Invite {
        match self {
            Self::Pending(invite) => invite,
            Self::Ended(ended) => &ended.invite,
        }
    }

    /// The invite, if it can still be answered.
    ///
    /// # Errors
    /// [`Refusal::InviteEnded`] says how it ended, expiry by the clock included.
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

/// What ending an invite changes.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The invite, ended.
    pub invite: EndedInvite,
    /// Who or what has its address from now on.
    pub holder: Holder,
    /// What to record.
    pub event: Event,
}
