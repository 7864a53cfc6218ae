//! How the domain's values are kept as items.

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, Address, ApiKey, AuditEvent, Billing, Counter, Delivery, EndedInvite, EventId, Holder,
    Invite, Member, Organization, OrganizationId, UserId,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Key, StoreError,
    attribute::Item,
    keys::{self, RawKey},
};

/// A value with an item of its own.
pub(crate) trait Record: Serialize {
    /// Where it is kept.
    fn key(&self) -> RawKey;

    /// Which attributes it has besides its fields: TTL and index keys.
    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        Vec::new()
    }

    fn to_item(&self) -> Result<Item, StoreError> {
        let mut item: Item = serde_dynamo::to_item(self)?;
        item.extend(self.key().into_attributes());
        let attributes = self.attributes().into_iter();
        item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
        Ok(item)
    }
}

/// A record whose changes are counted, so that a commit can tell whether it
/// still is as it was read.
pub(crate) trait Versioned: Record {
    fn version(&self) -> u64;
}

impl Record for Organization {
    fn key(&self) -> RawKey {
        Key::organization(self.id).raw
    }
}

impl Versioned for Organization {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for Member {
    fn key(&self) -> RawKey {
        Key::member(self.organization_id, &self.user_id).raw
    }
}

impl Versioned for Member {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for Invite {
    fn key(&self) -> RawKey {
        Key::invite(self.organization_id, self.id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.forget_at()))]
    }
}

impl Versioned for Invite {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for EndedInvite {
    fn key(&self) -> RawKey {
        Key::ended_invite(self.invite.organization_id, self.invite.id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.ended_at + Address::MEMORY))]
    }
}

impl Record for ApiKey {
    fn key(&self) -> RawKey {
        Key::api_key(self.organization_id, self.id).raw
    }
}

impl Versioned for ApiKey {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for Address {
    fn key(&self) -> RawKey {
        Key::address(self.organization_id, &self.email).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        if let Holder::Invite(held) = &self.holder {
            let shard = keys::shard(keys::expiry_shard(self.organization_id));
            return vec![
                ("expiry_shard", AttributeValue::S(shard)),
                ("expires_at_seconds", keys::seconds(held.terms.expires_at)),
            ];
        }
        let ttl = self.forget_at().map(|at| ("ttl", keys::seconds(at)));
        ttl.into_iter().collect()
    }
}

impl Versioned for Address {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for AuditEvent {
    fn key(&self) -> RawKey {
        Key::audit_event(self.organization_id, self.id).raw
    }

    /// What goes out to other systems names people by their ids; the Pipe can
    /// take only what every event has.
    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        let id = match &self.actor {
            Actor::Person { user_id, .. } => user_id.to_string(),
            Actor::LinkHolder | Actor::System => String::new(),
        };
        vec![("actor_id", AttributeValue::S(id))]
    }
}

/// The pointer from a person to an organization of theirs. What they are there,
/// the [`Member`] tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Membership {
    /// The person.
    pub user_id: UserId,
    /// The organization.
    pub organization_id: OrganizationId,
}

impl Record for Membership {
    fn key(&self) -> RawKey {
        Key::membership(&self.user_id, self.organization_id).raw
    }
}

/// What is kept about a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// The person.
    pub user_id: UserId,
    /// The organization that they work in at present; they may have left it since.
    pub current_organization_id: OrganizationId,
}

impl Record for Account {
    fn key(&self) -> RawKey {
        Key::account(&self.user_id).raw
    }
}

/// A request to create an organization, remembered so that repeating it makes
/// no second one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreationRequest {
    /// Who asked.
    pub user_id: UserId,
    /// The key that the caller gave the request.
    pub idempotency_key: String,
    /// The organization that it made.
    pub organization_id: OrganizationId,
    /// When it did.
    pub at: DateTime<Utc>,
}

impl CreationRequest {
    /// How long a request is remembered.
    pub const MEMORY: TimeDelta = TimeDelta::hours(24);
}

impl Record for CreationRequest {
    fn key(&self) -> RawKey {
        Key::creation_request(&self.user_id, &self.idempotency_key).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.at + Self::MEMORY))]
    }
}

impl Record for Billing {
    fn key(&self) -> RawKey {
        Key::billing(self.organization_id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        let Some(next) = &self.next_plan else {
            return Vec::new();
        };
        vec![
            ("expiry_shard", AttributeValue::S(keys::PLANS.to_owned())),
            ("expires_at_seconds", keys::seconds(next.from)),
        ]
    }
}

impl Versioned for Billing {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for Counter {
    fn key(&self) -> RawKey {
        Key::counter(self.organization_id, self.number).raw
    }
}

impl Versioned for Counter {
    fn version(&self) -> u64 {
        self.version
    }
}

/// A request to use credits, remembered so that repeating it uses none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRequest {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The key that the caller gave the request.
    pub idempotency_key: String,
    /// How many credits it used.
    pub credits: u64,
    /// How many there were in the period.
    pub allowed: u64,
    /// How many were used then.
    pub used: u64,
    /// When it was.
    pub at: DateTime<Utc>,
}

impl UsageRequest {
    /// How long a request is remembered.
    const MEMORY: TimeDelta = TimeDelta::hours(24);

    /// From when on it is remembered no more.
    pub fn forgotten_at(&self) -> DateTime<Utc> {
        self.at + Self::MEMORY
    }
}

impl Record for UsageRequest {
    fn key(&self) -> RawKey {
        Key::usage_request(self.organization_id, &self.idempotency_key).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.forgotten_at()))]
    }
}

/// How far a billing email to one of its recipients has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BillingDelivery {
    /// The event that the email is about.
    pub event_id: EventId,
    /// Whom it is to.
    pub user_id: UserId,
    /// How far it has come.
    pub delivery: Delivery,
}

impl BillingDelivery {
    /// How long it is remembered: longer than anybody tries to send the email.
    const MEMORY: TimeDelta = TimeDelta::days(30);
}

impl Record for BillingDelivery {
    fn key(&self) -> RawKey {
        Key::billing_delivery(self.event_id, &self.user_id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.delivery.at + Self::MEMORY))]
    }
}

/// An event of the payment provider's, remembered so that it is taken once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentEvent {
    /// The event's id.
    pub id: String,
    /// The organization that it is about.
    pub organization_id: OrganizationId,
    /// When it was taken.
    pub at: DateTime<Utc>,
}

impl PaymentEvent {
    /// How long it is remembered: longer than any sender tries again.
    const MEMORY: TimeDelta = TimeDelta::days(90);
}

impl Record for PaymentEvent {
    fn key(&self) -> RawKey {
        Key::payment_event(&self.id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.at + Self::MEMORY))]
    }
}

/// Reads a value from an image in a record of the table's stream.
///
/// # Errors
/// [`StoreError::Corrupt`] when the image is of something else.
pub fn from_image<T: DeserializeOwned>(image: serde_dynamo::Item) -> Result<T, StoreError> {
    Ok(serde_dynamo::from_item(image)?)
}
