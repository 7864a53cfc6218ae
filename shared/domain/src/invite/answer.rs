//! The answer to an invite: accept or decline.

use chrono::{DateTime, Utc};

use super::{Ended, EndedInvite, InviteState, Outcome};
use crate::{
    Action, Actor, Address, Caller, Event, Holder, InviteId, Member, Person, Refusal, permit,
};

/// Declines a pending invite, for the invitee or for the holder of the link
/// (`person` is `None`). Returns `None` if already declined (idempotent).
///
/// # Errors
/// [`Refusal::InviteEnded`] if it ended in another way.
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

/// The changes that accept an invite.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The new member.
    pub member: Member,
    /// The ended invite.
    pub invite: EndedInvite,
    /// The changed record of the address.
    pub address: Address,
    /// The events to record.
    pub events: Vec<Event>,
}

/// The result of an acceptance.
#[derive(Debug, Clone)]
pub enum Acceptance {
    /// The person becomes a member.
    Joins(Box<Accepted>),
    /// The person accepted this same invite before and is a member (idempotent).
    Joined(Box<Member>),
}

/// Decides the acceptance of an invite by a person. `address` is the record of
/// the person's verified address in the organization; `state`, `inviter` and
/// `membership` are the invite, the inviter's membership and the person's own, as
/// loaded.
///
/// # Errors
/// [`Refusal::EmailRequired`], [`Refusal::EmailNotVerified`],
/// [`Refusal::InviteNotFound`] for an invite to another address,
/// [`Refusal::InviteEnded`], [`Refusal::AlreadyMemberYourself`], and
/// [`Refusal::InviteNeedsResend`] if the inviter has lost the authority to send it.
pub fn accept(
    person: &Person,
    invite_id: InviteId,
    address: Option<&Address>,
    state: Option<&InviteState>,
    inviter: Option<&Member>,
    membership: Option<&Member>,
    now: DateTime<Utc>,
) -> Result<Acceptance, Refusal> {
    let email = person.verified_email()?;
    // INVARIANT: the address record is the one of the verified address, and the invite is to it.
    let address = address.filter(|address| address.email == *email);
    let Some(address) = address.filter(|a| a.holder.invite_id() == Some(invite_id)) else {
        // The address has had another invite since, or none for long.
        let state = state.filter(|state| state.invite().email == *email);
        let state = state.ok_or(Refusal::InviteNotFound)?;
        return Err(state.pending(now).err().unwrap_or(Refusal::InviteNotFound));
    };
    match (&address.holder, membership) {
        (Holder::Member { user_id, .. }, Some(member)) if *user_id == person.user_id => {
            return Ok(Acceptance::Joined(Box::new(member.clone())));
        }
        (Holder::Member { .. }, _) => return Err(Refusal::InviteEnded(Outcome::Accepted)),
        (Holder::Ended { outcome, .. }, _) => return Err(Refusal::InviteEnded(*outcome)),
        (Holder::Invite(_), _) => {}
    }
    // The TTL may have deleted the invite already.
    let state = state.ok_or(Refusal::InviteEnded(Outcome::Expired))?;
    if state.invite().email != *email {
        return Err(Refusal::InviteNotFound);
    }
    let invite = state.pending(now)?;
    if membership.is_some() {
        return Err(Refusal::AlreadyMemberYourself);
    }
    // An invite of the server's rests on no member.
    if let Some(invited_by) = &invite.terms.invited_by {
        let inviter = inviter
            .filter(|inviter| inviter.user_id == invited_by.id)
            .ok_or(Refusal::InviteNeedsResend)?;
        let inviter = Caller::Member(inviter.clone());
        permit(&inviter, Action::Invite(invite.terms.role))
            .map_err(|_| Refusal::InviteNeedsResend)?;
    }

    let member = Member {
        organization_id: invite.organization_id,
        user_id: person.user_id.clone(),
        email: email.clone(),
        name: person.name.clone(),
        role: invite.terms.role,
        receives_billing_emails: invite.terms.receives_billing_emails,
        billing_emails_stopped: None,
        is_creator: false,
        joined_at: now,
        profile_at: person.issued_at,
        last_event_id: None,
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
