//! The creation of an invite.

use chrono::{DateTime, Utc};

use super::{Ended, Invite, InviteTerms};
use crate::{
    Action, Address, Caller, Change, Delivery, EmailAddress, Event, EventKind, Holder, InviteId,
    Organization, Refusal, Role, permit,
};

/// How many invites of an organization may be outstanding.
pub const MAX_OUTSTANDING_INVITES: u32 = 100;

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
        Some(Holder::Invite(held)) if !held.terms.is_expired(now) => {
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
