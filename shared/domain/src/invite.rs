//! Invites: to one address, on their inviter's authority, for 14 days.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, Address, Caller, Change, Delivery, EmailAddress, Event, EventKind, Holder,
    InviteHold, InviteId, Member, Organization, OrganizationId, Person, Refusal, Role, UserId,
    permit,
};

/// How long an invite lives, from its last sending.
pub const INVITE_LIFETIME: TimeDelta = TimeDelta::days(14);
/// How many invites of an organization may be outstanding.
pub const MAX_OUTSTANDING_INVITES: u32 = 100;
/// How often an invite may be resent.
pub const MAX_RESENDS: u32 = 5;
/// How long to wait between two sendings of an invite.
pub const RESEND_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Who answers for an invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Inviter {
    /// The member's user id.
    pub id: UserId,
    /// Their name, or their masked email address where they told no name.
    pub name: String,
}

/// An invite that has not ended. It may have expired all the same:
/// [`is_expired`](Self::is_expired) decides, whatever the table still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invited address.
    pub email: EmailAddress,
    /// The role that accepting gives.
    pub role: Role,
    /// Whether accepting turns on billing emails.
    pub receives_billing_emails: bool,
    /// On whose authority it lives.
    pub invited_by: Inviter,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it cannot be accepted; whole seconds, as the table's TTL counts them.
    pub expires_at: DateTime<Utc>,
    /// When it was last sent.
    pub sent_at: DateTime<Utc>,
    /// How often it was sent, from 1. A link belongs to one sending.
    pub times_sent: u32,
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
        self.expires_at + Self::GRACE
    }

    /// The invite that holds an address, as far as the address tells: how its
    /// email fared is told by the invite alone.
    pub(crate) fn of(address: &Address, held: &InviteHold) -> Self {
        Self {
            id: held.invite_id,
            organization_id: address.organization_id,
            email: address.email.clone(),
            role: held.role,
            receives_billing_emails: held.receives_billing_emails,
            invited_by: held.invited_by.clone(),
            created_at: held.created_at,
            expires_at: held.expires_at,
            sent_at: held.sent_at,
            times_sent: held.times_sent,
            delivery: Delivery::queued(held.sent_at),
            version: 0,
        }
    }

    /// Whether the 14 days are over. The instant itself is over.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }

    /// # Errors
    /// [`Refusal::InviteEnded`] once the 14 days are over.
    fn still_alive(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.is_expired(now) {
            Err(Refusal::InviteEnded(Outcome::Expired))
        } else {
            Ok(())
        }
    }

    fn sent(mut self, by: &Caller, now: DateTime<Utc>) -> Self {
        self.invited_by = by.as_inviter();
        self.expires_at = expiry(now);
        self.sent_at = now;
        self.times_sent += 1;
        self.delivery = Delivery::queued(now);
        self
    }

    /// The invite as the holder of its address.
    pub fn holder(&self) -> Holder {
        Holder::Invite(InviteHold {
            invite_id: self.id,
            role: self.role,
            receives_billing_emails: self.receives_billing_emails,
            invited_by: self.invited_by.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            sent_at: self.sent_at,
            times_sent: self.times_sent,
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
                Change::removed("role", self.role),
                Change::removed("receives_billing_emails", self.receives_billing_emails),
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

/// 14 days from now, in whole seconds.
fn expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    let expiry = now + INVITE_LIFETIME;
    expiry
        .duration_trunc(TimeDelta::seconds(1))
        .unwrap_or(expiry)
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
}

/// An invite to make.
#[derive(Debug, Clone)]
pub struct InviteRequest {
    /// The id to give it.
    pub id: InviteId,
    /// The address to invite.
    pub email: EmailAddress,
    /// The role that accepting gives.
    pub role: Role,
    /// Whether accepting turns on billing emails.
    pub receives_billing_emails: bool,
}

/// What making an invite changes.
#[derive(Debug, Clone)]
pub struct Created {
    /// The invite.
    pub invite: Invite,
    /// The lock on its address, as it is to be.
    pub address: Address,
    /// The expired invite that still had the address, ended.
    pub expired: Option<Ended>,
    /// What to record.
    pub event: Event,
}

/// Decides a new invite. `address` is the lock on the email as it was read.
///
/// # Errors
/// Whatever the caller's role does not allow; [`Refusal::AlreadyMember`];
/// [`Refusal::InviteOutstanding`], naming it; [`Refusal::TooManyInvites`].
pub fn create_invite(
    caller: &Caller,
    organization: &Organization,
    address: Option<&Address>,
    request: InviteRequest,
    now: DateTime<Utc>,
) -> Result<Created, Refusal> {
    permit(caller, Action::Invite(request.role))?;
    let masked = || request.email.masked();
    match address.map(|address| &address.holder) {
        Some(Holder::Member { .. }) => return Err(Refusal::AlreadyMember { masked: masked() }),
        Some(Holder::Invite(held)) if !held.is_expired(now) => {
            return Err(Refusal::InviteOutstanding {
                masked: masked(),
                invite_id: held.invite_id,
            });
        }
        Some(Holder::Invite(_) | Holder::Ended { .. }) | None => {}
    }
    let expired = address.and_then(|address| address.expire(now));
    // An expired invite that makes room leaves the count as it is.
    if expired.is_none() && organization.outstanding_invites >= MAX_OUTSTANDING_INVITES {
        return Err(Refusal::TooManyInvites);
    }
    let invite = Invite {
        id: request.id,
        organization_id: organization.id,
        email: request.email,
        role: request.role,
        receives_billing_emails: request.receives_billing_emails,
        invited_by: caller.as_inviter(),
        created_at: now,
        expires_at: expiry(now),
        sent_at: now,
        times_sent: 1,
        delivery: Delivery::queued(now),
        version: 0,
    };
    let event = Event::new(
        EventKind::InviteCreated,
        caller.as_actor(),
        invite.as_subject(),
        vec![
            Change::added("role", invite.role),
            Change::added("receives_billing_emails", invite.receives_billing_emails),
        ],
    )
    .with_invite_email(invite.times_sent);
    let address = match address {
        Some(address) => Address {
            email: invite.email.clone(),
            ..address.held_by(invite.holder())
        },
        None => Address {
            organization_id: organization.id,
            email: invite.email.clone(),
            holder: invite.holder(),
            version: 0,
        },
    };
    Ok(Created {
        invite,
        address,
        expired,
        event,
    })
}

/// What to change about an invite; `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct InviteUpdate {
    /// The new role.
    pub role: Option<Role>,
    /// Whether accepting turns on billing emails.
    pub receives_billing_emails: Option<bool>,
}

/// Decides a change of a pending invite, which puts it under the caller's name:
/// whoever says what it gives answers for it. Gives the invite as it is to be
/// and what to record; no event when nothing would change.
///
/// # Errors
/// [`Refusal::InviteEnded`], and the caller's role role does not allow.
pub fn update_invite(
    caller: &Caller,
    state: &InviteState,
    update: InviteUpdate,
    now: DateTime<Utc>,
) -> Result<(Invite, Option<Event>), Refusal> {
    let present = state.invite();
    let role = update.role.unwrap_or(present.role);
    permit(
        caller,
        Action::UpdateInvite {
            from: present.role,
            to: role,
        },
    )?;
    let invite = state.pending(now)?;
    let mut updated = invite.clone();
    let mut changes = Vec::new();
    if role != invite.role {
        changes.push(Change::changed("role", invite.role, role));
        updated.role = role;
    }
    let on = update
        .receives_billing_emails
        .unwrap_or(invite.receives_billing_emails);
    if on != invite.receives_billing_emails {
        changes.push(Change::changed(
            "receives_billing_emails",
            invite.receives_billing_emails,
            on,
        ));
        updated.receives_billing_emails = on;
    }
    if changes.is_empty() {
        return Ok((updated, None));
    }
    updated.invited_by = caller.as_inviter();
    let event = Event::new(
        EventKind::InviteUpdated,
        caller.as_actor(),
        invite.as_subject(),
        changes,
    );
    Ok((updated, Some(event)))
}

/// Decides to send a pending invite again: for another 14 days, under the
/// actor's name, with a new link in place of all earlier ones.
///
/// # Errors
/// Whatever the caller's role does not allow; [`Refusal::InviteEnded`];
/// [`Refusal::ResendLimitReached`]; [`Refusal::ResendTooSoon`].
pub fn resend(
    caller: &Caller,
    state: &InviteState,
    now: DateTime<Utc>,
) -> Result<(Invite, Event), Refusal> {
    permit(caller, Action::ResendInvite(state.invite().role))?;
    let invite = state.pending(now)?;
    if invite.times_sent > MAX_RESENDS {
        return Err(Refusal::ResendLimitReached);
    }
    let wait = invite.sent_at + RESEND_INTERVAL - now;
    if wait > TimeDelta::zero() {
        return Err(Refusal::ResendTooSoon { wait });
    }
    let resent = invite.clone().sent(caller, now);
    let event = Event::new(
        EventKind::InviteResent,
        caller.as_actor(),
        invite.as_subject(),
        vec![
            Change::changed("times_sent", invite.times_sent, resent.times_sent),
            Change::changed(
                "expires_at",
                rfc3339(invite.expires_at),
                rfc3339(resent.expires_at),
            ),
        ],
    )
    .with_invite_email(resent.times_sent);
    Ok((resent, event))
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
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

/// Decides that the organization takes a pending invite back. `None` when it
/// was cancelled before: doing so twice is no mistake.
///
/// # Errors
/// Whatever the caller's role does not allow; [`Refusal::InviteEnded`] when it
/// ended in another way.
pub fn cancel(
    caller: &Caller,
    state: &InviteState,
    now: DateTime<Utc>,
) -> Result<Option<Ended>, Refusal> {
    permit(caller, Action::CancelInvite(state.invite().role))?;
    end(state, Outcome::Cancelled, caller.as_actor(), now)
}

/// Decides that the invitee, or whoever holds the link (`person` is `None`),
/// does not want a pending invite. `None` when it was declined before.
///
/// # Errors
/// [`Refusal::InviteEnded`] when it ended in another way.
pub fn decline(
    person: Option<&Person>,
    state: &InviteState,
    now: DateTime<Utc>,
) -> Result<Option<Ended>, Refusal> {
    end(
        state,
        Outcome::Declined,
        person.map_or(Actor::LinkHolder, Person::as_actor),
        now,
    )
}

fn end(
    state: &InviteState,
    outcome: Outcome,
    actor: Actor,
    now: DateTime<Utc>,
) -> Result<Option<Ended>, Refusal> {
    match state.pending(now) {
        Ok(invite) => Ok(Some(invite.ended(outcome, actor, now))),
        Err(Refusal::InviteEnded(how)) if how == outcome => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// What accepting an invite changes.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The new member.
    pub member: Member,
    /// The invite, ended.
    pub invite: EndedInvite,
    /// The lock on the address, as it is to be.
    pub address: Address,
    /// What to record.
    pub events: Vec<Event>,
}

/// What an acceptance comes to.
#[derive(Debug, Clone)]
pub enum Acceptance {
    /// The person becomes a member.
    Joins(Box<Accepted>),
    /// The person has accepted this very invite before and is a member: asking
    /// again is no mistake.
    Joined(Box<Member>),
}

/// Decides that somebody accepts an invite. `address` is the record of their
/// verified address that names the invite; `state`, `inviter` and `membership`
/// are the invite, the inviter's membership and the person's own, as read.
///
/// # Errors
/// [`Refusal::EmailRequired`], [`Refusal::EmailNotVerified`],
/// [`Refusal::InviteNotFound`] for an invite to another address,
/// [`Refusal::InviteEnded`], [`Refusal::AlreadyMemberYourself`], and
/// [`Refusal::InviteNeedsResend`] when the inviter could not send it now.
pub fn accept(
    person: &Person,
    address: &Address,
    state: Option<&InviteState>,
    inviter: Option<&Member>,
    membership: Option<&Member>,
    now: DateTime<Utc>,
) -> Result<Acceptance, Refusal> {
    let email = person.verified_email()?;
    // INVARIANT: the address record is the one of the verified address, and the invite is to it.
    if address.email != *email {
        return Err(Refusal::InviteNotFound);
    }
    match (&address.holder, membership) {
        (Holder::Member { user_id, .. }, Some(member)) if *user_id == person.user_id => {
            return Ok(Acceptance::Joined(Box::new(member.clone())));
        }
        (Holder::Member { .. }, _) => return Err(Refusal::InviteEnded(Outcome::Accepted)),
        (Holder::Ended { outcome, .. }, _) => return Err(Refusal::InviteEnded(*outcome)),
        (Holder::Invite(_), _) => {}
    }
    // The TTL may have taken the invite already.
    let state = state.ok_or(Refusal::InviteEnded(Outcome::Expired))?;
    if state.invite().email != *email {
        return Err(Refusal::InviteNotFound);
    }
    let invite = state.pending(now)?;
    if membership.is_some() {
        return Err(Refusal::AlreadyMemberYourself);
    }
    let inviter = inviter
        .filter(|inviter| inviter.user_id == invite.invited_by.id)
        .ok_or(Refusal::InviteNeedsResend)?;
    let inviter = Caller::Member(inviter.clone());
    permit(&inviter, Action::Invite(invite.role)).map_err(|_| Refusal::InviteNeedsResend)?;

    let member = Member {
        organization_id: invite.organization_id,
        user_id: person.user_id.clone(),
        email: email.clone(),
        name: person.name.clone(),
        role: invite.role,
        receives_billing_emails: invite.receives_billing_emails,
        is_creator: false,
        joined_at: now,
        version: 0,
    };
    let ended = invite.ended(Outcome::Accepted, person.as_actor(), now);
    let holder = Holder::Member {
        user_id: person.user_id.clone(),
        invite_id: Some(invite.id),
    };
    Ok(Acceptance::Joins(Box::new(Accepted {
        address: address.held_by(holder),
        invite: ended.invite,
        events: vec![ended.event, member.added(person.as_actor())],
        member,
    })))
}
