//! The audit log: who did what, when, to whom, from what to what.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EventId, Invite, InviteId, Member, Notice, OrganizationId, UserId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum EventKind {
    /// An organization was created.
    #[serde(rename = "organization.created")]
    OrganizationCreated,
    /// Its name or metadata changed.
    #[serde(rename = "organization.updated")]
    OrganizationUpdated,
    /// Somebody became a member.
    #[serde(rename = "member.added")]
    MemberAdded,
    /// Somebody is no longer a member; they left when actor and subject are the same.
    #[serde(rename = "member.removed")]
    MemberRemoved,
    /// A member's role changed.
    #[serde(rename = "member.role_changed")]
    MemberRoleChanged,
    /// A member's billing emails were turned on or off.
    #[serde(rename = "member.billing_emails_changed")]
    MemberBillingEmailsChanged,
    /// An invite was made.
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
    /// An invite's email came back.
    #[serde(rename = "invite.email_bounced")]
    InviteEmailBounced,
    /// Whoever got an invite's email called it spam.
    #[serde(rename = "invite.email_complained")]
    InviteEmailComplained,
    /// An API key was made.
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
    /// The plan changed: at once, or as was scheduled.
    #[serde(rename = "billing.plan_changed")]
    BillingPlanChanged,
    /// The plan is to change at the period's end.
    #[serde(rename = "billing.plan_change_scheduled")]
    BillingPlanChangeScheduled,
    /// The plan is not to change at the period's end after all.
    #[serde(rename = "billing.plan_change_cancelled")]
    BillingPlanChangeCancelled,
    /// Company name, tax id or invoice address changed.
    #[serde(rename = "billing.details_updated")]
    BillingDetailsUpdated,
    /// The payment provider has issued an invoice.
    #[serde(rename = "billing.invoice_issued")]
    BillingInvoiceIssued,
    /// The payment of an invoice has failed.
    #[serde(rename = "billing.payment_failed")]
    BillingPaymentFailed,
    /// An invoice is paid.
    #[serde(rename = "billing.payment_succeeded")]
    BillingPaymentSucceeded,
    /// 80% or all of the period's credits are used.
    #[serde(rename = "usage.threshold_reached")]
    UsageThresholdReached,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(inline)]
pub enum Actor {
    /// Somebody signed in.
    Person {
        /// The person.
        user_id: UserId,
        /// Their name, or their masked email address where they told no name.
        name: String,
    },
    /// Whoever holds an invite's link.
    LinkHolder,
    /// Nobody: time has passed, a limit is reached, or the email service or the
    /// payment provider says so.
    System,
}

/// What kind of thing it was done to.
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
    /// The organization's plan, or an invoice of its.
    Billing,
}

/// Whom or what it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its id.
    pub id: String,
    /// Its name, or a masked email address.
    pub name: String,
}

/// One field, from what to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Change {
    /// The field's name in the API.
    pub field: String,
    /// What it was; absent when there was nothing before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is now; absent when there is nothing after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Change {
    /// A field that had a value and has another.
    pub(crate) fn changed(field: &str, from: impl ToString, to: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            from: Some(from.to_string()),
            to: Some(to.to_string()),
        }
    }

    /// A field of something new.
    pub(crate) fn added(field: &str, to: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            from: None,
            to: Some(to.to_string()),
        }
    }

    /// A field of something that is no more.
    pub(crate) fn removed(field: &str, from: impl ToString) -> Self {
        Self {
            field: field.to_owned(),
            from: Some(from.to_string()),
            to: None,
        }
    }
}

/// The email that leaves when an event is committed. The event is the
/// transactional outbox: a function on the table's stream sends what stands here.
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
        /// What the email says.
        notice: Notice,
    },
}

/// What a decision records, before the commit gives it an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Actor,
    /// Whom or what it was done to.
    pub subject: Subject,
    /// From what to what.
    pub changes: Vec<Change>,
    /// The email to send.
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

    /// The event as it is recorded.
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
            changes: self.changes,
            email: self.email,
        }
    }
}

/// One line of an organization's audit log. Never changed once written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The event's id; ids of one organization sort by time.
    pub id: EventId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Actor,
    /// Whom or what it was done to.
    pub subject: Subject,
    /// From what to what.
    pub changes: Vec<Change>,
    /// The email to send. The filter of the table's stream looks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<OutboxEmail>,
}

impl Member {
    /// The member as an event's subject.
    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Member,
            id: self.user_id.to_string(),
            name: self.public_name(),
        }
    }

    /// The member as an event's actor.
    pub(crate) fn as_actor(&self) -> Actor {
        Actor::Person {
            user_id: self.user_id.clone(),
            name: self.public_name(),
        }
    }
}

impl Invite {
    /// The invite as an event's subject.
    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Invite,
            id: self.id.to_string(),
            name: self.email.masked(),
        }
    }
}
