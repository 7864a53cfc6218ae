//! What may happen in an organization: suspension and deletion.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, Caller, Change, Event, EventKind, Notice, Organization, Refusal, Server,
    Subject, SubjectKind, permit,
    text::{breaks_line, is_visible},
};

/// The time for which a deleted organization can be restored.
pub const RESTORE_PERIOD: TimeDelta = TimeDelta::days(30);

/// The restrictions of an organization; none at first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The suspension by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
    /// The time of the deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Standing {
    /// Returns whether there are no restrictions.
    pub fn is_unrestricted(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the time from which a deleted organization is purged, and cannot be
    /// restored.
    pub fn purge_at(&self) -> Option<DateTime<Utc>> {
        self.deleted_at.map(|at| at + RESTORE_PERIOD)
    }

    /// Requires that an organization that is not deleted lets people join it.
    ///
    /// # Errors
    /// [`Refusal::OrganizationSuspended`].
    pub fn permit_joining(&self) -> Result<(), Refusal> {
        self.suspended.as_ref().map_or(Ok(()), |suspension| {
            Err(Refusal::OrganizationSuspended(suspension.reason.clone()))
        })
    }
}

/// A suspension: the organization can be read, but not used or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// The reason, for the organization's members.
    pub reason: SuspensionReason,
    /// The time of its beginning.
    pub since: DateTime<Utc>,
}

/// The reason of a suspension: 1 to 500 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, with = "String", extend("minLength" = 1, "maxLength" = 500))]
pub struct SuspensionReason(String);

/// The error of a text that cannot be the reason of a suspension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 500 visible characters on one line")]
pub struct InvalidReason;

impl TryFrom<String> for SuspensionReason {
    type Error = InvalidReason;

    fn try_from(text: String) -> Result<Self, InvalidReason> {
        let text = text.trim();
        let is_valid = text.chars().count() <= 500
            && text.chars().any(is_visible)
            && !text.chars().any(breaks_line);
        is_valid.then(|| Self(text.to_owned())).ok_or(InvalidReason)
    }
}

impl From<SuspensionReason> for String {
    fn from(reason: SuspensionReason) -> Self {
        reason.0
    }
}

impl fmt::Display for SuspensionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Decides the suspension of an organization, or another reason for it. Returns the
/// changed organization and the event to record; `None` if nothing changes.
pub fn suspend(
    server: &Server,
    organization: &Organization,
    reason: SuspensionReason,
    now: DateTime<Utc>,
) -> Option<(Organization, Event)> {
    let before = organization.standing.suspended.as_ref();
    if before.is_some_and(|suspension| suspension.reason == reason) {
        return None;
    }
    let change = Change {
        field: "reason".to_owned(),
        from: before.map(|suspension| suspension.reason.to_string()),
        to: Some(reason.to_string()),
    };
    let mut suspended = organization.clone();
    suspended.standing.suspended = Some(Suspension {
        reason,
        since: before.map_or(now, |suspension| suspension.since),
    });
    let event = Event::new(
        EventKind::OrganizationSuspended,
        server.as_actor(),
        organization.as_subject(),
        vec![change],
    );
    Some((suspended, event))
}

/// Decides the end of a suspension. Returns the changed organization and the event to
/// record; `None` if it is not suspended.
pub fn unsuspend(server: &Server, organization: &Organization) -> Option<(Organization, Event)> {
    let suspension = organization.standing.suspended.as_ref()?;
    let mut open = organization.clone();
    open.standing.suspended = None;
    let event = Event::new(
        EventKind::OrganizationUnsuspended,
        server.as_actor(),
        organization.as_subject(),
        vec![Change::removed("reason", &suspension.reason)],
    );
    Some((open, event))
}

/// Decides the deletion of an organization, with a notice to its owners and to those
/// who receive billing emails. Returns the changed organization and the event to record.
///
/// # Errors
/// [`Refusal::OwnerRequired`].
pub fn delete_organization(
    caller: &Caller,
    organization: &Organization,
    now: DateTime<Utc>,
) -> Result<(Organization, Event), Refusal> {
    permit(caller, Action::DeleteOrganization)?;
    let mut deleted = organization.clone();
    deleted.standing.deleted_at = Some(now);
    let event = Event::new(
        EventKind::OrganizationDeleted,
        caller.as_actor(),
        organization.as_subject(),
        Vec::new(),
    );
    let notice = Notice::Deletion {
        purge_at: now + RESTORE_PERIOD,
    };
    Ok((deleted, event.with_notice(notice)))
}

/// Decides the purge of a deleted organization. Returns the event to record, its
/// tombstone, which has no name; `None` if it is not due.
pub fn purge_organization(organization: &Organization, now: DateTime<Utc>) -> Option<Event> {
    let is_due = organization.standing.purge_at().is_some_and(|at| now >= at);
    is_due.then(|| {
        let id = organization.id.to_string();
        let subject = Subject {
            kind: SubjectKind::Organization,
            name: Some(id.clone()),
            id,
        };
        Event::new(
            EventKind::OrganizationPurged,
            Actor::System,
            subject,
            Vec::new(),
        )
    })
}

/// Decides the restoration of a deleted organization, with all that was in it. Returns
/// the changed organization and the event to record; `None` if it is not deleted.
///
/// # Errors
/// [`Refusal::OwnerRequired`]; [`Refusal::OrganizationNotFound`] once it is to be purged.
pub fn restore_organization(
    caller: &Caller,
    organization: &Organization,
    now: DateTime<Utc>,
) -> Result<Option<(Organization, Event)>, Refusal> {
    permit(caller, Action::DeleteOrganization)?;
    let Some(purge_at) = organization.standing.purge_at() else {
        return Ok(None);
    };
    if now >= purge_at {
        return Err(Refusal::OrganizationNotFound);
    }
    let mut restored = organization.clone();
    restored.standing.deleted_at = None;
    let event = Event::new(
        EventKind::OrganizationRestored,
        caller.as_actor(),
        organization.as_subject(),
        Vec::new(),
    );
    Ok(Some((restored, event)))
}
