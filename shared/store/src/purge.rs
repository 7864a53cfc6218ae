//! Removing all that a deleted organization or an erased person holds, in bounded steps.
//!
//! Each step can be repeated: what leads to other items is removed last.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use chrono::{DateTime, Utc};
use domain::{
    Address, EmailAddress, EndedInvite, Holder, Invite, InviteId, Member, OrganizationId, UserId,
};
use serde::de::DeserializeOwned;

use crate::{
    ApiKeyPointer, EndedInvitePointer, Key, Store, StoreError,
    attribute::Item,
    keys::{self, RawKey},
    records::Record,
};

/// DynamoDB's limit of writes in one batch.
const MAX_WRITES: usize = 25;
/// The number of items of a step.
const STEP: i32 = 100;
/// The number of times that DynamoDB may leave writes of a batch unprocessed.
const MAX_UNPROCESSED: u32 = 8;

impl Store {
    /// Reads the ids of deleted organizations that were to be purged at `now`. The
    /// index lags: read the organizations themselves before acting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_purges(
        &self,
        now: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<OrganizationId>, StoreError> {
        let output = self
            .due(keys::DELETED.to_owned(), now)
            .limit(i32::from(limit))
            .send()
            .await?;
        let keys = output.items.unwrap_or_default();
        let ids = keys.iter().map(|item| {
            let key = RawKey::from_item(item)?;
            let id = key.pk.strip_prefix(keys::ORGANIZATION_OF_PERSON);
            id.and_then(|id| OrganizationId::parse(id).ok())
                .ok_or(StoreError::CorruptKey)
        });
        ids.collect()
    }

    /// Removes up to a hundred of the members, invites, API keys and audit events of an
    /// organization, with what leads to them. Returns whether more may be left.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed stays so.
    pub async fn purge_step(&self, id: OrganizationId) -> Result<bool, StoreError> {
        let kept = [Key::organization(id).raw.sk, Key::counts(id).raw.sk];
        let items = self.first_items(keys::organization(id)).await?;
        let mut leading = Vec::new();
        let mut own = Vec::new();
        for item in items {
            let key = RawKey::from_item(&item)?;
            if kept.contains(&key.sk) {
                continue;
            }
            leading.extend(leading_to(id, &key, item)?);
            own.push(key);
        }
        if own.is_empty() {
            let events = self.first_items(keys::audit_log(id)).await?;
            own = events
                .iter()
                .map(RawKey::from_item)
                .collect::<Result<_, _>>()?;
        }
        let is_more = !own.is_empty();
        self.delete(leading).await?;
        self.delete(own).await?;
        Ok(is_more)
    }

    /// Removes what the table holds of a person alone: profile, account, pointers, and
    /// requests that are remembered.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed stays so.
    pub async fn erase_person(&self, user_id: &UserId) -> Result<(), StoreError> {
        loop {
            let items = self.first_items(keys::person(user_id)).await?;
            let keys: Vec<RawKey> = items
                .iter()
                .map(RawKey::from_item)
                .collect::<Result<_, _>>()?;
            if keys.is_empty() {
                return Ok(());
            }
            self.delete(keys).await?;
        }
    }

    /// Removes the records of an email address that no member and no pending invite
    /// has: ended invites to it, with the pointers to them, and free locks.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed stays so.
    pub async fn erase_address(&self, email: &EmailAddress) -> Result<(), StoreError> {
        let partition = keys::address(email);
        let mut start = None;
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(partition.clone()))
                .set_exclusive_start_key(start)
                .limit(STEP)
                .send()
                .await?;
            let mut gone = Vec::new();
            for item in output.items.unwrap_or_default() {
                let key = RawKey::from_item(&item)?;
                if key.sk.starts_with(keys::ENDED_INVITE) {
                    let ended: EndedInvitePointer = serde_dynamo::from_item(item)?;
                    let (organization, invite) = (ended.organization_id, ended.invite_id);
                    gone.push(Key::ended_invite(organization, invite).raw);
                    gone.push(key);
                } else if key.sk.starts_with(keys::ORGANIZATION_OF_PERSON) {
                    let address: Address = serde_dynamo::from_item(item)?;
                    if matches!(address.holder, Holder::Ended { .. }) {
                        gone.push(key);
                    }
                }
            }
            self.delete(gone).await?;
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    async fn first_items(&self, partition: String) -> Result<Vec<Item>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition))
            .limit(STEP)
            .send()
            .await?;
        Ok(output.items.unwrap_or_default())
    }

    async fn delete(&self, mut keys: Vec<RawKey>) -> Result<(), StoreError> {
        // DynamoDB accepts a key only once in a batch: a member's address was invited.
        keys.sort();
        keys.dedup();
        for batch in keys.chunks(MAX_WRITES) {
            let mut pending = Vec::with_capacity(batch.len());
            for key in batch {
                let key = Some(key.clone().into_attributes());
                let request = DeleteRequest::builder().set_key(key).build()?;
                pending.push(WriteRequest::builder().delete_request(request).build());
            }
            let mut attempts = 0;
            while !pending.is_empty() {
                let output = self
                    .client
                    .batch_write_item()
                    .request_items(&self.table, pending)
                    .send()
                    .await?;
                let unprocessed = output.unprocessed_items.into_iter();
                pending = unprocessed
                    .flat_map(HashMap::into_values)
                    .flatten()
                    .collect();
                attempts += 1;
                if !pending.is_empty() {
                    if attempts > MAX_UNPROCESSED {
                        return Err(StoreError::Throttled);
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20 << attempts)).await;
                }
            }
        }
        Ok(())
    }
}

/// Returns the keys of the items outside the organization's partition that an item
/// of it has: they lead to the organization from a person or an address.
fn leading_to(id: OrganizationId, key: &RawKey, item: Item) -> Result<Vec<RawKey>, StoreError> {
    fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
        Ok(serde_dynamo::from_item(item)?)
    }
    let of_invite = |email: &EmailAddress, invite_id: InviteId| {
        vec![
            Key::address(id, email).raw,
            Key::invite_pointer(email, invite_id).raw,
            Key::ended_invite_pointer(email, invite_id).raw,
        ]
    };
    if key.sk.starts_with(keys::MEMBER) {
        let member: Member = read(item)?;
        return Ok(vec![
            Key::membership(&member.user_id, id).raw,
            Key::address(id, &member.email).raw,
        ]);
    }
    if key.sk.starts_with(keys::INVITE) {
        let invite: Invite = read(item)?;
        return Ok(of_invite(&invite.email, invite.id));
    }
    if key.sk.starts_with(keys::ENDED_INVITE) {
        let ended: EndedInvite = read(item)?;
        return Ok(of_invite(&ended.invite.email, ended.invite.id));
    }
    if key.sk.starts_with(keys::API_KEY) {
        let pointer = ApiKeyPointer::to(&read(item)?);
        return Ok(pointer.iter().map(Record::key).collect());
    }
    Ok(Vec::new())
}
