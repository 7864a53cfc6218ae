//! The only place where keys are spelled.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use domain::{ApiKeyId, EmailAddress, EventId, InviteId, MAX_COUNTERS, OrganizationId, UserId};

use crate::StoreError;

/// The index by which addresses of expired invites, and plans that are due, are
/// found: sparse, keys only.
pub const EXPIRY_INDEX: &str = "expiry";
/// Into how many partitions the expiry index is divided, so that no single one
/// limits how many invites can be made.
pub const EXPIRY_SHARDS: u8 = 8;

pub(crate) const MEMBER: &str = "MEMBER#";
pub(crate) const INVITE: &str = "INVITE#";
pub(crate) const API_KEY: &str = "API_KEY#";
pub(crate) const ORGANIZATION_OF_PERSON: &str = "ORG#";

/// An item's primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// The organization itself.
    pub fn organization(id: OrganizationId) -> Self {
        Self::new(organization(id), "ORGANIZATION")
    }

    /// A member of an organization.
    pub fn member(organization_id: OrganizationId, user_id: &UserId) -> Self {
        Self::new(organization(organization_id), format!("{MEMBER}{user_id}"))
    }

    /// An invite that has not ended.
    pub fn invite(organization_id: OrganizationId, id: InviteId) -> Self {
        Self::new(organization(organization_id), format!("{INVITE}{id}"))
    }

    /// An invite that has ended.
    pub fn ended_invite(organization_id: OrganizationId, id: InviteId) -> Self {
        Self::new(organization(organization_id), format!("ENDED_INVITE#{id}"))
    }

    /// An API key of an organization.
    pub fn api_key(organization_id: OrganizationId, id: ApiKeyId) -> Self {
        Self::new(organization(organization_id), format!("{API_KEY}{id}"))
    }

    /// What an organization has with an email address: the uniqueness lock.
    pub fn address(organization_id: OrganizationId, email: &EmailAddress) -> Self {
        Self::new(address(email), organization(organization_id))
    }

    /// An event of an organization's audit log.
    pub fn audit_event(organization_id: OrganizationId, id: EventId) -> Self {
        Self::new(audit_log(organization_id), id.to_string())
    }

    /// The pointer from a person to an organization of theirs.
    pub fn membership(user_id: &UserId, organization_id: OrganizationId) -> Self {
        Self::new(person(user_id), organization(organization_id))
    }

    /// What is kept about a person.
    pub fn account(user_id: &UserId) -> Self {
        Self::new(person(user_id), "ACCOUNT")
    }

    /// A person's request to create an organization, by its idempotency key.
    pub fn creation_request(user_id: &UserId, idempotency_key: &str) -> Self {
        Self::new(person(user_id), format!("REQUEST#{idempotency_key}"))
    }

    /// An organization's plan, its meter, and what stands on its invoices.
    pub fn billing(id: OrganizationId) -> Self {
        Self::new(format!("BILLING#{id}"), "BILLING")
    }

    /// One of an organization's counters. Each is a partition of its own, so
    /// that no single one limits how fast credits can be used.
    pub fn counter(id: OrganizationId, number: u8) -> Self {
        Self::new(format!("USAGE#{id}#{number}"), "COUNTER")
    }

    /// Every counter that an organization can have.
    pub fn counters(id: OrganizationId) -> impl Iterator<Item = Self> {
        (0..MAX_COUNTERS).map(move |number| Self::counter(id, number))
    }

    /// An organization's request to use credits, by its idempotency key.
    pub fn usage_request(id: OrganizationId, idempotency_key: &str) -> Self {
        Self::new(
            format!("USAGE_REQUEST#{id}#{idempotency_key}"),
            "USAGE_REQUEST",
        )
    }

    /// How far the email of an event to one of its recipients has come.
    pub fn billing_delivery(event_id: EventId, user_id: &UserId) -> Self {
        Self::new(format!("BILLING_DELIVERY#{event_id}"), user_id.as_str())
    }

    /// An event of the payment provider's that was taken.
    pub fn payment_event(id: &str) -> Self {
        Self::new(format!("PAYMENT_EVENT#{id}"), "PAYMENT_EVENT")
    }

    pub(crate) fn from_item(item: &HashMap<String, AttributeValue>) -> Result<Self, StoreError> {
        let text = |name: &str| {
            let value = item.get(name).and_then(|value| value.as_s().ok());
            value.cloned().ok_or(StoreError::CorruptKey)
        };
        Ok(Self {
            pk: text("pk")?,
            sk: text("sk")?,
        })
    }

    pub(crate) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// The partition of an organization, its members, its invites and its API keys.
pub(crate) fn organization(id: OrganizationId) -> String {
    format!("ORG#{id}")
}

/// The partition of an organization's audit log.
pub(crate) fn audit_log(id: OrganizationId) -> String {
    format!("AUDIT#{id}")
}

/// The partition of an email address.
pub(crate) fn address(email: &EmailAddress) -> String {
    format!("EMAIL#{}", email.normal())
}

/// The partition of a person.
pub(crate) fn person(user_id: &UserId) -> String {
    format!("USER#{user_id}")
}

/// The shard of the expiry index that the addresses of an organization are in.
pub fn expiry_shard(id: OrganizationId) -> u8 {
    let [.., last] = id.uuid().into_bytes();
    last % EXPIRY_SHARDS
}

/// The partition of the expiry index that plans to come are in. There are few.
pub(crate) const PLANS: &str = "PLANS";

pub(crate) fn shard(number: u8) -> String {
    format!("EXPIRY#{number}")
}

/// DynamoDB's TTL and the expiry index count whole seconds since the epoch.
pub(crate) fn seconds(at: DateTime<Utc>) -> AttributeValue {
    AttributeValue::N(at.timestamp().to_string())
}
