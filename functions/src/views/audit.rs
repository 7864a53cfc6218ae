//! The audit log.

use chrono::{DateTime, Utc};
use domain::{
    Actor, AuditEvent, Change, EmailAddress, EventId, EventKind, InviteId, Subject, SubjectKind,
    UserId,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::people::People;

/// The actor of an event.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ActorView {
    /// A signed-in person.
    Person {
        /// The person's user id.
        user_id: UserId,
        /// The person's name, or the masked email address without one; `null` for an
        /// erased person.
        name: Option<String>,
        /// The email address; absent unless the person is a member.
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<EmailAddress>,
    },
    /// The holder of an invite's link.
    LinkHolder,
    /// The product's own backend.
    Server {
        /// The user id of the person that it acted for; `null` if it named none.
        on_behalf_of: Option<UserId>,
    },
    /// The system: a schedule, a limit, the email service or the payment provider.
    System,
}

impl ActorView {
    fn of(actor: &Actor, people: &People) -> Self {
        match actor {
            Actor::Person { user_id } => Self::Person {
                user_id: user_id.clone(),
                name: people.name(user_id),
                email: people.email(user_id),
            },
            Actor::LinkHolder => Self::LinkHolder,
            Actor::Server { on_behalf_of } => Self::Server {
                on_behalf_of: on_behalf_of.clone(),
            },
            Actor::System => Self::System,
        }
    }
}

/// The subject of an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct SubjectView {
    /// The kind of subject.
    kind: SubjectKind,
    /// The subject's id.
    id: String,
    /// Its name; of a person, as for the actor. An invite has none.
    name: Option<String>,
    /// The email address of a member, or of an invite that is kept; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<EmailAddress>,
}

impl SubjectView {
    fn of(subject: &Subject, people: &People) -> Self {
        let (name, email) = match subject.kind {
            SubjectKind::Member => {
                let id = UserId::parse(&subject.id).ok();
                let id = id.as_ref();
                (
                    id.and_then(|id| people.name(id)),
                    id.and_then(|id| people.email(id)),
                )
            }
            SubjectKind::Invite => {
                let id = InviteId::parse(&subject.id).ok();
                (None, id.and_then(|id| people.invited(id)))
            }
            SubjectKind::Organization | SubjectKind::ApiKey | SubjectKind::Billing => {
                (subject.name.clone(), None)
            }
        };
        Self {
            kind: subject.kind,
            id: subject.id.clone(),
            name,
            email,
        }
    }
}

/// The change of one field.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ChangeView {
    /// The field's name in the API.
    field: String,
    /// The value before; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The value after; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

impl ChangeView {
    fn of(change: &Change) -> Self {
        Self {
            field: change.field.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        }
    }
}

/// An event of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditEventView {
    /// The event's id.
    id: EventId,
    /// The time of the event.
    at: DateTime<Utc>,
    /// The kind of event.
    kind: EventKind,
    /// The actor.
    actor: ActorView,
    /// The subject.
    subject: SubjectView,
    /// The changed fields.
    changes: Vec<ChangeView>,
}

impl AuditEventView {
    pub(crate) fn of(event: &AuditEvent, people: &People) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind,
            actor: ActorView::of(&event.actor, people),
            subject: SubjectView::of(&event.subject, people),
            changes: event.changes.iter().map(ChangeView::of).collect(),
        }
    }
}
