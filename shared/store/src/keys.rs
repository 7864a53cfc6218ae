//! The only place that spells keys.

use std::{collections::HashMap, fmt, marker::PhantomData};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use domain::{
    Address, ApiKey, ApiKeyId, AuditEvent, Billing, Counter, Counts, EmailAddress, EndedInvite,
    EventId, ExternalId, Invite, InviteId, Member, Organization, OrganizationId, Profile,
    Recipient, RecipientId, SecretHash, UserId,
};

use crate::{
    Account, ApiKeyPointer, BillingDelivery, CreationRequest, DirectoryEntry, EndedInvitePointer,
    Existence, ExternalIdPointer, InvitePointer, KeyMaker, Membership, PaymentEvent, StoreError,
    TableMarker, UsageRequest,
};

/// The sparse, keys-only index of expired invites' addresses and of due plan changes.
pub const EXPIRY_INDEX: &str = "expiry";
/// The number of partitions of the expiry index, so that no single one limits how
/// fast invites can be created.
pub const EXPIRY_SHARDS: u8 = 8;

pub(crate) const MEMBER: &str = "MEMBER#";
pub(crate) const INVITE: &str = "INVITE#";
pub(crate) const ENDED_INVITE: &str = "ENDED_INVITE#";
pub(crate) const API_KEY: &str = "API_KEY#";
pub(crate) const ORGANIZATION_OF_PERSON: &str = "ORG#";
pub(crate) const KEYS_IN: &str = "KEYS#";

/// An item's primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RawKey {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl RawKey {
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

/// The primary key of an item that holds a `T`: reading another type by it does
/// not compile.
pub struct Key<T> {
    pub(crate) raw: RawKey,
    holds: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    pub(crate) fn from_raw(raw: RawKey) -> Self {
        Self {
            raw,
            holds: PhantomData,
        }
    }

    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self::from_raw(RawKey { pk, sk: sk.into() })
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self::from_raw(self.raw.clone())
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl Key<TableMarker> {
    /// The format of the table.
    pub(crate) fn table_marker() -> Self {
        Self::new("TABLE".to_owned(), "FORMAT")
    }
}

impl Key<Organization> {
    /// The organization itself.
    pub fn organization(id: OrganizationId) -> Self {
        Self::new(organization(id), "ORGANIZATION")
    }
}

impl Key<Counts> {
    /// The counts of an organization's limited things.
    pub fn counts(id: OrganizationId) -> Self {
        Self::new(organization(id), "COUNTS")
    }
}

impl Key<Existence> {
    /// The part of an organization's counts that tells its restrictions.
    pub fn existence(id: OrganizationId) -> Self {
        Self::from_raw(Key::counts(id).raw)
    }
}

impl Key<DirectoryEntry> {
    pub(crate) fn directory_entry(id: OrganizationId) -> Self {
        Self::new(DIRECTORY.to_owned(), organization(id))
    }
}

impl Key<ExternalIdPointer> {
    /// The organization with an id in the product.
    pub fn external_id(id: &ExternalId) -> Self {
        Self::new(format!("EXTERNAL_ID#{id}"), "EXTERNAL_ID")
    }
}

impl Key<Member> {
    /// A member of an organization.
    pub fn member(organization_id: OrganizationId, user_id: &UserId) -> Self {
        Self::new(organization(organization_id), format!("{MEMBER}{user_id}"))
    }
}

impl Key<Invite> {
    /// An invite that has not ended.
    pub fn invite(organization_id: OrganizationId, id: InviteId) -> Self {
        Self::new(organization(organization_id), format!("{INVITE}{id}"))
    }
}

impl Key<EndedInvite> {
    /// An invite that has ended.
    pub fn ended_invite(organization_id: OrganizationId, id: InviteId) -> Self {
        Self::new(organization(organization_id), format!("{ENDED_INVITE}{id}"))
    }
}

impl Key<ApiKey> {
    /// An API key of an organization.
    pub fn api_key(organization_id: OrganizationId, id: ApiKeyId) -> Self {
        Self::new(organization(organization_id), format!("{API_KEY}{id}"))
    }
}

impl Key<ApiKeyPointer> {
    /// The pointer from the hash of an imported API key to the key.
    pub fn api_key_pointer(hash: &SecretHash) -> Self {
        let hash = String::from(hash.clone());
        Self::new(format!("API_KEY_HASH#{hash}"), "API_KEY")
    }
}

impl Key<Address> {
    /// The uniqueness constraint on an email address in an organization.
    pub fn address(organization_id: OrganizationId, email: &EmailAddress) -> Self {
        Self::new(address(email), organization(organization_id))
    }
}

impl Key<InvitePointer> {
    /// The pointer from an email address to an invite that has not ended.
    pub fn invite_pointer(email: &EmailAddress, id: InviteId) -> Self {
        Self::new(address(email), format!("{INVITE}{id}"))
    }
}

impl Key<EndedInvitePointer> {
    /// The pointer from an email address to an invite that has ended.
    pub fn ended_invite_pointer(email: &EmailAddress, id: InviteId) -> Self {
        Self::new(address(email), format!("{ENDED_INVITE}{id}"))
    }
}

impl Key<Recipient> {
    /// A recipient of invite emails, over all organizations.
    pub fn recipient(id: &RecipientId) -> Self {
        Self::new(format!("RECIPIENT#{}", id.as_str()), "RECIPIENT")
    }
}

impl Key<AuditEvent> {
    pub(crate) fn audit_event(organization_id: OrganizationId, id: EventId) -> Self {
        Self::new(audit_log(organization_id), id.to_string())
    }
}

impl Key<Membership> {
    pub(crate) fn membership(user_id: &UserId, organization_id: OrganizationId) -> Self {
        Self::new(person(user_id), organization(organization_id))
    }
}

impl Key<Account> {
    /// A person's account: their current organization.
    pub fn account(user_id: &UserId) -> Self {
        Self::new(person(user_id), "ACCOUNT")
    }
}

impl Key<KeyMaker> {
    pub(crate) fn key_maker(user_id: &UserId, organization_id: OrganizationId) -> Self {
        Self::new(person(user_id), format!("{KEYS_IN}{organization_id}"))
    }
}

impl Key<Profile> {
    /// A person's name and address.
    pub fn profile(user_id: &UserId) -> Self {
        Self::new(person(user_id), "PROFILE")
    }
}

impl Key<CreationRequest> {
    /// The idempotency record of a person's request to create an organization.
    pub fn creation_request(user_id: &UserId, idempotency_key: &str) -> Self {
        Self::new(person(user_id), format!("REQUEST#{idempotency_key}"))
    }
}

impl Key<Billing> {
    /// An organization's plan, meter and billing details.
    pub fn billing(id: OrganizationId) -> Self {
        Self::new(format!("BILLING#{id}"), "BILLING")
    }
}

impl Key<Counter> {
    /// One of an organization's counters. Each is a partition of its own, so
    /// that no single partition limits how fast credits can be used.
    pub fn counter(id: OrganizationId, number: u8) -> Self {
        Self::new(format!("USAGE#{id}#{number}"), "COUNTER")
    }
}

impl Key<UsageRequest> {
    /// The idempotency record of an organization's request to use credits.
    pub fn usage_request(id: OrganizationId, idempotency_key: &str) -> Self {
        Self::new(
            format!("USAGE_REQUEST#{id}#{idempotency_key}"),
            "USAGE_REQUEST",
        )
    }
}

impl Key<BillingDelivery> {
    /// The delivery of an event's billing email to one recipient.
    pub fn billing_delivery(event_id: EventId, user_id: &UserId) -> Self {
        Self::new(format!("BILLING_DELIVERY#{event_id}"), user_id.as_str())
    }
}

impl Key<PaymentEvent> {
    /// The record of a payment provider's event that was taken.
    pub fn payment_event(id: &str) -> Self {
        Self::new(format!("PAYMENT_EVENT#{id}"), "PAYMENT_EVENT")
    }
}

/// The counter of the requests by an organization or an API key in a window: each a
/// partition of its own.
pub(crate) fn rate(id: impl fmt::Display, window: i64) -> RawKey {
    RawKey {
        pk: format!("RATE#{id}#{window}"),
        sk: "RATE".to_owned(),
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

/// Returns a text that sorts before the id of every event from a time on; of all events,
/// without a time.
pub(crate) fn event_at(from: Option<DateTime<Utc>>) -> AttributeValue {
    AttributeValue::S(from.map_or_else(|| "0".to_owned(), milliseconds_of_ids))
}

/// Returns a text that sorts behind the id of every event before a time; of all events,
/// without a time.
pub(crate) fn event_before(until: Option<DateTime<Utc>>) -> AttributeValue {
    AttributeValue::S(until.map_or_else(|| "g".to_owned(), milliseconds_of_ids))
}

/// Returns the beginning of the UUIDs of version 7 of a time.
fn milliseconds_of_ids(at: DateTime<Utc>) -> String {
    // No event is older than the epoch.
    let milliseconds = at.timestamp_millis().max(0);
    format!("{:08x}-{:04x}", milliseconds >> 16, milliseconds & 0xffff)
}

/// The partition of an email address.
pub(crate) fn address(email: &EmailAddress) -> String {
    format!("EMAIL#{}", email.normal())
}

/// The partition of a person.
pub(crate) fn person(user_id: &UserId) -> String {
    format!("USER#{user_id}")
}

/// Returns the shard of the expiry index that holds an organization's addresses.
pub fn expiry_shard(id: OrganizationId) -> u8 {
    let [.., last] = id.uuid().into_bytes();
    last % EXPIRY_SHARDS
}

/// The partition of the entries of all organizations.
pub(crate) const DIRECTORY: &str = "ORGANIZATIONS";

/// The partition of the expiry index that holds deleted organizations.
pub(crate) const DELETED: &str = "DELETED";

/// The partition of the expiry index that holds scheduled plan changes. There are few.
pub(crate) const PLANS: &str = "PLANS";

pub(crate) fn shard(number: u8) -> String {
    format!("EXPIRY#{number}")
}

/// DynamoDB's TTL and the expiry index count whole seconds since the epoch.
pub(crate) fn seconds(at: DateTime<Utc>) -> AttributeValue {
    AttributeValue::N(at.timestamp().to_string())
}
