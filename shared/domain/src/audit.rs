//! The audit log: each event has an actor, a time, a subject and the changed fields.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EventId, Invite, InviteId, Member, Notice, OrganizationId, UserId};

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum EventKind {
    /// An organization was created.
    #[serde(rename = "organization.created")]
    OrganizationCreated,
    /// An organization's name or metadata changed.
    #[serde(rename = "organization.updated")]
    OrganizationUpdated,
    /// Bounces or complaints paused an organization's invites.
    #[serde(rename = "organization.invites_paused")]
    OrganizationInvitesPaused,
    /// The server lifted the pause.
    #[serde(rename = "organization.invites_resumed")]
    OrganizationInvitesResumed,
    /// The creator's place was handed over.
    #[serde(rename = "organization.creator_changed")]
    OrganizationCreatorChanged,
    /// The server suspended the organization, or changed the reason.
    #[serde(rename = "organization.suspended")]
    OrganizationSuspended,
    /// The server ended the suspension.
    #[serde(rename = "organization.unsuspended")]
    OrganizationUnsuspended,
    /// The organization was deleted; it can be restored for 30 days.
    #[serde(rename = "organization.deleted")]
    OrganizationDeleted,
    /// The organization was restored.
    #[serde(rename = "organization.restored")]
    OrganizationRestored,
    /// All that was in the organization was removed.
    #[serde(rename = "organization.purged")]
    OrganizationPurged,
    /// A person became a member.
    #[serde(rename = "member.added")]
    MemberAdded,
    /// A member was removed, or left: then actor and subject are the same.
    #[serde(rename = "member.removed")]
    MemberRemoved,
    /// A member's role changed.
    #[serde(rename = "member.role_changed")]
    MemberRoleChanged,
    /// A member's billing emails were turned on or off.
    #[serde(rename = "member.billing_emails_changed")]
    MemberBillingEmailsChanged,
    /// A billing email to a member bounced.
    #[serde(rename = "member.billing_email_bounced")]
    MemberBillingEmailBounced,
    /// A member marked a billing email as spam.
    #[serde(rename = "member.billing_email_complained")]
    MemberBillingEmailComplained,
    /// A member's email address changed at the identity provider.
    #[serde(rename = "member.email_changed")]
    MemberEmailChanged,
    /// A member's name changed at the identity provider.
    #[serde(rename = "member.name_changed")]
    MemberNameChanged,
    /// An invite was created.
    #[serde(rename = "invite.created")]
    InviteCreated,
    /// An invite's role or billing emails changed.
    #[serde(rename = "invite.updated")]
    InviteUpdated,
    /// An invite was sent again.
    #[serde(rename = "invite.resent")]
    InviteResent,
    /// An invite was accepted.
    #[serde(rename = "invite.accepted")]
    InviteAccepted,
    /// An invite was declined.
    #[serde(rename = "invite.declined")]
    InviteDeclined,
    /// An invite was cancelled.
    #[serde(rename = "invite.cancelled")]
    InviteCancelled,
    /// An invite was not answered within its 14 days.
    #[serde(rename = "invite.expired")]
    InviteExpired,
    /// An invite's email bounced.
    #[serde(rename = "invite.email_bounced")]
    InviteEmailBounced,
    /// The recipient marked an invite's email as spam.
    #[serde(rename = "invite.email_complained")]
    InviteEmailComplained,
    /// An API key was created.
    #[serde(rename = "api_key.created")]
    ApiKeyCreated,
    /// An API key's name or expiry changed.
    #[serde(rename = "api_key.updated")]
    ApiKeyUpdated,
    /// An API key got a new secret.
    #[serde(rename = "api_key.rotated")]
    ApiKeyRotated,
    /// An API key was revoked.
    #[serde(rename = "api_key.revoked")]
    ApiKeyRevoked,
    /// The plan changed: immediately, or as scheduled.
    #[serde(rename = "billing.plan_changed")]
    BillingPlanChanged,
    /// A change of plan was scheduled for the period's end.
    #[serde(rename = "billing.plan_change_scheduled")]
    BillingPlanChangeScheduled,
    /// A scheduled change of plan was cancelled.
    #[serde(rename = "billing.plan_change_cancelled")]
    BillingPlanChangeCancelled,
    /// Company name, tax ID or invoice address changed.
    #[serde(rename = "billing.details_updated")]
    BillingDetailsUpdated,
    /// The payment provider issued an invoice.
    #[serde(rename = "billing.invoice_issued")]
    BillingInvoiceIssued,
    /// The payment of an invoice failed.
    #[serde(rename = "billing.payment_failed")]
    BillingPaymentFailed,
    /// An invoice was paid.
    #[serde(rename = "billing.payment_succeeded")]
    BillingPaymentSucceeded,
    /// 80% or 100% of the period's credits are used.
    #[serde(rename = "usage.threshold_reached")]
    UsageThresholdReached,
}

/// The actor of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    Person {
        /// The person's user id. Names and addresses of people are looked up by it, so
        /// that they can change and be erased.
        user_id: UserId,
    },
    /// The holder of an invite's link, not signed in.
    LinkHolder,
    /// The product's own backend.
    Server {
        /// The person that the backend says it acted for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_behalf_of: Option<UserId>,
    },
    /// No person: the clock, a usage threshold, the email service or the payment
    /// provider caused the event.
    System,
}

/// The kind of an event's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SubjectKind {
    /// The organization itself.
    Organization,
    /// A member.
    Member,
    /// An invite.
    Invite,
    /// An API key.
    ApiKey,
    /// The organization's billing: its plan, details, usage, or an invoice.
    Billing,
}

/// The subject of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The kind of the subject.
    pub kind: SubjectKind,
    /// The subject's id; the number of an invoice.
    pub id: String,
    /// The subject's name; none for members and invites, which stand for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name in the API.
    pub field: String,
    /// The value before; absent for a new field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The value after; absent for a removed field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The maximum length of a value in the log, in bytes.
const MAX_VALUE: usize = 1024;

impl Change {
    /// Returns the change of a field from one value to another.
    pub(crate) fn changed(field: &str, from: impl ToString, to: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            from: Some(from.to_string()),
            to: Some(to.to_string()),
        }
    }

    /// Returns the change of a field that had no value.
    pub(crate) fn added(field: &str, to: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            from: None,
            to: Some(to.to_string()),
        }
    }

    /// Returns the change as the log keeps it: of a long value, only the beginning.
    fn cut(self) -> Self {
        Self {
            field: self.field,
            from: self.from.map(cut),
            to: self.to.map(cut),
        }
    }

    /// Returns the change of a field that has no value any more.
    pub(crate) fn removed(field: &str, from: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            from: Some(from.to_string()),
            to: None,
        }
    }
}

/// The email that leaves when an event is committed. The event is the
/// transactional outbox: a function on the table's stream sends the email.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OutboxEmail {
    /// An invite, to its address.
    Invite {
        /// The invite.
        invite_id: InviteId,
        /// The number of the sending; an invite that was resent since has a higher one.
        times_sent: u32,
    },
    /// A notice, to each member who receives billing emails.
    Billing {
        /// The content of the email.
        notice: Notice,
    },
}

/// An event that a decision records, before the commit gives it an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The kind of the event.
    pub kind: EventKind,
    /// The actor.
    pub actor: Actor,
    /// The subject.
    pub subject: Subject,
    /// The changed fields.
    pub changes: Vec<Change>,
    /// The email to send, if any.
    pub email: Option<OutboxEmail>,
}

impl Event {
    pub(crate) fn new(
        kind: EventKind,
        actor: Actor,
        subject: Subject,
        changes: Vec<Change>,
    ) -> Self {
        Self {
            kind,
            actor,
            subject,
            changes,
            email: None,
        }
    }

    pub(crate) fn with_invite_email(self, invite: &Invite) -> Self {
        Self {
            email: Some(OutboxEmail::Invite {
                invite_id: invite.id,
                times_sent: invite.terms.times_sent,
            }),
            ..self
        }
    }

    pub(crate) fn with_notice(self, notice: Notice) -> Self {
        Self {
            email: Some(OutboxEmail::Billing { notice }),
            ..self
        }
    }

    /// Returns the event as an entry of the audit log.
    pub fn recorded(
        self,
        id: EventId,
        organization_id: OrganizationId,
        at: DateTime<Utc>,
    ) -> AuditEvent {
        AuditEvent {
            id,
            organization_id,
            at,
            kind: self.kind,
            actor: self.actor,
            subject: self.subject,
            changes: self.changes.into_iter().map(Change::cut).collect(),
            email: self.email,
        }
    }
}

fn cut(mut value: String) -> String {
    const END: char = '…';
    if value.len() > MAX_VALUE {
        value.truncate(value.floor_char_boundary(MAX_VALUE - END.len_utf8()));
        value.push(END);
    }
    value
}

/// An entry of an organization's audit log. Entries never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The event's id; the ids of an organization sort by time.
    pub id: EventId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The time of the event.
    pub at: DateTime<Utc>,
    /// The kind of the event.
    pub kind: EventKind,
    /// The actor.
    pub actor: Actor,
    /// The subject.
    pub subject: Subject,
    /// The changed fields.
    pub changes: Vec<Change>,
    /// The email to send, if any. The table's stream is filtered by it; no other item
    /// has an attribute of that name.
    #[serde(default, rename = "outbox", skip_serializing_if = "Option::is_none")]
    pub email: Option<OutboxEmail>,
}

impl Member {
    /// Returns the member as an event's subject.
    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Member,
            id: self.user_id.to_string(),
            name: None,
        }
    }

    /// Returns the member as an event's actor.
    pub(crate) fn as_actor(&self) -> Actor {
        Actor::Person {
            user_id: self.user_id.clone(),
        }
    }
}

impl Invite {
    /// Returns the invite as an event's subject.
    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Invite,
            id: self.id.to_string(),
            name: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_value_over_1_kilobyte_is_cut() {
        for (value, recorded) in [
            ("x".repeat(1024), "x".repeat(1024)),
            ("x".repeat(1025), format!("{}…", "x".repeat(1021))),
            ("€".repeat(500), format!("{}…", "€".repeat(340))),
        ] {
            let changes = vec![Change::changed("metadata", &value, &value)];
            let subject = Subject {
                kind: SubjectKind::Organization,
                id: String::new(),
                name: None,
            };
            let event = Event::new(
                EventKind::OrganizationUpdated,
                Actor::System,
                subject,
                changes,
            );
            let event = event.recorded(
                EventId::new(uuid::Uuid::nil()),
                OrganizationId::new(uuid::Uuid::nil()),
                DateTime::UNIX_EPOCH,
            );
            let change = event.changes.first().unwrap();
            assert_eq!(change.from.as_deref(), Some(recorded.as_str()));
            assert_eq!(change.to.as_deref(), Some(recorded.as_str()));
        }
    }
}
