//! Handing over the creator's place.

use crate::{
    Action, Caller, Change, Event, EventKind, Member, Notice, Organization, Refusal, Role, permit,
};

/// The changes that hand over the creator's place: always exactly one member has it.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// The organization, with its new creator.
    pub organization: Organization,
    /// The former creator, who stays an owner; `None` if they are no member any more.
    pub former: Option<Member>,
    /// The new creator.
    pub creator: Member,
    /// The event to record, with an email to both.
    pub event: Event,
}

/// Decides to hand the creator's place to another owner. `creator` and `to` are the
/// present creator's membership and the next one's. Returns `None` if they are the same.
///
/// # Errors
/// [`Refusal::CreatorRequired`]; [`Refusal::NotAnOwner`].
pub fn hand_over(
    caller: &Caller,
    organization: &Organization,
    creator: Option<&Member>,
    to: &Member,
) -> Result<Option<HandOver>, Refusal> {
    permit(caller, Action::HandOver)?;
    if to.is_creator {
        return Ok(None);
    }
    if to.role != Role::Owner {
        return Err(Refusal::NotAnOwner);
    }
    let mut changed = organization.clone();
    changed.creator_id = to.user_id.clone();
    let change = Change::changed("creator_id", &organization.creator_id, &to.user_id);
    let event = Event::new(
        EventKind::OrganizationCreatorChanged,
        caller.as_actor(),
        organization.as_subject(),
        vec![change],
    );
    let notice = Notice::HandOver {
        from: organization.creator_id.clone(),
        to: to.user_id.clone(),
    };
    Ok(Some(HandOver {
        organization: changed,
        former: creator.map(|creator| Member {
            is_creator: false,
            ..creator.clone()
        }),
        creator: Member {
            is_creator: true,
            // The creator always receives billing emails.
            receives_billing_emails: true,
            ..to.clone()
        },
        event: event.with_notice(notice),
    }))
}
