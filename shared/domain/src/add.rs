//! Adding a member without an invite.

use chrono::{DateTime, Utc};

use crate::{
    Address, EmailAddress, EndedInvite, Event, Holder, Member, Outcome, PersonName, Refusal, Role,
    Server, UserId,
};

/// The person to add, for whom the server vouches.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The person's id at the identity provider.
    pub user_id: UserId,
    /// The person's email address, which the product has verified.
    pub email: EmailAddress,
    /// The person's name.
    pub name: Option<PersonName>,
    /// The role.
    pub role: Role,
    /// Whether the member receives billing emails.
    pub receives_billing_emails: bool,
}

/// The changes that add a member.
#[derive(Debug, Clone)]
pub struct Added {
    /// The member.
    pub member: Member,
    /// The lock on their address.
    pub address: Address,
    /// The invite to the address, which ends.
    pub ended: Option<EndedInvite>,
    /// The events to record.
    pub events: Vec<Event>,
}

/// Decides to add a member without an invite. `address` is the record of the address,
/// and `membership` the person's own. Returns `None` if the person is a member
/// already: nothing of the membership changes.
///
/// An outstanding invite to the address ends as cancelled.
///
/// # Errors
/// [`Refusal::AlreadyMember`] if another member has the address.
pub fn add_member(
    server: &Server,
    new: NewMember,
    address: Option<&Address>,
    membership: Option<&Member>,
    now: DateTime<Utc>,
) -> Result<Option<Added>, Refusal> {
    if membership.is_some() {
        return Ok(None);
    }
    let holder = Holder::Member {
        user_id: new.user_id.clone(),
        invite_id: None,
    };
    if matches!(
        address.map(|address| &address.holder),
        Some(Holder::Member { .. })
    ) {
        let masked = new.email.masked();
        return Err(Refusal::AlreadyMember { masked });
    }
    let ended =
        address.and_then(|address| address.end_invite(Outcome::Cancelled, server.as_actor(), now));
    let (ended, event) = ended.map(|ended| (ended.invite, ended.event)).unzip();
    let address = Address::of(server.organization_id, new.email.clone(), address, holder);
    let member = Member {
        organization_id: server.organization_id,
        user_id: new.user_id,
        email: new.email,
        name: new.name,
        role: new.role,
        receives_billing_emails: new.receives_billing_emails,
        billing_emails_stopped: None,
        is_creator: false,
        joined_at: now,
        profile_at: None,
        last_event_id: None,
        version: 0,
    };
    let added = member.added(server.as_actor());
    Ok(Some(Added {
        events: event.into_iter().chain([added]).collect(),
        member,
        address,
        ended,
    }))
}
