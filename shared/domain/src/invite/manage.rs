//! The actions of members on a pending invite: update, resend, cancel.

use chrono::{DateTime, Utc};

use super::{Ended, Invite, InviteState, Outcome};
use crate::{
    Action, Address, Caller, Change, CountedEmail, Delivery, EmailHistory, EmailLimits, Event,
    EventKind, Refusal, Role, permit,
};

/// The changes of an invite; `None` leaves a field unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct InviteUpdate {
    /// The new role.
    pub role: Option<Role>,
    /// Whether accepting turns on billing emails.
    pub receives_billing_emails: Option<bool>,
}

/// Decides a change of a pending invite. The caller becomes its inviter, as it
/// then rests on the caller's authority. Returns the changed invite and the
/// event to record; no event if nothing changes.
///
/// # Errors
/// The refusal of [`permit`]; [`Refusal::InviteEnded`].
pub fn update_invite(
    caller: &Caller,
    state: &InviteState,
    update: InviteUpdate,
    now: DateTime<Utc>,
) -> Result<(Invite, Option<Event>), Refusal> {
    let present = state.invite();
    let role = update.role.unwrap_or(present.terms.role);
    permit(
        caller,
        Action::UpdateInvite {
            from: present.terms.role,
            to: role,
        },
    )?;
    let invite = state.pending(now)?;
    let mut updated = invite.clone();
    let mut changes = Vec::new();
    if role != invite.terms.role {
        changes.push(Change::changed("role", invite.terms.role, role));
        updated.terms.role = role;
    }
    let on = update
        .receives_billing_emails
        .unwrap_or(invite.terms.receives_billing_emails);
    if on != invite.terms.receives_billing_emails {
        changes.push(Change::changed(
            "receives_billing_emails",
            invite.terms.receives_billing_emails,
            on,
        ));
        updated.terms.receives_billing_emails = on;
    }
    if changes.is_empty() {
        return Ok((updated, None));
    }
    updated.terms.invited_by = caller.as_inviter();
    let event = Event::new(
        EventKind::InviteUpdated,
        caller.as_actor(),
        invite.as_subject(),
        changes,
    );
    Ok((updated, Some(event)))
}

/// The changes that resend an invite.
#[derive(Debug, Clone)]
pub struct Resent {
    /// The invite.
    pub invite: Invite,
    /// The changed record of its address.
    pub address: Address,
    /// The counts with its email.
    pub email: CountedEmail,
    /// The event to record.
    pub event: Event,
}

/// Decides to resend a pending invite: for another 14 days, with the caller as
/// its inviter and a new link that replaces all earlier ones. `history` has the
/// record of its address, which it holds.
///
/// # Errors
/// The refusal of [`permit`]; [`Refusal::InviteEnded`]; [`Refusal::InvitesPaused`];
/// [`Refusal::RecipientOptedOut`]; [`Refusal::EmailLimitReached`].
pub fn resend(
    caller: &Caller,
    state: &InviteState,
    history: EmailHistory<'_>,
    limits: &EmailLimits,
    now: DateTime<Utc>,
) -> Result<Resent, Refusal> {
    permit(caller, Action::ResendInvite(state.invite().terms.role))?;
    let invite = state.pending(now)?;
    let email = limits.count(invite.organization_id, &invite.email, history, now)?;
    let resent = Invite {
        terms: invite.terms.resent(caller.as_inviter(), now),
        delivery: Delivery::queued(now),
        ..invite.clone()
    };
    let event = Event::new(
        EventKind::InviteResent,
        caller.as_actor(),
        invite.as_subject(),
        vec![
            Change::changed(
                "times_sent",
                invite.terms.times_sent,
                resent.terms.times_sent,
            ),
            Change::changed(
                "expires_at",
                rfc3339(invite.terms.expires_at),
                rfc3339(resent.terms.expires_at),
            ),
        ],
    )
    .with_invite_email(&resent);
    let address = Address {
        organization_id: resent.organization_id,
        email: resent.email.clone(),
        holder: resent.holder(),
        sent_at: email.sent_at.clone(),
        version: history.address.map_or(0, |address| address.version),
    };
    Ok(Resent {
        invite: resent,
        address,
        email,
        event,
    })
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Cancels a pending invite. Returns `None` if already cancelled (idempotent).
///
/// # Errors
/// The refusal of [`permit`]; [`Refusal::InviteEnded`] if it ended in another way.
pub fn cancel(
    caller: &Caller,
    state: &InviteState,
    now: DateTime<Utc>,
) -> Result<Option<Ended>, Refusal> {
    permit(caller, Action::CancelInvite(state.invite().terms.role))?;
    state.end(Outcome::Cancelled, caller.as_actor(), now)
}
