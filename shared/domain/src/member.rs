//! Members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, Caller, Change, EmailAddress, Event, EventKind, OrganizationId, PersonName,
    Refusal, Role, UserId, permit,
};

/// A person's membership of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The person.
    pub user_id: UserId,
    /// The address that they joined with.
    pub email: EmailAddress,
    /// Their name, where the sign-in told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// What they are in the organization.
    pub role: Role,
    /// Whether billing emails go to them.
    pub receives_billing_emails: bool,
    /// Whether they created the organization.
    pub is_creator: bool,
    /// When they joined.
    pub joined_at: DateTime<Utc>,
    /// Counts the changes of this record.
    pub version: u64,
}

impl Member {
    /// The member's name, or their masked address where they told none.
    pub fn public_name(&self) -> String {
        match &self.name {
            Some(name) => name.as_str().to_owned(),
            None => self.email.masked(),
        }
    }

    /// The event of this member's joining.
    pub(crate) fn added(&self, actor: Actor) -> Event {
        Event::new(
            EventKind::MemberAdded,
            actor,
            self.as_subject(),
            vec![
                Change::added("role", self.role),
                Change::added("receives_billing_emails", self.receives_billing_emails),
            ],
        )
    }
}

/// What to change about a member; `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberUpdate {
    /// The new role.
    pub role: Option<Role>,
    /// Whether billing emails go to them.
    pub receives_billing_emails: Option<bool>,
}

/// Decides a change of a member's role or billing emails: all of it or nothing.
/// Gives the member as it is to be and what to record; no events when nothing
/// would change.
///
/// # Errors
/// The [`Refusal`] of the first field that the caller may not change so.
pub fn update_member(
    caller: &Caller,
    target: &Member,
    update: MemberUpdate,
) -> Result<(Member, Vec<Event>), Refusal> {
    let mut updated = target.clone();
    let mut events = Vec::new();
    if let Some(role) = update.role {
        permit(
            caller,
            Action::ChangeRole {
                of: target,
                to: role,
            },
        )?;
        if role != target.role {
            updated.role = role;
            events.push(Event::new(
                EventKind::MemberRoleChanged,
                caller.as_actor(),
                target.as_subject(),
                vec![Change::changed("role", target.role, role)],
            ));
        }
    }
    if let Some(on) = update.receives_billing_emails {
        permit(caller, Action::SetBillingEmails { of: target, to: on })?;
        if on != target.receives_billing_emails {
            updated.receives_billing_emails = on;
            let field = "receives_billing_emails";
            events.push(Event::new(
                EventKind::MemberBillingEmailsChanged,
                caller.as_actor(),
                target.as_subject(),
                vec![Change::changed(field, target.receives_billing_emails, on)],
            ));
        }
    }
    Ok((updated, events))
}

/// Decides the removal of a member, which is leaving when the caller is the
/// target. Gives what to record.
///
/// # Errors
/// [`Refusal::CreatorProtected`] for the creator, and the caller's role role
/// does not allow.
pub fn remove_member(caller: &Caller, target: &Member) -> Result<Event, Refusal> {
    permit(caller, Action::RemoveMember(target))?;
    Ok(Event::new(
        EventKind::MemberRemoved,
        caller.as_actor(),
        target.as_subject(),
        vec![
            Change::removed("role", target.role),
            Change::removed("receives_billing_emails", target.receives_billing_emails),
        ],
    ))
}
