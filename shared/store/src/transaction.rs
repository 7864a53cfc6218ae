//! Transactions: everything that a decision changes, on the condition that what
//! it rested on still is as it was read.

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem},
};
use chrono::{DateTime, Utc};
use domain::{
    Address, ApiKey, Billing, Caller, CountedEmail, CountedReport, Counter, Credit, DailyCount,
    Debit, DeliveryState, EndedInvite, Event, EventId, ExternalId, Holder, Invite, MAX_API_KEYS,
    MAX_COUNTERS, MAX_OUTSTANDING_INVITES, Member, Organization, OrganizationId, Profile,
    Recipient, UserId,
};

use crate::{
    ApiKeyPointer, BillingDelivery, CreationRequest, DirectoryEntry, EndedInvitePointer,
    ExternalIdPointer, InvitePointer, Key, KeyMaker, Membership, PaymentEvent, Store, StoreError,
    UsageRequest,
    attribute::{Item, number, text, to_value},
    condition::{AttributeUpdate, Expected, Write},
    keys::{self, RawKey},
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
/// condition that there is none; either is stored with the next version. A record that
/// is shown afterwards is passed by mutable reference, and has that version then.
///
/// The audit log is in the order of what its lines rested on: each membership that
/// gave authority to a transaction, or that it changes, keeps the id of its last
/// event, and a later transaction takes later ids.
#[derive(Debug, Clone)]
#[must_use]
pub struct Transaction {
    organization_id: OrganizationId,
    at: DateTime<Utc>,
    /// The memberships that gave authority, as they were read.
    authorities: Vec<Authority>,
    /// The last event of all memberships that the transaction is about.
    last_event_id: Option<EventId>,
    writes: Vec<Write>,
    events: Vec<Event>,
    /// Why the first record that is not writable as an item is not.
    error: Option<String>,
}

impl Transaction {
    /// Begins a transaction on the caller's authority: for a member, it commits only
    /// while the membership is as it was read. A write to the caller's own
    /// membership takes the place of that condition check.
    pub fn by(caller: &Caller, at: DateTime<Utc>, events: impl IntoIterator<Item = Event>) -> Self {
        let transaction = Self::in_organization(caller.organization_id(), at, events);
        match caller {
            Caller::Member(member) | Caller::Suspended(member, _) => {
                transaction.require_member(member)
            }
            Caller::Server(_) => transaction,
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
            authorities: Vec::new(),
            last_event_id: None,
            writes: Vec::new(),
            events: events.into_iter().collect(),
            error: None,
        }
    }

    /// Requires that this membership, which gives authority to the transaction, is
    /// as it was read.
    pub fn require_member(mut self, member: &Member) -> Self {
        match to_value(&member.joined_at) {
            Ok(joined_at) => self.authorities.push(Authority {
                key: member.key(),
                version: member.version,
                joined_at,
            }),
            Err(error) => return self.failed(error),
        }
        self.after(member)
    }

    /// Has the events of this transaction sort behind the member's last one.
    fn after(mut self, member: &Member) -> Self {
        self.last_event_id = self.last_event_id.max(member.last_event_id);
        self
    }

    /// Writes an organization.
    pub fn write_organization(self, organization: &mut Organization) -> Self {
        let transaction = self.write(organization);
        organization.version += 1;
        transaction
    }

    /// Creates an organization, with its counts and its entry in the list of all.
    pub fn create_organization(self, organization: &mut Organization) -> Self {
        let id = organization.id;
        self.write_organization(organization)
            .with(Write::Update(AttributeUpdate {
                key: Key::counts(id).raw,
                update: "SET #outstanding_invites = :none, #api_keys = :none".into(),
                condition: Some("attribute_not_exists(#outstanding_invites)".into()),
                names: &["outstanding_invites", "api_keys"],
                values: vec![("none", number(0))],
            }))
            .create(&DirectoryEntry {
                organization_id: id,
            })
    }

    /// Writes an organization whose restrictions have changed, and them beside its counts.
    pub fn write_standing(self, organization: &mut Organization) -> Self {
        let standing = match to_value(&organization.standing) {
            Ok(standing) => standing,
            Err(error) => return self.failed(error),
        };
        let mut values = vec![("standing", standing)];
        let update = match organization.standing.purge_at() {
            Some(purge_at) => {
                values.push(("expiry_shard", text(keys::DELETED)));
                values.push(("expires_at_seconds", keys::seconds(purge_at)));
                "SET #standing = :standing, #expiry_shard = :expiry_shard, \
                 #expires_at_seconds = :expires_at_seconds"
            }
            None => "SET #standing = :standing REMOVE #expiry_shard, #expires_at_seconds",
        };
        let update = AttributeUpdate {
            key: Key::counts(organization.id).raw,
            update: update.into(),
            condition: Some("attribute_exists(#outstanding_invites)".into()),
            names: &[
                "standing",
                "expiry_shard",
                "expires_at_seconds",
                "outstanding_invites",
            ],
            values,
        };
        self.write_organization(organization)
            .with(Write::Update(update))
    }

    /// Removes what is left of a purged organization: itself, its billing and its
    /// counters. The event stays, as its tombstone.
    pub fn purge_organization(self, organization: &Organization) -> Self {
        let id = organization.id;
        let counters = (0..MAX_COUNTERS).map(|number| Key::counter(id, number).raw);
        let external_id = organization.external_id.as_ref();
        let others = counters
            .chain(external_id.map(|external_id| Key::external_id(external_id).raw))
            .chain([
                Key::counts(id).raw,
                Key::directory_entry(id).raw,
                Key::billing(id).raw,
            ]);
        let version = Expected::Version(organization.version);
        let transaction = self.delete(organization.key(), version);
        others.fold(transaction, |transaction, key| {
            transaction.delete(key, Expected::Anything)
        })
    }

    /// Gives an organization its id in the product, in place of another one. The
    /// transaction is stale if another organization has the id.
    pub fn change_external_id(
        self,
        id: OrganizationId,
        from: Option<&ExternalId>,
        to: Option<&ExternalId>,
    ) -> Self {
        let transaction = match from {
            Some(from) => self.delete(Key::external_id(from).raw, Expected::CreatedBy(id)),
            None => self,
        };
        match to {
            Some(to) => transaction.create(&ExternalIdPointer {
                external_id: to.clone(),
                organization_id: id,
            }),
            None => transaction,
        }
    }

    /// Writes a member, if nothing was recorded about them since they were read.
    pub fn write_member(mut self, member: &mut Member) -> Self {
        let expected = if member.version == 0 {
            Expected::Nothing
        } else {
            Expected::Untouched(member.version, member.last_event_id)
        };
        let Some(item) = self.item(member) else {
            return self;
        };
        let item = next_version(item, member);
        let transaction = self.after(member).with(Write::PutMember {
            key: member.key(),
            item,
            expected,
        });
        member.version += 1;
        transaction
    }

    /// Writes a new invite, and the pointer to it from its address.
    pub fn add_invite(self, invite: &mut Invite) -> Self {
        self.write_invite(invite).create(&InvitePointer::to(invite))
    }

    /// Writes an invite that has not ended.
    pub fn write_invite(self, invite: &mut Invite) -> Self {
        let transaction = self.write(invite);
        invite.version += 1;
        transaction
    }

    /// Writes the lock on an address, which was read.
    pub fn write_address(self, address: &Address) -> Self {
        self.write(address)
    }

    /// Makes somebody a member: the membership, and the person's pointer to it.
    pub fn add_member(self, member: &mut Member) -> Self {
        let pointer = Membership {
            user_id: member.user_id.clone(),
            organization_id: member.organization_id,
        };
        self.write_member(member).create(&pointer)
    }

    /// Takes a membership away, with the person's pointer to it and the lock on
    /// their address.
    pub fn remove_member(self, member: &Member) -> Self {
        let expected = Expected::Untouched(member.version, member.last_event_id);
        self.after(member)
            .delete(member.key(), expected)
            .delete(
                Key::membership(&member.user_id, member.organization_id).raw,
                Expected::Anything,
            )
            .free_address(member)
    }

    /// Remembers that API keys of the organization name a person who leaves it.
    pub fn remember_key_maker(self, member: &Member) -> Self {
        let maker = KeyMaker {
            user_id: member.user_id.clone(),
            organization_id: member.organization_id,
        };
        self.put(&maker, Expected::Anything)
    }

    /// Moves a member from the lock on their address to that on another, which was read.
    pub fn move_address(self, from: &Member, to: &Address) -> Self {
        self.free_address(from).write_address(to)
    }

    fn free_address(self, member: &Member) -> Self {
        self.delete(
            Key::address(member.organization_id, &member.email).raw,
            Expected::HeldBy(member.user_id.clone()),
        )
    }

    /// Writes a person's name and address.
    pub fn write_profile(self, profile: &Profile) -> Self {
        self.put(profile, Expected::Anything)
    }

    /// Writes the profile of a person whose membership this transaction writes, if the
    /// stored one, which was read, is older.
    pub fn update_profile(self, member: &Member, stored: Option<&Profile>) -> Self {
        let profile = match stored {
            Some(stored) => stored.replaced_by(member),
            None => Some(Profile::of(member)),
        };
        match profile {
            Some(profile) => self.write_profile(&profile),
            None => self,
        }
    }

    /// Moves an invite, which was read, and the pointer to it to where the ended ones are.
    pub fn end_invite(self, ended: &EndedInvite) -> Self {
        let invite = &ended.invite;
        self.delete(invite.key(), Expected::Version(invite.version))
            .create_ended(ended)
    }

    /// Writes an ended invite, and moves the pointer to it from its address.
    fn create_ended(self, ended: &EndedInvite) -> Self {
        let invite = &ended.invite;
        let pointer = EndedInvitePointer {
            email: invite.email.clone(),
            invite_id: invite.id,
            organization_id: invite.organization_id,
            ended_at: ended.ended_at,
        };
        self.create(ended)
            .delete(InvitePointer::to(invite).key(), Expected::Anything)
            .create(&pointer)
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
            .create_ended(ended)
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

    /// Counts one more outstanding invite and its email, each up to its limit.
    pub fn count_invite(self, id: OrganizationId, email: &CountedEmail) -> Self {
        const UPDATE: &str =
            "outstanding_invites = if_not_exists(outstanding_invites, :none) + :one";
        const CONDITION: &str =
            "(attribute_not_exists(outstanding_invites) OR outstanding_invites < :max)";
        let (update, condition, names, mut values) = match counting(email) {
            Ok(counting) => counting,
            Err(error) => return self.failed(error),
        };
        values.extend([
            ("none", number(0)),
            ("one", number(1)),
            ("max", number(u64::from(MAX_OUTSTANDING_INVITES))),
        ]);
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: format!("{update}, {UPDATE}").into(),
            condition: Some(format!("{condition} AND {CONDITION}").into()),
            names,
            values,
        }))
    }

    /// Counts one more email of an invite that counts already, up to the limit.
    pub fn count_email(self, id: OrganizationId, email: &CountedEmail) -> Self {
        let (update, condition, names, values) = match counting(email) {
            Ok(counting) => counting,
            Err(error) => return self.failed(error),
        };
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: update.into(),
            condition: Some(condition.into()),
            names,
            values,
        }))
    }

    /// Counts a report about an invite's email, with the pause that it begins.
    pub fn count_report(self, id: OrganizationId, counted: &CountedReport) -> Self {
        let reports = to_value(&counted.reports);
        let paused = counted.paused.as_ref().map(to_value).transpose();
        let (reports, paused) = match (reports, paused) {
            (Ok(reports), Ok(paused)) => (reports, paused),
            (Err(error), _) | (_, Err(error)) => return self.failed(error),
        };
        let mut values = vec![("reports", reports)];
        let earlier = &counted.earlier;
        let condition = if earlier.is_none() {
            "attribute_not_exists(reports) AND attribute_not_exists(invites_paused)"
        } else {
            values.extend([
                ("bounces", number(u64::from(earlier.bounces))),
                ("complaints", number(u64::from(earlier.complaints))),
            ]);
            "reports.bounces = :bounces AND reports.complaints = :complaints AND \
             attribute_not_exists(invites_paused)"
        };
        let update = match paused {
            Some(paused) => {
                values.push(("paused", paused));
                "SET reports = :reports, invites_paused = :paused"
            }
            None => "SET reports = :reports",
        };
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: update.into(),
            condition: Some(condition.into()),
            names: &[],
            values,
        }))
    }

    /// Lifts the pause of an organization's invites, and clears the reports.
    pub fn lift_pause(self, id: OrganizationId) -> Self {
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: "REMOVE reports, invites_paused".into(),
            condition: Some("attribute_exists(invites_paused)".into()),
            names: &[],
            values: Vec::new(),
        }))
    }

    /// Writes the delivery of an ended invite's email, if it is not in that state yet.
    pub fn write_ended_delivery(self, ended: &EndedInvite) -> Self {
        let delivery = &ended.invite.delivery;
        let state = text(delivery.state.as_str());
        let delivery = match to_value(delivery) {
            Ok(delivery) => delivery,
            Err(error) => return self.failed(error),
        };
        self.with(Write::Update(AttributeUpdate {
            key: ended.key(),
            update: "SET invite.delivery = :delivery".into(),
            condition: Some("invite.delivery.#state <> :state".into()),
            names: &["state"],
            values: vec![("delivery", delivery), ("state", state)],
        }))
    }

    /// Writes the delivery of a billing email, which was read in the state `earlier`.
    pub fn write_billing_delivery(
        self,
        delivery: &BillingDelivery,
        earlier: Option<DeliveryState>,
    ) -> Self {
        self.put(
            delivery,
            earlier.map_or(Expected::Nothing, Expected::Delivery),
        )
    }

    /// Writes the record of a recipient, which was read; none if no limit needs it.
    pub fn write_recipient(self, recipient: Option<&Recipient>) -> Self {
        match recipient {
            Some(recipient) => self.write(recipient),
            None => self,
        }
    }

    /// Counts one outstanding invite less.
    pub fn decrement_invites(self, id: OrganizationId) -> Self {
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: "SET #outstanding_invites = #outstanding_invites - :one".into(),
            condition: Some("#outstanding_invites > :none".into()),
            names: &["outstanding_invites"],
            values: vec![("one", number(1)), ("none", number(0))],
        }))
    }

    /// Writes an API key.
    pub fn write_api_key(self, key: &mut ApiKey) -> Self {
        let transaction = self.write(key);
        key.version += 1;
        transaction
    }

    /// Writes a new API key of an earlier system, with the pointer to it. The transaction
    /// is stale if the pointer exists.
    pub fn import_api_key(self, key: &mut ApiKey) -> Self {
        let pointer = ApiKeyPointer::to(key);
        let transaction = self.write_api_key(key);
        match pointer {
            Some(pointer) => transaction.create(&pointer),
            None => transaction,
        }
    }

    /// Counts one more API key, up to the limit.
    pub fn increment_api_keys(self, id: OrganizationId) -> Self {
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: "SET #api_keys = if_not_exists(#api_keys, :none) + :one".into(),
            condition: Some("attribute_not_exists(#api_keys) OR #api_keys < :max".into()),
            names: &["api_keys"],
            values: vec![
                ("none", number(0)),
                ("one", number(1)),
                ("max", number(u64::from(MAX_API_KEYS))),
            ],
        }))
    }

    /// Counts one more API key, if none was counted since `counted` was read.
    pub fn increment_api_keys_from(self, id: OrganizationId, counted: u32) -> Self {
        self.with(Write::Update(AttributeUpdate {
            key: Key::counts(id).raw,
            update: "SET #api_keys = :more".into(),
            condition: Some("attribute_not_exists(#api_keys) OR #api_keys = :counted".into()),
            names: &["api_keys"],
            values: vec![
                ("counted", number(u64::from(counted))),
                ("more", number(u64::from(counted) + 1)),
            ],
        }))
    }

    /// Deletes an API key, with the pointer to an imported one, and counts one less.
    pub fn revoke_api_key(self, key: &ApiKey) -> Self {
        let transaction = match ApiKeyPointer::to(key) {
            Some(pointer) => self.delete(pointer.key(), Expected::Anything),
            None => self,
        };
        transaction
            .delete(key.key(), Expected::Version(key.version))
            .with(Write::Update(AttributeUpdate {
                key: Key::counts(key.organization_id).raw,
                update: "SET #api_keys = #api_keys - :one".into(),
                condition: Some("#api_keys > :none".into()),
                names: &["api_keys"],
                values: vec![("one", number(1)), ("none", number(0))],
            }))
    }

    /// Makes an organization the person's current one. What else the account holds stays.
    pub fn switch_to(self, user_id: &UserId, organization_id: OrganizationId) -> Self {
        self.with(Write::Update(AttributeUpdate {
            key: Key::account(user_id).raw,
            update: "SET user_id = :user, current_organization_id = :organization".into(),
            condition: None,
            names: &[],
            values: vec![
                ("user", text(user_id)),
                ("organization", text(organization_id)),
            ],
        }))
    }

    /// Makes a new organization the person's current one, and counts it, if no other was
    /// counted since `earlier` was read.
    pub fn switch_to_new(
        self,
        user_id: &UserId,
        organization_id: OrganizationId,
        earlier: DailyCount,
        created: DailyCount,
    ) -> Self {
        let created = match to_value(&created) {
            Ok(created) => created,
            Err(error) => return self.failed(error),
        };
        let mut values = vec![
            ("user", text(user_id)),
            ("organization", text(organization_id)),
            ("created", created),
        ];
        let (condition, names): (_, &[_]) = if earlier.is_none() {
            ("attribute_not_exists(created)", &[])
        } else {
            values.push(("earlier", number(u64::from(earlier.total))));
            ("created.#total = :earlier", &["total"])
        };
        self.with(Write::Update(AttributeUpdate {
            key: Key::account(user_id).raw,
            update: "SET user_id = :user, current_organization_id = :organization, \
                     created = :created"
                .into(),
            condition: Some(condition.into()),
            names,
            values,
        }))
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
    pub fn write_billing(self, billing: &mut Billing) -> Self {
        let transaction = self.write(billing);
        billing.version += 1;
        transaction
    }

    /// Writes a counter as a whole.
    pub fn write_counter(self, counter: &Counter) -> Self {
        self.write(counter)
    }

    /// Takes credits from a counter, if it still has them.
    pub fn debit(self, debit: Debit) -> Self {
        self.with(Write::Debit(debit))
    }

    /// Gives credits back to a counter, if it is of the same allocation.
    pub fn credit(self, credit: Credit) -> Self {
        self.with(Write::Credit(credit))
    }

    /// Remembers that credits of a request were given back, if none were.
    pub fn remember_refund(self, request: &UsageRequest) -> Self {
        self.put(request, Expected::NotRefunded(request.forgotten_at()))
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
            sent_at: Vec::new(),
            version: 0,
        };
        let holder = match to_value(&address.holder) {
            Ok(holder) => holder,
            Err(error) => return self.failed(error),
        };
        let mut values = address.attributes();
        values.extend([
            ("holder", holder),
            ("invite_id", text(invite.id)),
            ("kind", text("invite")),
            ("one", number(1)),
        ]);
        self.with(Write::Update(AttributeUpdate {
            key: address.key(),
            update: update.into(),
            condition: Some("#holder.#invite_id = :invite_id AND #holder.#kind = :kind".into()),
            names,
            values,
        }))
    }

    fn write(mut self, record: &impl Versioned) -> Self {
        let expected = match record.version() {
            0 => Expected::Nothing,
            read => Expected::Version(read),
        };
        let Some(item) = self.item(record) else {
            return self;
        };
        self.with(Write::Put {
            key: record.key(),
            item: next_version(item, record),
            expected,
        })
    }

    fn create(self, record: &impl Record) -> Self {
        self.put(record, Expected::Nothing)
    }

    fn put(mut self, record: &impl Record, expected: Expected) -> Self {
        let Some(item) = self.item(record) else {
            return self;
        };
        self.with(Write::Put {
            key: record.key(),
            item,
            expected,
        })
    }

    fn item(&mut self, record: &impl Record) -> Option<Item> {
        match record.to_item() {
            Ok(item) => Some(item),
            Err(error) => {
                self.error.get_or_insert(error.to_string());
                None
            }
        }
    }

    fn failed(mut self, error: StoreError) -> Self {
        self.error.get_or_insert(error.to_string());
        self
    }

    fn delete(self, key: RawKey, expected: Expected) -> Self {
        self.with(Write::Delete { key, expected })
    }

    fn with(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Returns the requests to send: the writes, the audit events with new ids, and
    /// the condition on each membership that gave authority. Where there are events,
    /// it is a write of the last id; a write of the membership itself takes its place.
    pub(crate) fn into_items(
        self,
        table: &str,
        mut new_event_id: impl FnMut() -> EventId,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut last = self.last_event_id;
        let mut recorded = Vec::with_capacity(self.events.len());
        let has_events = !self.events.is_empty();
        for event in self.events {
            let id = new_event_id().later_than(last);
            let event = event.recorded(id, self.organization_id, self.at);
            recorded.push(Write::Put {
                key: event.key(),
                item: event.to_item()?,
                expected: Expected::Nothing,
            });
            last = Some(id);
        }
        let last = last.filter(|_| has_events);

        let is_written = |key: &RawKey| self.writes.iter().any(|write| write.key() == Some(key));
        let mut authorities = self.authorities;
        authorities.retain(|authority| !is_written(&authority.key));
        let authorities = authorities.into_iter().map(|authority| match last {
            Some(id) => authority.touch(id),
            None => authority.check(),
        });
        let writes = self.writes.into_iter().map(|mut write| {
            if let (Write::PutMember { item, .. }, Some(id)) = (&mut write, last) {
                item.insert("last_event_id".to_owned(), text(id));
            }
            write
        });
        let all = authorities.chain(writes).chain(recorded);
        all.map(|write| write.into_item(table)).collect()
    }
}

/// A membership that gave authority. Its version does not suffice: somebody who is
/// removed and joins again begins with version 1 again.
#[derive(Debug, Clone)]
struct Authority {
    key: RawKey,
    version: u64,
    joined_at: AttributeValue,
}

impl Authority {
    /// Requires that the membership is as it was read.
    fn check(self) -> Write {
        Write::Check {
            key: self.key,
            expected: Expected::Membership(self.version, self.joined_at),
        }
    }

    /// Makes the membership keep the id of an event that rests on it, if it is as it
    /// was read and has no later event.
    fn touch(self, id: EventId) -> Write {
        Write::Update(AttributeUpdate {
            key: self.key,
            update: "SET last_event_id = :id".into(),
            condition: Some(
                "#version = :version AND joined_at = :joined_at AND \
                 (attribute_not_exists(last_event_id) OR last_event_id < :id)"
                    .into(),
            ),
            names: &["version"],
            values: vec![
                ("version", number(self.version)),
                ("joined_at", self.joined_at),
                ("id", text(id)),
            ],
        })
    }
}

/// The update, condition, names and values that count an email.
type Counting = (
    &'static str,
    &'static str,
    &'static [&'static str],
    Vec<(&'static str, AttributeValue)>,
);

/// Returns how the counts are updated for one more email. Two emails of one day do not make
/// each other stale.
fn counting(email: &CountedEmail) -> Result<Counting, StoreError> {
    let CountedEmail {
        earlier, emails, ..
    } = email;
    let one = ("one", number(1));
    Ok(if earlier.day == emails.day {
        let day = ("day", text(emails.day));
        let most = ("most", number(u64::from(email.max)));
        (
            "SET emails.today = emails.today + :one, emails.#total = emails.#total + :one",
            "emails.#day = :day AND emails.today < :most",
            &["day", "total"],
            vec![one, day, most],
        )
    } else if earlier.is_none() {
        let emails = ("emails", to_value(emails)?);
        (
            "SET emails = :emails",
            "attribute_not_exists(emails)",
            &[],
            vec![emails],
        )
    } else {
        let emails = ("emails", to_value(emails)?);
        let earlier = ("earlier", number(u64::from(earlier.total)));
        (
            "SET emails = :emails",
            "emails.#total = :earlier",
            &["total"],
            vec![emails, earlier],
        )
    })
}

fn next_version(mut item: Item, record: &impl Versioned) -> Item {
    item.insert("version".to_owned(), number(record.version() + 1));
    item
}

impl Store {
    /// Commits a transaction, each time with new ids for its audit events.
    ///
    /// The SDK repeats a request whose answer was lost with the same token, so
    /// a commit that took effect is not taken for a conflict.
    ///
    /// # Errors
    /// [`StoreError`]; whether the writes happened is then not known.
    pub async fn commit(
        &self,
        transaction: Transaction,
        new_event_id: impl FnMut() -> EventId,
    ) -> Result<Commit, StoreError> {
        if let Some(error) = transaction.error {
            return Err(StoreError::Unwritable(error));
        }
        let output = self
            .client
            .transact_write_items()
            .set_transact_items(Some(transaction.into_items(&self.table, new_event_id)?))
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
