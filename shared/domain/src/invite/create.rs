//! The creation of an invite.

use chrono::{DateTime, Utc};

use super::{Ended, Invite, InviteTerms};
use crate::{
    Action, Address, Caller, Change, Counts, Delivery, EmailAddress, Event, EventKind, Holder,
    InviteId, Refusal, Role, permit,
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
    /// The end of the expired invite that still held the address.
    pub expired: Option<Ended>,
    /// The event to record.
    pub event: Event,
}

/// Decides a new invite. `address` is the loaded record of the invited address.
///
/// # Errors
/// The refusal of [`permit`]; [`Refusal::AlreadyMember`];
/// [`Refusal::InviteOutstanding`], naming the invite; [`Refusal::TooManyInvites`].
pub fn create_invite(
    caller: &Caller,
    counts: &Counts,
    address: Option<&Address>,
    request: InviteRequest,
    now: DateTime<Utc>,
) -> Result<Created, Refusal> {
    permit(caller, Action::Invite(request.role))?;
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
    if expired.is_none() && counts.outstanding_invites >= MAX_OUTSTANDING_INVITES {
        return Err(Refusal::TooManyInvites);
    }
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
    let address = match address {
        Some(address) => Address {
            email: invite.email.clone(),
            ..address.held_by(invite.holder())
        },
        None => Address {
            organization_id: caller.organization_id(),
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
