//! The stored forms of the domain's values.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Address, ApiKey, AuditEvent, Billing, Counter, EndedInvite, Holder, Invite, Member,
    Organization, Profile, Recipient,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Account, ApiKeyPointer, BillingDelivery, CreationRequest, DirectoryEntry, EndedInvitePointer,
    ExternalIdPointer, InvitePointer, Key, KeyMaker, Membership, PaymentEvent, StoreError,
    UsageRequest,
    attribute::Item,
    keys::{self, RawKey},
};

/// A value with an item of its own.
pub(crate) trait Record: Serialize {
    /// Returns the key of the item.
    fn key(&self) -> RawKey;

    /// Returns the attributes besides the value's fields: TTL and index keys.
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

/// A record with a version, so that a commit can check that it has not changed since it
/// was read (optimistic concurrency).
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

impl Record for InvitePointer {
    fn key(&self) -> RawKey {
        Key::invite_pointer(&self.email, self.invite_id).raw
    }
}

impl Record for EndedInvitePointer {
    fn key(&self) -> RawKey {
        Key::ended_invite_pointer(&self.email, self.invite_id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.ended_at + Self::MEMORY))]
    }
}

impl Record for Recipient {
    fn key(&self) -> RawKey {
        Key::recipient(&self.id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        let ttl = self.forget_at().map(|at| ("ttl", keys::seconds(at)));
        ttl.into_iter().collect()
    }
}

impl Versioned for Recipient {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record for AuditEvent {
    fn key(&self) -> RawKey {
        Key::audit_event(self.organization_id, self.id).raw
    }
}

impl Record for KeyMaker {
    fn key(&self) -> RawKey {
        Key::key_maker(&self.user_id, self.organization_id).raw
    }
}

impl Record for DirectoryEntry {
    fn key(&self) -> RawKey {
        Key::directory_entry(self.organization_id).raw
    }
}

impl Record for ExternalIdPointer {
    fn key(&self) -> RawKey {
        Key::external_id(&self.external_id).raw
    }
}

impl Record for ApiKeyPointer {
    fn key(&self) -> RawKey {
        Key::api_key_pointer(&self.secret_hash).raw
    }
}

impl Record for Membership {
    fn key(&self) -> RawKey {
        Key::membership(&self.user_id, self.organization_id).raw
    }
}

impl Record for Account {
    fn key(&self) -> RawKey {
        Key::account(&self.user_id).raw
    }
}

impl Record for Profile {
    fn key(&self) -> RawKey {
        Key::profile(&self.user_id).raw
    }
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

impl Record for UsageRequest {
    fn key(&self) -> RawKey {
        Key::usage_request(self.organization_id, &self.idempotency_key).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.forgotten_at()))]
    }
}

impl Record for BillingDelivery {
    fn key(&self) -> RawKey {
        Key::billing_delivery(self.event_id, &self.user_id).raw
    }

    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        vec![("ttl", keys::seconds(self.delivery.at + Self::MEMORY))]
    }
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
/// [`StoreError::Corrupt`] when the image has another type.
pub fn from_image<T: DeserializeOwned>(image: serde_dynamo::Item) -> Result<T, StoreError> {
    Ok(serde_dynamo::from_item(image)?)
}
