//! Transactions: everything that a decision changes, on the condition that what
//! it rested on still is as it was read.

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::TransactWriteItem,
};
use chrono::{DateTime, Utc};
use domain::{
    Address, ApiKey, Billing, Caller, Counter, Debit, EndedInvite, Event, EventId, Holder, Invite,
    MAX_API_KEYS, MAX_OUTSTANDING_INVITES, Member, Organization, OrganizationId, UserId,
};

use crate::{
    Account, CreationRequest, Key, Membership, PaymentEvent, Store, StoreError, UsageRequest,
    attribute::{number, text, to_value},
    condition::{AttributeUpdate, Expected, Write},
    keys::RawKey,
    records::{Record, Versioned},
};

/// The outcome of a commit that DynamoDB has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// All of it is written.
    Done,
    /// Nothing is written, as a condition failed: something is no longer as it
    /// was read. Load, decide and commit again.
    Stale,
    /// Nothing is written, as another transaction was writing one of the items
    /// at that moment. The same transaction may succeed a moment later.
    Contended,
    /// Nothing is written, as DynamoDB throttled one of the items. The same
    /// transaction may succeed later.
    Throttled,
}

/// Writes that happen together or not at all, with the audit events that they are
/// recorded by.
///
/// A changed record is written on the condition that its version still is the
/// one that was read (optimistic concurrency), and a new one (version 0) on the
/// condition that there is none; either is stored with the next version.
#[derive(Debug)]
#[must_use]
pub struct Transaction {
    organization_id: OrganizationId,
    at: DateTime<Utc>,
    /// The caller's membership, and the version that the decision rested on.
    caller: Option<(RawKey, u64)>,
    writes: Vec<Write>,
    events: Vec<Event>,
}

/// A transaction as the requests to send it, which may be sent again.
#[derive(Debug, Clone)]
pub struct PreparedTransaction(Vec<TransactWriteItem>);

impl Transaction {
    /// Begins a transaction on the caller's authority: it commits only while the
    /// caller's membership is as it was read. A write to the caller's own
    /// membership takes the place of that condition check.
    pub fn by(caller: &Caller, at: DateTime<Utc>, events: impl IntoIterator<Item = Event>) -> Self {
        let Caller::Member(member) = caller;
        Self {
            caller: Some((member.key(), member.version)),
            ..Self::in_organization(member.organization_id, at, events)
        }
    }

    /// Begins a transaction that rests on no member's authority: it is a
    /// person's own, a link holder's, an API client's or the system's.
    pub fn in_organization(
        organization_id: OrganizationId,
        at: DateTime<Utc>,
        events: impl IntoIterator<Item = Event>,
    ) -> Self {
        Self {
            organization_id,
            at,
            caller: None,
            writes: Vec::new(),
            events: events.into_iter().collect(),
        }
    }

    /// Requires that this membership, which is not the caller's, is as it was read.
    pub fn require_member(self, member: &Member) -> Self {
        self.with(Write::Check {
            key: member.key(),
            expected: Expected::Version(member.version),
        })
    }

    /// Writes the caller's own membership, unchanged but for its version: a
    /// concurrent change of it fails and is decided again.
    pub fn touch_caller(self, caller: &Caller) -> Self {
        let Caller::Member(member) = caller;
        self.write(member)
    }

    /// Writes an organization.
    pub fn write_organization(self, organization: &Organization) -> Self {
        self.write(organization)
    }

    /// Writes a member.
    pub fn write_member(self, member: &Member) -> Self {
        self.write(member)
    }

    /// Writes an invite that has not ended.
    pub fn write_invite(self, invite: &Invite) -> Self {
        self.write(invite)
    }

    /// Writes the lock on an address, which was read.
    pub fn write_address(self, address: &Address) -> Self {
        self.write(address)
    }

    /// Makes somebody a member: the membership, and the person's pointer to it.
    pub fn add_member(self, member: &Member) -> Self {
        let pointer = Membership {
            user_id: member.user_id.clone(),
            organization_id: member.organization_id,
        };
        self.write(member).create(&pointer)
    }

    /// Takes a membership away, with the person's pointer to it and the lock on
    /// the address that they joined with.
    pub fn remove_member(self, member: &Member) -> Self {
        self.delete(member.key(), Expected::Version(member.version))
            .delete(
                Key::membership(&member.user_id, member.organization_id).raw,
                Expected::Anything,
            )
            .delete(
                Key::address(member.organization_id, &member.email).raw,
                Expected::HeldBy(member.user_id.clone()),
            )
    }

    /// Moves an invite, which was read, to where the ended ones are.
    pub fn end_invite(self, ended: &EndedInvite) -> Self {
        let invite = &ended.invite;
        self.delete(invite.key(), Expected::Version(invite.version))
            .create(ended)
    }

    /// Ends a pending invite and frees its address.
    pub fn end_pending_invite(self, ended: &EndedInvite, holder: Holder) -> Self {
        self.end_invite(ended)
            .release_address(&ended.invite, holder)
            .decrement_invites(ended.invite.organization_id)
    }

    /// Ends an expired invite that was read from the address that it held. The
    /// table's TTL may have taken the invite itself; what counts is the address,
    /// which is written in the version that was read.
    pub fn end_expired_invite(self, ended: &EndedInvite) -> Self {
        self.delete(ended.invite.key(), Expected::Anything)
            .create(ended)
    }

    /// Writes the invite's present terms to the address that it holds, which was not read.
    pub fn claim_address(self, invite: &Invite) -> Self {
        self.update_holder(
            invite,
            invite.holder(),
            "SET #holder = :holder, #version = #version + :one, \
             #expiry_shard = :expiry_shard, #expires_at_seconds = :expires_at_seconds",
            &[
                "holder",
                "invite_id",
                "kind",
                "version",
                "expiry_shard",
                "expires_at_seconds",
            ],
        )
    }

    /// Releases the address that an invite held, which was not read.
    fn release_address(self, invite: &Invite, holder: Holder) -> Self {
        self.update_holder(
            invite,
            holder,
            "SET #holder = :holder, #version = #version + :one, #ttl = :ttl \
             REMOVE #expiry_shard, #expires_at_seconds",
            &[
                "holder",
                "invite_id",
                "kind",
                "version",
                "expiry_shard",
                "expires_at_seconds",
                "ttl",
            ],
        )
    }

    /// Counts one more outstanding invite, up to the limit.
    pub fn increment_invites(self, id: OrganizationId) -> Self {
        let max = number(u64::from(MAX_OUTSTANDING_INVITES));
        self.with(Write::Update(AttributeUpdate {
            key: Key::organization(id).raw,
            update: "SET #outstanding_invites = #outstanding_invites + :one, #version = #version + :one",
            condition: "#outstanding_invites < :max",
            names: &["outstanding_invites", "version"],
            values: Ok(vec![("one", number(1)), ("max", max)]),
        }))
    }

    /// Counts one outstanding invite less.
    pub fn decrement_invites(self, id: OrganizationId) -> Self {
        self.with(Write::Update(AttributeUpdate {
            key: Key::organization(id).raw,
            update: "SET #outstanding_invites = #outstanding_invites - :one, #version = #version + :one",
            condition: "#outstanding_invites > :none",
            names: &["outstanding_invites", "version"],
            values: Ok(vec![("one", number(1)), ("none", number(0))]),
        }))
    }

    /// Writes an API key.
    pub fn write_api_key(self, key: &ApiKey) -> Self {
        self.write(key)
    }

    /// Counts one more API key, up to the limit.
    pub fn increment_api_keys(self, id: OrganizationId) -> Self {
        let max = number(u64::from(MAX_API_KEYS));
        self.with(Write::Update(AttributeUpdate {
            key: Key::organization(id).raw,
            update: "SET #api_keys = if_not_exists(#api_keys, :none) + :one, #version = #version + :one",
            condition: "attribute_exists(pk) AND (attribute_not_exists(#api_keys) OR #api_keys < :max)",
            names: &["api_keys", "version"],
            values: Ok(vec![
                ("none", number(0)),
                ("one", number(1)),
                ("max", max),
            ]),
        }))
    }

    /// Deletes an API key, and counts one less.
    pub fn revoke_api_key(self, key: &ApiKey) -> Self {
        self.delete(key.key(), Expected::Version(key.version))
            .with(Write::Update(AttributeUpdate {
                key: Key::organization(key.organization_id).raw,
                update: "SET #api_keys = #api_keys - :one, #version = #version + :one",
                condition: "#api_keys > :none",
                names: &["api_keys", "version"],
                values: Ok(vec![("one", number(1)), ("none", number(0))]),
            }))
    }

    /// Makes an organization the person's current one.
    pub fn switch_to(self, user_id: &UserId, organization_id: OrganizationId) -> Self {
        let account = Account {
            user_id: user_id.clone(),
            current_organization_id: organization_id,
        };
        self.put(&account, Expected::Anything)
    }

    /// Remembers a request to create an organization, in place of an earlier one
    /// with the same key whose memory is over.
    pub fn remember_request(
        self,
        request: &CreationRequest,
        replaced: Option<&CreationRequest>,
    ) -> Self {
        let expected = match replaced {
            Some(replaced) => Expected::CreatedBy(replaced.organization_id),
            None => Expected::Nothing,
        };
        self.put(request, expected)
    }

    /// Writes an organization's plan, meter and details.
    pub fn write_billing(self, billing: &Billing) -> Self {
        self.write(billing)
    }

    /// Writes a counter as a whole.
    pub fn write_counter(self, counter: &Counter) -> Self {
        self.write(counter)
    }

    /// Takes credits from a counter, if it still has them.
    pub fn debit(self, debit: Debit) -> Self {
        self.with(Write::Debit(debit))
    }

    /// Remembers a request to use credits, in place of an earlier one with the
    /// same key whose memory is over.
    pub fn remember_usage(self, request: &UsageRequest, replaced: Option<&UsageRequest>) -> Self {
        let expected = match replaced {
            Some(replaced) => Expected::RememberedUntil(replaced.forgotten_at()),
            None => Expected::Nothing,
        };
        self.put(request, expected)
    }

    /// Remembers an event of the payment provider's.
    pub fn remember_payment_event(self, event: &PaymentEvent) -> Self {
        self.create(event)
    }

    /// Changes the holder of the address that the invite holds.
    fn update_holder(
        self,
        invite: &Invite,
        holder: Holder,
        update: &'static str,
        names: &'static [&'static str],
    ) -> Self {
        let address = Address {
            organization_id: invite.organization_id,
            email: invite.email.clone(),
            holder,
            version: 0,
        };
        let values = to_value(&address.holder).map(|holder| {
            let mut values = address.attributes();
            values.extend([
                ("holder", holder),
                ("invite_id", text(invite.id)),
                ("kind", text("invite")),
                ("one", number(1)),
            ]);
            values
        });
        self.with(Write::Update(AttributeUpdate {
            key: address.key(),
            update,
            condition: "#holder.#invite_id = :invite_id AND #holder.#kind = :kind",
            names,
            values,
        }))
    }

    fn write(self, record: &impl Versioned) -> Self {
        let read = record.version();
        let item = record.to_item().map(|mut item| {
            item.insert("version".to_owned(), number(read + 1));
            item
        });
        let expected = if read == 0 {
            Expected::Nothing
        } else {
            Expected::Version(read)
        };
        self.with(Write::Put {
            key: record.key(),
            item,
            expected,
        })
    }

    fn create(self, record: &impl Record) -> Self {
        self.put(record, Expected::Nothing)
    }

    fn put(self, record: &impl Record, expected: Expected) -> Self {
        self.with(Write::Put {
            key: record.key(),
            item: record.to_item(),
            expected,
        })
    }

    fn delete(self, key: RawKey, expected: Expected) -> Self {
        self.with(Write::Delete { key, expected })
    }

    fn with(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Adds the condition check of the caller and the audit events.
    fn into_writes(mut self, mut new_event_id: impl FnMut() -> EventId) -> Vec<Write> {
        let events = std::mem::take(&mut self.events);
        let (organization_id, at) = (self.organization_id, self.at);
        if let Some((key, version)) = self.caller.take()
            && !self.writes.iter().any(|write| write.key() == Some(&key))
        {
            let expected = Expected::Version(version);
            self.writes.insert(0, Write::Check { key, expected });
        }
        let recorded = events.into_iter().fold(self, |transaction, event| {
            transaction.create(&event.recorded(new_event_id(), organization_id, at))
        });
        recorded.writes
    }
}

impl Store {
    /// Prepares a transaction to be committed. Each audit event gets an id.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a record cannot be written as an item.
    pub fn prepare(
        &self,
        transaction: Transaction,
        new_event_id: impl FnMut() -> EventId,
    ) -> Result<PreparedTransaction, StoreError> {
        let writes = transaction.into_writes(new_event_id).into_iter();
        let items = writes.map(|write| write.into_item(&self.table));
        items.collect::<Result<_, _>>().map(PreparedTransaction)
    }

    /// Commits a transaction.
    ///
    /// The SDK repeats a request whose answer was lost with the same token, so
    /// a commit that took effect is not taken for a conflict.
    ///
    /// # Errors
    /// [`StoreError`]; whether the writes happened is then not known.
    pub async fn commit(&self, transaction: &PreparedTransaction) -> Result<Commit, StoreError> {
        let output = self
            .client
            .transact_write_items()
            .set_transact_items(Some(transaction.0.clone()))
            .send()
            .await;
        match output {
            Ok(_) => Ok(Commit::Done),
            Err(error) => cancellation(&error).ok_or_else(|| error.into()),
        }
    }
}

/// Returns why a transaction was cancelled, if only for reasons that pass.
/// DynamoDB gives one reason for each item, in the order of the items.
fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Option<Commit> {
    let SdkError::ServiceError(error) = error else {
        return None;
    };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.err() else {
        return None;
    };
    let mut outcome = None;
    for reason in cancelled.cancellation_reasons() {
        let reason = match reason.code() {
            Some("None") | None => continue,
            Some("ConditionalCheckFailed") => Commit::Stale,
            Some("TransactionConflict") => Commit::Contended,
            Some("ThrottlingError" | "ProvisionedThroughputExceeded") => Commit::Throttled,
            Some(_) => return None,
        };
        // A failed condition says the most: the same transaction cannot succeed.
        outcome = match (outcome, reason) {
            (Some(Commit::Stale), _) | (_, Commit::Stale) => Some(Commit::Stale),
            (Some(Commit::Throttled), _) | (_, Commit::Throttled) => Some(Commit::Throttled),
            (_, reason) => Some(reason),
        };
    }
    outcome
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Rejected {
            code: "IncompleteRequest".to_owned(),
            source: Box::new(error),
        }
    }
}
