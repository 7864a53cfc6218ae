//! Reads: each takes one round trip, and all are strongly consistent except those
//! through the expiry index and [`Store::read_eventually`].

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, KeysAndAttributes},
};
use chrono::{DateTime, Utc};
use domain::{
    Address, ApiKey, AuditEvent, Billing, EmailAddress, EndedInvite, Invite, Member,
    OrganizationId, UserId,
};
use serde::de::DeserializeOwned;

use crate::{
    Batch, DirectoryEntry, EXPIRY_INDEX, InvitePointer, Key, KeyMaker, Membership, Page,
    PageRequest, Store, StoreError,
    attribute::Item,
    batch::{BatchKeys, Items},
    keys::{self, RawKey},
    pages,
};

/// The number of audit events that one query examines for a filter, and the number of
/// queries that a page takes at most. A page of rare events may be short, or even empty;
/// its cursor leads on.
const EXAMINED_EVENTS: i32 = 500;
const MAX_QUERIES: usize = 4;

/// DynamoDB's limit of keys in one batch.
const MAX_BATCH: usize = 100;

/// The number of times that DynamoDB may leave keys of a batch unprocessed.
const MAX_UNPROCESSED: u32 = 5;

/// The number of keys read from the expiry index at once.
const EXPIRY_PAGE: i32 = 100;

/// The position in the expiry index to continue from.
#[derive(Debug)]
pub struct ExpiryPosition(Item);

impl Store {
    /// Reads one item.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get<T: DeserializeOwned>(&self, key: Key<T>) -> Result<Option<T>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.raw.into_attributes()))
            .consistent_read(true)
            .send()
            .await?;
        Ok(output.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Reads up to 100 items in one round trip, and more in several.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read<B: Batch>(&self, batch: B) -> Result<B::Found, StoreError> {
        self.read_batch(batch, true).await
    }

    /// Reads items for half the capacity. They may lack the changes of the last moments.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_eventually<B: Batch>(&self, batch: B) -> Result<B::Found, StoreError> {
        self.read_batch(batch, false).await
    }

    async fn read_batch<B: Batch>(
        &self,
        batch: B,
        is_consistent: bool,
    ) -> Result<B::Found, StoreError> {
        let mut keys = BatchKeys::of(&batch);
        let mut items = Items::default();
        let mut pending: Vec<Item> = std::mem::take(&mut keys.unique)
            .into_iter()
            .map(RawKey::into_attributes)
            .collect();
        let mut throttled = 0;
        while !pending.is_empty() {
            let rest = pending.split_off(pending.len().min(MAX_BATCH));
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(pending))
                .consistent_read(is_consistent);
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.table, wanted.build()?)
                .send()
                .await?;
            let responses = output.responses.into_iter();
            for item in responses.flat_map(HashMap::into_values).flatten() {
                items.insert(item, &keys)?;
            }
            let unprocessed = output.unprocessed_keys.into_iter();
            pending = unprocessed
                .flat_map(HashMap::into_values)
                .flat_map(|left| left.keys)
                .collect();
            if !pending.is_empty() {
                throttled += 1;
                if throttled > MAX_UNPROCESSED {
                    return Err(StoreError::Throttled);
                }
                tokio::time::sleep(Duration::from_millis(20 << throttled)).await;
            }
            pending.extend(rest);
        }
        batch.pick(&mut items)
    }

    /// Reads a page of an organization's members, by user id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn members(
        &self,
        id: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Member>, StoreError> {
        self.list(keys::organization(id), keys::MEMBER, page, Order::Ascending)
            .await
    }

    /// Reads a page of an organization's invites that have not ended, oldest first.
    /// Expired ones are among them until the cleanup.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invites(
        &self,
        id: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Invite>, StoreError> {
        self.list(keys::organization(id), keys::INVITE, page, Order::Ascending)
            .await
    }

    /// Reads a page of an organization's invites that have ended, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_invites(
        &self,
        id: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<EndedInvite>, StoreError> {
        let organization = keys::organization(id);
        self.list(organization, keys::ENDED_INVITE, page, Order::Descending)
            .await
    }

    /// Reads a page of an organization's API keys, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_keys(
        &self,
        id: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, StoreError> {
        let organization = keys::organization(id);
        self.list(organization, keys::API_KEY, page, Order::Ascending)
            .await
    }

    /// Reads all API keys of an organization: the limit keeps them within one page.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_api_keys(&self, id: OrganizationId) -> Result<Vec<ApiKey>, StoreError> {
        let page = PageRequest::first(PageRequest::MAX_LIMIT);
        Ok(self.api_keys(id, &page).await?.items)
    }

    /// Reads a page of an organization's audit log, newest first. With a choice of kinds or
    /// of a person, the page may be shorter than requested.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_events(
        &self,
        id: OrganizationId,
        choice: &EventChoice,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, StoreError> {
        let partition = keys::audit_log(id);
        let query = self
            .pages(partition.clone(), "", page, Order::Descending)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :until")
            .expression_attribute_values(":from", keys::event_at(choice.from))
            .expression_attribute_values(":until", keys::event_before(choice.until));
        if !choice.filters() {
            return self.page(query, "", page, 1).await;
        }
        let query = choice.filter(query).limit(EXAMINED_EVENTS);
        self.page(query, "", page, MAX_QUERIES).await
    }

    /// Reads a page of the organizations that a person is a member of, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn memberships(
        &self,
        user_id: &UserId,
        page: &PageRequest,
    ) -> Result<Page<Membership>, StoreError> {
        let person = keys::person(user_id);
        self.list(person, keys::ORGANIZATION_OF_PERSON, page, Order::Ascending)
            .await
    }

    /// Reads a page of the entries of all organizations, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn directory(&self, page: &PageRequest) -> Result<Page<DirectoryEntry>, StoreError> {
        let (partition, prefix) = (keys::DIRECTORY.to_owned(), keys::ORGANIZATION_OF_PERSON);
        self.list(partition, prefix, page, Order::Descending).await
    }

    /// Reads a page of an email address's records in organizations, oldest organization
    /// first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn addresses(
        &self,
        email: &EmailAddress,
        page: &PageRequest,
    ) -> Result<Page<Address>, StoreError> {
        let (partition, prefix) = (keys::address(email), keys::ORGANIZATION_OF_PERSON);
        self.list(partition, prefix, page, Order::Ascending).await
    }

    /// Reads a page of the organizations that a person has left, whose API keys name them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_maker(
        &self,
        user_id: &UserId,
        page: &PageRequest,
    ) -> Result<Page<KeyMaker>, StoreError> {
        let person = keys::person(user_id);
        self.list(person, keys::KEYS_IN, page, Order::Ascending)
            .await
    }

    /// Reads a page of the pointers to the invites of an email address that have not
    /// ended, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invite_pointers(
        &self,
        email: &EmailAddress,
        page: &PageRequest,
    ) -> Result<Page<InvitePointer>, StoreError> {
        self.list(keys::address(email), keys::INVITE, page, Order::Ascending)
            .await
    }

    /// Reads the keys of addresses whose invites had expired at `now`, from one shard of
    /// the expiry index, earliest first, for one organization or all. The index lags:
    /// read the addresses themselves before acting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired_addresses(
        &self,
        shard: u8,
        organization_id: Option<OrganizationId>,
        now: DateTime<Utc>,
        after: Option<ExpiryPosition>,
    ) -> Result<(Vec<Key<Address>>, Option<ExpiryPosition>), StoreError> {
        let mut query = self
            .due(keys::shard(shard), now)
            .set_exclusive_start_key(after.map(|ExpiryPosition(key)| key))
            .limit(EXPIRY_PAGE);
        if let Some(id) = organization_id {
            query = query
                .filter_expression("sk = :organization")
                .expression_attribute_values(
                    ":organization",
                    AttributeValue::S(keys::organization(id)),
                );
        }
        let output = query.send().await?;
        let keys = keys_of(output.items)?;
        Ok((keys, output.last_evaluated_key.map(ExpiryPosition)))
    }

    /// Reads the keys of billing records whose next plan was due at `now`, earliest
    /// first. The index lags: read the records themselves before acting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_plan_changes(
        &self,
        now: DateTime<Utc>,
        limit: u16,
    ) -> Result<Vec<Key<Billing>>, StoreError> {
        let output = self
            .due(keys::PLANS.to_owned(), now)
            .limit(i32::from(limit))
            .send()
            .await?;
        keys_of(output.items)
    }

    /// Reads the keys in one partition of the expiry index that were due at `now`.
    pub(crate) fn due(&self, partition: String, now: DateTime<Utc>) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(EXPIRY_INDEX)
            .key_condition_expression("expiry_shard = :partition AND expires_at_seconds <= :now")
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .expression_attribute_values(":now", keys::seconds(now))
    }

    async fn list<T: DeserializeOwned>(
        &self,
        partition: String,
        prefix: &str,
        page: &PageRequest,
        order: Order,
    ) -> Result<Page<T>, StoreError> {
        let mut query = self.pages(partition, prefix, page, order);
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        };
        self.page(query, prefix, page, 1).await
    }

    /// Prepares a query for one item more than the page holds, which shows whether the
    /// page is the last. The caller adds the key condition.
    fn pages(
        &self,
        partition: String,
        prefix: &str,
        page: &PageRequest,
        order: Order,
    ) -> QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::from(u16::try_from(page.limit()).unwrap_or(u16::MAX)) + 1)
            .expression_attribute_values(":pk", AttributeValue::S(partition.clone()));
        let start = page.after().map(|after| RawKey {
            pk: partition,
            sk: format!("{prefix}{after}"),
        });
        query.set_exclusive_start_key(start.map(RawKey::into_attributes))
    }

    /// Repeats a query until the page is full, the list ends, or `max_queries` were made.
    async fn page<T: DeserializeOwned>(
        &self,
        mut query: QueryFluentBuilder,
        prefix: &str,
        page: &PageRequest,
        max_queries: usize,
    ) -> Result<Page<T>, StoreError> {
        let mut items = Vec::new();
        let mut cut = None;
        for left in (0..max_queries).rev() {
            let again = (left > 0).then(|| query.clone());
            let output = query.send().await?;
            items.extend(output.items.unwrap_or_default());
            // DynamoDB may end a page early, at a megabyte.
            cut = output.last_evaluated_key;
            match again {
                Some(again) if cut.is_some() && items.len() <= page.limit() => {
                    query = again.set_exclusive_start_key(cut.clone());
                }
                _ => break,
            }
        }
        let last = if items.len() > page.limit() {
            items.truncate(page.limit());
            items.last()
        } else {
            cut.as_ref()
        };
        let next_cursor = last.and_then(|item| pages::cursor_behind(item.get("sk"), prefix));
        let items = items
            .into_iter()
            .map(serde_dynamo::from_item)
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor })
    }
}

/// A choice among the events of an audit log; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct EventChoice {
    /// Only events of a kind, such as `member.removed`, or of all kinds of an area, such as
    /// `member`.
    pub kind: Option<String>,
    /// Only events that this person caused or that are about them.
    pub person: Option<UserId>,
    /// Only events from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Only events before this time.
    pub until: Option<DateTime<Utc>>,
}

impl EventChoice {
    fn filters(&self) -> bool {
        self.kind.is_some() || self.person.is_some()
    }

    fn filter(&self, mut query: QueryFluentBuilder) -> QueryFluentBuilder {
        let mut conditions = Vec::new();
        if let Some(kind) = &self.kind {
            conditions.push("(#kind = :kind OR begins_with(#kind, :area))");
            query = query
                .expression_attribute_names("#kind", "kind")
                .expression_attribute_values(":kind", AttributeValue::S(kind.clone()))
                .expression_attribute_values(":area", AttributeValue::S(format!("{kind}.")));
        }
        if let Some(person) = &self.person {
            conditions.push(
                "(#actor.user_id = :person OR #actor.on_behalf_of = :person OR #subject.#id = :person)",
            );
            query = query
                .expression_attribute_names("#actor", "actor")
                .expression_attribute_names("#subject", "subject")
                .expression_attribute_names("#id", "id")
                .expression_attribute_values(":person", AttributeValue::S(person.to_string()));
        }
        query.filter_expression(conditions.join(" AND "))
    }
}

/// Parses the table's keys in items of the expiry index, each the key of a `T`.
fn keys_of<T>(items: Option<Vec<Item>>) -> Result<Vec<Key<T>>, StoreError> {
    let items = items.unwrap_or_default();
    let keys = items.iter().map(RawKey::from_item);
    keys.map(|key| key.map(Key::from_raw)).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}
