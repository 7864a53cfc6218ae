//! The answer to an invite: accept or decline.

use chrono::{DateTime, Utc};

use super::{Ended, EndedInvite, InviteState, Outcome};
use crate::{Action, Actor, Address, Caller, Event, Holder, Member, Person, Refusal, permit};

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
    state.end(
        Outcome::Declined,
        person.map_or(Actor::LinkHolder, Person::as_actor),
        now,
    )
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
        .filter(|inviter| inviter.user_id == invite.terms.invited_by.id)
        .ok_or(Refusal::InviteNeedsResend)?;
    let inviter = Caller::Member(inviter.clone());
    permit(&inviter, Action::Invite(invite.terms.role)).map_err(|_| Refusal::InviteNeedsResend)?;

    let member = Member {
        organization_id: invite.organization_id,
        user_id: person.user_id.clone(),
        email: email.clone(),
        name: person.name.clone(),
        role: invite.terms.role,
        receives_billing_emails: invite.terms.receives_billing_emails,
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
