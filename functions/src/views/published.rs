//! Audit events for other systems.

use chrono::{DateTime, Utc};
use domain::{Actor, AuditEvent, Change, EventId, EventKind, OrganizationId, SubjectKind};
use schemars::JsonSchema;
use serde::Serialize;

/// An audit event, as the event bus and webhooks get it: people by their ids only.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(crate) struct PublishedEvent {
    /// The name of the stack.
    stack: String,
    /// The event's id; deduplicate by it.
    id: EventId,
    /// The organization.
    organization_id: OrganizationId,
    /// The time of the event.
    at: DateTime<Utc>,
    /// The kind of event.
    kind: EventKind,
    /// The actor.
    actor: PublishedActor,
    /// The subject.
    subject: PublishedSubject,
    /// The changed fields.
    changes: Vec<PublishedChange>,
}

/// The actor of an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct PublishedActor {
    /// The kind of actor.
    kind: ActorKind,
    /// The user id of a person, or of the person that the server acted for; `null` if
    /// there is none.
    id: Option<String>,
}

/// The kind of actor.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ActorKind {
    /// A signed-in person.
    Person,
    /// The holder of an invite's link.
    LinkHolder,
    /// The product's own backend.
    Server,
    /// A schedule, a limit, the email service or the payment provider.
    System,
}

/// The subject of an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct PublishedSubject {
    /// The kind of subject.
    kind: SubjectKind,
    /// Its id; the number of an invoice.
    id: String,
}

/// The change of a field.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct PublishedChange {
    /// The field's name in the API.
    field: String,
    /// The value before; `null` for a new field.
    from: Option<String>,
    /// The value after; `null` for a removed field.
    to: Option<String>,
}

impl PublishedEvent {
    pub(crate) fn of(event: AuditEvent, stack: &str) -> Self {
        Self {
            stack: stack.to_owned(),
            id: event.id,
            organization_id: event.organization_id,
            at: event.at,
            kind: event.kind,
            actor: PublishedActor::of(event.actor),
            subject: PublishedSubject {
                kind: event.subject.kind,
                id: event.subject.id,
            },
            changes: event.changes.into_iter().map(PublishedChange::of).collect(),
        }
    }
}

impl PublishedActor {
    fn of(actor: Actor) -> Self {
        let (kind, id) = match actor {
            Actor::Person { user_id } => (ActorKind::Person, Some(user_id)),
            Actor::LinkHolder => (ActorKind::LinkHolder, None),
            Actor::Server { on_behalf_of } => (ActorKind::Server, on_behalf_of),
            Actor::System => (ActorKind::System, None),
        };
        Self {
            kind,
            id: id.map(|id| id.to_string()),
        }
    }
}

impl PublishedChange {
    fn of(change: Change) -> Self {
        Self {
            field: change.field,
            from: change.from,
            to: change.to,
        }
    }
}
