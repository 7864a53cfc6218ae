//! The creation of an invite.

use chrono::{DateTime, Utc};

use super::{Ended, Invite, InviteTerms};
use crate::{
    Action, Address, Caller, Change, CountedEmail, Delivery, EmailAddress, EmailHistory,
    EmailLimits, Event, EventKind, Holder, InviteId, Refusal, Role, permit,
};

/// The maximum number of outstanding invites of an organization.
pub const MAX_OUTSTANDING_INVITES: u32 = 100;

/// The invite to create.
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

/// The changes that create an invite.
#[derive(Debug, Clone)]
pub struct Created {
    /// The invite.
    pub invite: Invite,
    /// The changed record of its address.
    pub address: Address,
    /// The counts with its email.
    pub email: CountedEmail,
    /// The end of the expired invite that still held the address.
    pub expired: Option<Ended>,
    /// The event to record.
    pub event: Event,
}

/// Decides a new invite. `history` has the loaded record of the invited address.
///
/// # Errors
/// The refusal of [`permit`]; [`Refusal::AlreadyMember`];
/// [`Refusal::InviteOutstanding`], naming the invite; [`Refusal::TooManyInvites`];
/// [`Refusal::InvitesPaused`];
/// [`Refusal::RecipientOptedOut`]; [`Refusal::EmailLimitReached`].
pub fn create_invite(
    caller: &Caller,
    history: EmailHistory<'_>,
    limits: &EmailLimits,
    request: InviteRequest,
    now: DateTime<Utc>,
) -> Result<Created, Refusal> {
    permit(caller, Action::Invite(request.role))?;
    let address = history.address;
    let masked = || request.email.masked();
    match address.map(|address| &address.holder) {
        Some(Holder::Member { .. }) => return Err(Refusal::AlreadyMember { masked: masked() }),
        Some(Holder::Invite(held)) if !held.terms.is_expired(now) => {
            return Err(Refusal::InviteOutstanding {
                masked: masked(),
                invite_id: held.invite_id,
            });
        }
        Some(Holder::Invite(_) | Holder::Ended { .. }) | None => {}
    }
    let expired = address.and_then(|address| address.expire(now));
    // A new invite that replaces an expired one leaves the count unchanged.
    if expired.is_none() && history.counts.outstanding_invites >= MAX_OUTSTANDING_INVITES {
        return Err(Refusal::TooManyInvites);
    }
    let email = limits.count(caller.organization_id(), &request.email, history, now)?;
    let invite = Invite {
        id: request.id,
        organization_id: caller.organization_id(),
        email: request.email,
        terms: InviteTerms::new(
            request.role,
            request.receives_billing_emails,
            caller.as_inviter(),
            now,
        ),
        delivery: Delivery::queued(now),
        version: 0,
    };
    let event = Event::new(
        EventKind::InviteCreated,
        caller.as_actor(),
        invite.as_subject(),
        vec![
            Change::added("role", invite.terms.role),
            Change::added(
                "receives_billing_emails",
                invite.terms.receives_billing_emails,
            ),
        ],
    )
    .with_invite_email(&invite);
    let address = Address {
        organization_id: invite.organization_id,
        email: invite.email.clone(),
        holder: invite.holder(),
        sent_at: email.sent_at.clone(),
        version: address.map_or(0, |address| address.version),
    };
    Ok(Created {
        invite,
        address,
        email,
        expired,
        event,
    })
}
