//! The values that only the table knows: pointers, accounts, and records of requests
//! and events that were taken.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Address, ApiKey, ApiKeyId, DailyCount, Delivery, EmailAddress, EventId, ExternalId, Invite,
    InviteId, OrganizationId, Part, SecretHash, Standing, Used, UserId,
};
use serde::{Deserialize, Serialize};

/// The proof that an organization exists, with its restrictions: a part of the item of
/// its counts, which is small and exists from the organization's creation to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Existence {
    /// The restrictions.
    #[serde(default)]
    pub standing: Standing,
}

/// The pointer from a former member to an organization that has API keys with their
/// name as the creator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMaker {
    /// The person.
    pub user_id: UserId,
    /// The organization.
    pub organization_id: OrganizationId,
}

/// The entry of an organization in the list of all, which is in the order of creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The organization.
    pub organization_id: OrganizationId,
}

/// The pointer from an organization's id in the product to the organization: the
/// uniqueness constraint on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalIdPointer {
    /// The id in the product.
    pub external_id: ExternalId,
    /// The organization.
    pub organization_id: OrganizationId,
}

/// The pointer from the hash of an API key of an earlier system to the key, which its text
/// does not lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyPointer {
    /// The hash of the key's text.
    pub secret_hash: SecretHash,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The key's id.
    pub api_key_id: ApiKeyId,
}

impl ApiKeyPointer {
    pub(crate) fn to(key: &ApiKey) -> Option<Self> {
        key.imported_hash.as_ref().map(|hash| Self {
            secret_hash: hash.clone(),
            organization_id: key.organization_id,
            api_key_id: key.id,
        })
    }
}

/// The pointer from a person to an organization of theirs. The [`Member`] holds the role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The person.
    pub user_id: UserId,
    /// The organization.
    pub organization_id: OrganizationId,
}

/// The pointer from an email address to an invite that has not ended. A person's
/// pending invites are found by it, whatever else the address was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitePointer {
    /// The invited address.
    pub email: EmailAddress,
    /// The invite.
    pub invite_id: InviteId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The first inviter, most often still the present one; `None` is the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_inviter_id: Option<UserId>,
}

impl InvitePointer {
    pub(crate) fn to(invite: &Invite) -> Self {
        Self {
            email: invite.email.clone(),
            invite_id: invite.id,
            organization_id: invite.organization_id,
            first_inviter_id: invite.terms.invited_by.as_ref().map(|by| by.id.clone()),
        }
    }
}

/// The pointer from an email address to an invite that has ended. A late or repeated
/// answer learns the outcome by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedInvitePointer {
    /// The invited address.
    pub email: EmailAddress,
    /// The invite.
    pub invite_id: InviteId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The time of the invite's end.
    pub ended_at: DateTime<Utc>,
}

impl EndedInvitePointer {
    /// The lifetime of the pointer: that of the ended invite.
    pub(crate) const MEMORY: TimeDelta = Address::MEMORY;
}

/// The stored state of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The person.
    pub user_id: UserId,
    /// The person's current organization; they may have left it since.
    pub current_organization_id: OrganizationId,
    /// The organizations that the person has created.
    #[serde(default, skip_serializing_if = "DailyCount::is_none")]
    pub created: DailyCount,
}

/// The idempotency record of a request to create an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationRequest {
    /// The person who made the request.
    pub user_id: UserId,
    /// The caller's idempotency key.
    pub idempotency_key: String,
    /// The organization that the request created.
    pub organization_id: OrganizationId,
    /// The time of the creation.
    pub at: DateTime<Utc>,
}

impl CreationRequest {
    /// The lifetime of the record.
    pub const MEMORY: TimeDelta = TimeDelta::hours(24);
}

/// The idempotency record of a request to use credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRequest {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The caller's idempotency key.
    pub idempotency_key: String,
    /// The credits that the request used.
    pub credits: u64,
    /// The credits of the period at that time.
    pub allowed: u64,
    /// The credits used in the period at that time.
    pub used: u64,
    /// The time of the request.
    pub at: DateTime<Utc>,
    /// The start of the billing period at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<DateTime<Utc>>,
    /// The credits by counter. Requests from before refunds have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// The credits that were given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<u64>,
}

impl UsageRequest {
    /// The lifetime of the record.
    pub(crate) const MEMORY: TimeDelta = TimeDelta::hours(24);

    /// Returns the end of the record's lifetime.
    pub fn forgotten_at(&self) -> DateTime<Utc> {
        self.at + Self::MEMORY
    }

    /// Returns what a refund needs; `None` of a request from before refunds.
    pub fn as_used(&self) -> Option<Used<'_>> {
        let used = Used {
            at: self.at,
            period_start: self.period_start?,
            parts: &self.parts,
        };
        (!used.parts.is_empty()).then_some(used)
    }
}

/// The delivery of a billing email to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingDelivery {
    /// The event that the email is about.
    pub event_id: EventId,
    /// The recipient.
    pub user_id: UserId,
    /// The state of the delivery.
    pub delivery: Delivery,
}

impl BillingDelivery {
    /// The lifetime of the record: longer than any retry of the email.
    pub(crate) const MEMORY: TimeDelta = TimeDelta::days(30);
}

/// The record of a payment provider's event, which is handled only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEvent {
    /// The event's id.
    pub id: String,
    /// The organization that it is about.
    pub organization_id: OrganizationId,
    /// The time at which the event was handled.
    pub at: DateTime<Utc>,
}

impl PaymentEvent {
    /// The lifetime of the record: longer than any sender retries.
    pub(crate) const MEMORY: TimeDelta = TimeDelta::days(90);
}
