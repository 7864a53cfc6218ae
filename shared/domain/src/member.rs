//! Members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, BillingEmailsStopped, Caller, Change, EmailAddress, Event, EventId, EventKind,
    OrganizationId, PersonName, Refusal, Role, UserId, permit,
};

/// A person's membership of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The person's user id.
    pub user_id: UserId,
    /// The email address: the last one that the identity provider has verified.
    pub email: EmailAddress,
    /// The name, if the identity provider has reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// The role in the organization.
    pub role: Role,
    /// Whether the member receives billing emails.
    pub receives_billing_emails: bool,
    /// Why no emails about billing are sent to the address; `None` while they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_emails_stopped: Option<BillingEmailsStopped>,
    /// Whether the member created the organization.
    pub is_creator: bool,
    /// The time of joining.
    pub joined_at: DateTime<Utc>,
    /// The time at which the token that name and address are from was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_at: Option<DateTime<Utc>>,
    /// The last audit event that this member has caused or was the subject of. The
    /// commit sets it, and a later one takes a later id: so the log is in the order
    /// of what each of its lines rested on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_id: Option<EventId>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

impl Member {
    /// Returns the member's name, or their masked email address if they have no name.
    pub fn public_name(&self) -> String {
        match &self.name {
            Some(name) => name.as_str().to_owned(),
            None => self.email.masked(),
        }
    }

    /// Returns the event of this member's joining.
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

/// The changes of a member; `None` leaves a field unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberUpdate {
    /// The new role.
    pub role: Option<Role>,
    /// Whether the member receives billing emails.
    pub receives_billing_emails: Option<bool>,
}

/// Decides a change of a member's role or billing emails, as a whole. To turn billing
/// emails on, even if they are, also ends their stop after a bounce. Returns the
/// changed member and the events to record; no events if nothing changes.
///
/// # Errors
/// The refusal of [`permit`] for the first field that it refuses.
pub fn update_member(
    caller: &Caller,
    target: &Member,
    update: MemberUpdate,
) -> Result<(Member, Vec<Event>), Refusal> {
    let mut updated = target.clone();
    let (mut role_changed, mut billing_emails_changed) = (None, None);
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
            role_changed = Some(Event::new(
                EventKind::MemberRoleChanged,
                caller.as_actor(),
                target.as_subject(),
                vec![Change::changed("role", target.role, role)],
            ));
        }
    }
    if let Some(on) = update.receives_billing_emails {
        permit(caller, Action::SetBillingEmails { of: target, to: on })?;
        let mut changes = Vec::new();
        if on != target.receives_billing_emails {
            updated.receives_billing_emails = on;
            let field = "receives_billing_emails";
            changes.push(Change::changed(field, target.receives_billing_emails, on));
        }
        if let Some(stopped) = target.billing_emails_stopped.filter(|_| on) {
            updated.billing_emails_stopped = None;
            let reason = stopped.reason.as_str();
            changes.push(Change::removed("billing_emails_stopped", reason));
        }
        if !changes.is_empty() {
            billing_emails_changed = Some(Event::new(
                EventKind::MemberBillingEmailsChanged,
                caller.as_actor(),
                target.as_subject(),
                changes,
            ));
        }
    }
    // A caller who steps down has the right to the other change before that.
    let events = billing_emails_changed.into_iter().chain(role_changed);
    Ok((updated, events.collect()))
}

/// Decides the removal of a member; a caller who is the target leaves. Returns
/// the event to record.
///
/// # Errors
/// The refusal of [`permit`], such as [`Refusal::CreatorProtected`].
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
