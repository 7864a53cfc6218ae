//! Commits: everything that a decision changes, on the condition that what it
//! rested on still is as it was read, in one transaction.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::{
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, UpdateItemOutput},
    },
    types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update},
};
use chrono::{DateTime, Utc};
use domain::{
    Address, ApiKey, ApiKeyId, AuditEvent, Billing, Counter, Delivery, Debit, Ended, EndedInvite,
    Holder, Invite, InviteId, MAX_API_KEYS, MAX_OUTSTANDING_INVITES, Member, Organization,
    OrganizationId, UserId,
};
use serde::Serialize;

use crate::{
    Account, CreationRequest, Key, BillingDelivery, Membership, PaymentEvent, Store, StoreError,
    UsageRequest, debit, keys,
    records::{Item, Record, Versioned},
};

/// How often a single write may meet transactions on the same item.
const MAX_MEETINGS: u32 = 10;

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// All of it is written.
    Done,
    /// Nothing is written: something is no longer as it was read. Load, decide
    /// and commit again.
    Conflict,
}

/// Writes that happen together or not at all.
///
/// A changed record is written on the condition that its version still is the
/// one that was read, and a new one (version 0) on the condition that there is
/// none; either is stored with the next version.
#[derive(Debug, Default)]
#[must_use]
pub struct Transaction {
    writes: Vec<Write>,
}

#[derive(Debug)]
enum Write {
    Check {
        key: Key,
        version: u64,
    },
    Put {
        item: Result<Item, StoreError>,
        expected: Expected,
    },
    Delete {
        key: Key,
        expected: Expected,
    },
    Update(Change),
    Debit(Debit),
}

/// What has to be at a key for a write to happen.
#[derive(Debug)]
enum Expected {
    Anything,
    Nothing,
    Version(u64),
    /// An address record of this person's.
    InviteHold(UserId),
    /// The request that made this organization.
    MadeBy(OrganizationId),
    /// A request that is remembered until then.
    ForgottenAt(DateTime<Utc>),
}

/// A change of some attributes of an item that was not read, or not as a whole.
#[derive(Debug)]
struct Change {
    key: Key,
    set: &'static str,
    condition: &'static str,
    names: &'static [(&'static str, &'static str)],
    values: Result<Vec<(&'static str, AttributeValue)>, StoreError>,
}

impl Transaction {
    /// No writes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only while this membership is as it was read.
    pub fn require_member(self, member: &Member) -> Self {
        self.with(Write::Check {
            key: member.key(),
            version: member.version,
        })
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
        self.with(Write::Delete {
            key: member.key(),
            expected: Expected::Version(member.version),
        })
        .with(Write::Delete {
            key: Key::membership(&member.user_id, member.organization_id),
            expected: Expected::Anything,
        })
        .with(Write::Delete {
            key: Key::address(member.organization_id, &member.email),
            expected: Expected::InviteHold(member.user_id.clone()),
        })
    }

    /// Moves an invite, which was read, to where the ended ones are.
    pub fn end_invite(self, ended: &EndedInvite) -> Self {
        let invite = &ended.invite;
        self.with(Write::Delete {
            key: invite.key(),
            expected: Expected::Version(invite.version),
        })
        .create(ended)
    }

    /// Ends a pending invite and frees its address.
    pub fn end_pending_invite(self, ended: &Ended) -> Self {
        self.end_invite(&ended.invite)
            .release_address(ended)
            .decrement_invites(ended.invite.invite.organization_id)
    }

    /// Ends an expired invite that was read from the address that it held. The
    /// table's TTL may have taken the invite itself; what counts is the address,
    /// which is written in the version that was read.
    pub fn end_expired_invite(self, ended: &EndedInvite) -> Self {
        self.with(Write::Delete {
            key: ended.invite.key(),
            expected: Expected::Anything,
        })
        .create(ended)
    }

    /// Tells the address that the invite holds how the invite is now, without
    /// having read it.
    pub fn claim_address(self, invite: &Invite) -> Self {
        self.update_holder(
            invite,
            &invite.holder(),
            "SET #holder = :holder, #version = #version + :one, #shard = :shard, #expires = :expires",
            HELD,
        )
    }

    /// Frees the address that an invite held, without having read it.
    fn release_address(self, ended: &Ended) -> Self {
        self.update_holder(
            &ended.invite.invite,
            &ended.holder,
            "SET #holder = :holder, #version = #version + :one, #ttl = :ttl REMOVE #shard, #expires",
            FREED,
        )
    }

    /// Counts one more outstanding invite, unless there are as many as there may be.
    pub fn increment_invites(self, id: OrganizationId) -> Self {
        let max = AttributeValue::N(MAX_OUTSTANDING_INVITES.to_string());
        self.with(Write::Update(Change {
            key: Key::organization(id),
            set: "SET #count = #count + :one, #version = #version + :one",
            condition: "#count < :max",
            names: COUNT,
            values: Ok(vec![(":one", number(1)), (":max", max)]),
        }))
    }

    /// Counts one outstanding invite less.
    pub fn decrement_invites(self, id: OrganizationId) -> Self {
        self.with(Write::Update(Change {
            key: Key::organization(id),
            set: "SET #count = #count - :one, #version = #version + :one",
            condition: "#count > :none",
            names: COUNT,
            values: Ok(vec![(":one", number(1)), (":none", number(0))]),
        }))
    }

    /// Writes an API key.
    pub fn write_api_key(self, key: &ApiKey) -> Self {
        self.write(key)
    }

    /// Counts one more API key, unless there are as many as there may be.
    /// Organizations from before there were keys have no count yet.
    pub fn increment_api_keys(self, id: OrganizationId) -> Self {
        let max = AttributeValue::N(MAX_API_KEYS.to_string());
        self.with(Write::Update(Change {
            key: Key::organization(id),
            set: "SET #count = if_not_exists(#count, :none) + :one, #version = #version + :one",
            condition: "attribute_exists(pk) AND (attribute_not_exists(#count) OR #count < :max)",
            names: API_KEY_COUNT,
            values: Ok(vec![
                (":none", number(0)),
                (":one", number(1)),
                (":max", max),
            ]),
        }))
    }

    /// Takes an API key away, and counts one less.
    pub fn revoke_api_key(self, key: &ApiKey) -> Self {
        self.with(Write::Delete {
            key: key.key(),
            expected: Expected::Version(key.version),
        })
        .with(Write::Update(Change {
            key: Key::organization(key.organization_id),
            set: "SET #count = #count - :one, #version = #version + :one",
            condition: "#count > :none",
            names: API_KEY_COUNT,
            values: Ok(vec![(":one", number(1)), (":none", number(0))]),
        }))
    }

    /// Makes an organization the person's current one.
    pub fn switch_to(self, user_id: &UserId, organization_id: OrganizationId) -> Self {
        let account = Account {
            user_id: user_id.clone(),
            current_organization_id: organization_id,
        };
        self.with(Write::Put {
            item: account.to_item(),
            expected: Expected::Anything,
        })
    }

    /// Remembers a request to create an organization, in place of an earlier one
    /// with the same key whose memory is over.
    pub fn remember_request(
        self,
        request: &CreationRequest,
        replaced: Option<&CreationRequest>,
    ) -> Self {
        let expected = match replaced {
            Some(replaced) => Expected::MadeBy(replaced.organization_id),
            None => Expected::Nothing,
        };
        self.with(Write::Put {
            item: request.to_item(),
            expected,
        })
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
            Some(replaced) => Expected::ForgottenAt(replaced.forgotten_at()),
            None => Expected::Nothing,
        };
        self.with(Write::Put {
            item: request.to_item(),
            expected,
        })
    }

    /// Remembers an event of the payment provider's.
    pub fn remember_payment_event(self, event: &PaymentEvent) -> Self {
        self.create(event)
    }

    /// Adds a line to the audit log.
    pub fn record(self, event: &AuditEvent) -> Self {
        self.create(event)
    }

    /// Changes the holder of the address that the invite holds.
    fn update_holder(
        self,
        invite: &Invite,
        holder: &Holder,
        set: &'static str,
        names: &'static [(&'static str, &'static str)],
    ) -> Self {
        let address = Address {
            organization_id: invite.organization_id,
            email: invite.email.clone(),
            holder: holder.clone(),
            version: 0,
        };
        let values = to_value(holder).map(|value| {
            let mut values = vec![
                (":holder", value),
                (":invite", AttributeValue::S(invite.id.to_string())),
                (":kind", AttributeValue::S("invite".to_owned())),
                (":one", number(1)),
            ];
            values.extend(address.attributes().into_iter().map(|(name, value)| {
                let placeholder = match name {
                    "expiry_shard" => ":shard",
                    "expires_at_seconds" => ":expires",
                    _ => ":ttl",
                };
                (placeholder, value)
            }));
            values
        });
        self.with(Write::Update(Change {
            key: address.key(),
            set,
            condition: "#holder.#invite = :invite AND #holder.#kind = :kind",
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
        self.with(Write::Put { item, expected })
    }

    fn create(self, record: &impl Record) -> Self {
        self.with(Write::Put {
            item: record.to_item(),
            expected: Expected::Nothing,
        })
    }

    fn with(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }
}

const COUNT: &[(&str, &str)] = &[("#count", "outstanding_invites"), ("#version", "version")];
const API_KEY_COUNT: &[(&str, &str)] = &[("#count", "api_keys"), ("#version", "version")];
const HELD: &[(&str, &str)] = &[
    ("#holder", "holder"),
    ("#invite", "invite_id"),
    ("#kind", "kind"),
    ("#version", "version"),
    ("#shard", "expiry_shard"),
    ("#expires", "expires_at_seconds"),
];
const FREED: &[(&str, &str)] = &[
    ("#holder", "holder"),
    ("#invite", "invite_id"),
    ("#kind", "kind"),
    ("#version", "version"),
    ("#shard", "expiry_shard"),
    ("#expires", "expires_at_seconds"),
    ("#ttl", "ttl"),
];

pub(crate) fn number(n: u64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

fn to_value(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(serde_dynamo::to_attribute_value(value)?)
}

/// A condition expression with its names and values, as the request builders take them.
#[derive(Debug, Default)]
struct Condition {
    expression: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<Item>,
}

impl Condition {
    fn new(
        expression: &str,
        names: &[(&str, &str)],
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Self {
        let owned = |(name, attribute): &(&str, &str)| (name.to_string(), attribute.to_string());
        let values: Item = values
            .into_iter()
            .map(|(name, v)| (name.to_owned(), v))
            .collect();
        Self {
            expression: Some(expression.to_owned()),
            names: (!names.is_empty()).then(|| names.iter().map(owned).collect()),
            values: (!values.is_empty()).then_some(values),
        }
    }
}

impl From<Expected> for Condition {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Anything => Self::default(),
            Expected::Nothing => Self::new("attribute_not_exists(pk)", &[], []),
            Expected::Version(version) => Self::new(
                "#version = :version",
                &[("#version", "version")],
                [(":version", number(version))],
            ),
            Expected::MadeBy(id) => Self::new(
                "#organization = :organization",
                &[("#organization", "organization_id")],
                [(":organization", AttributeValue::S(id.to_string()))],
            ),
            Expected::ForgottenAt(at) => Self::new(
                "#ttl = :ttl",
                &[("#ttl", "ttl")],
                [(":ttl", keys::seconds(at))],
            ),
            Expected::InviteHold(user_id) => Self::new(
                "#holder.#user = :user",
                &[("#holder", "holder"), ("#user", "user_id")],
                [(":user", AttributeValue::S(user_id.to_string()))],
            ),
        }
    }
}

impl Write {
    fn into_item(self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let item = TransactWriteItem::builder();
        let item = match self {
            Self::Check { key, version } => {
                let condition = Condition::from(Expected::Version(version));
                let check = ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key.into_attributes()))
                    .set_condition_expression(condition.expression)
                    .set_expression_attribute_names(condition.names)
                    .set_expression_attribute_values(condition.values);
                item.condition_check(check.build()?)
            }
            Self::Put {
                item: attributes,
                expected,
            } => {
                let condition = Condition::from(expected);
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(attributes?))
                    .set_condition_expression(condition.expression)
                    .set_expression_attribute_names(condition.names)
                    .set_expression_attribute_values(condition.values);
                item.put(put.build()?)
            }
            Self::Delete { key, expected } => {
                let condition = Condition::from(expected);
                let delete = Delete::builder()
                    .table_name(table)
                    .set_key(Some(key.into_attributes()))
                    .set_condition_expression(condition.expression)
                    .set_expression_attribute_names(condition.names)
                    .set_expression_attribute_values(condition.values);
                item.delete(delete.build()?)
            }
            Self::Update(change) => {
                let condition = Condition::new(change.condition, change.names, change.values?);
                let update = Update::builder()
                    .table_name(table)
                    .set_key(Some(change.key.into_attributes()))
                    .update_expression(change.set)
                    .set_condition_expression(condition.expression)
                    .set_expression_attribute_names(condition.names)
                    .set_expression_attribute_values(condition.values);
                item.update(update.build()?)
            }
            Self::Debit(debit) => item.update(debit::update(&debit, table)?),
        };
        Ok(item.build())
    }
}

impl Store {
    /// Commits a transaction.
    ///
    /// The SDK repeats a request whose answer was lost with the same token, so
    /// a commit that took effect is not taken for a conflict.
    ///
    /// # Errors
    /// [`StoreError`]; whether the writes happened is then not known.
    pub async fn commit(&self, transaction: Transaction) -> Result<Commit, StoreError> {
        let writes = transaction
            .writes
            .into_iter()
            .map(|write| write.into_item(&self.table));
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes.collect::<Result<_, _>>()?))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Commit::Done),
            Err(error) if lost_a_race(&error) => Ok(Commit::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes how far the email of an invite's sending has come. Gives
    /// [`Commit::Conflict`] when the invite has ended, was sent again since, or
    /// is known to have fared otherwise: a bounce may be reported before the
    /// sending is noted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_delivery(
        &self,
        organization_id: OrganizationId,
        invite_id: InviteId,
        times_sent: u32,
        delivery: &Delivery,
    ) -> Result<Commit, StoreError> {
        let key = Key::invite(organization_id, invite_id);
        let delivery = &to_value(delivery)?;
        for _ in 0..MAX_MEETINGS {
            match self.update_delivery(&key, times_sent, delivery).await {
                Ok(_) => return Ok(Commit::Done),
                Err(SdkError::ServiceError(error)) => match error.err() {
                    UpdateItemError::ConditionalCheckFailedException(_) => {
                        return Ok(Commit::Conflict);
                    }
                    // A transaction is writing the same invite at this moment.
                    UpdateItemError::TransactionConflictException(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    _ => return Err(SdkError::ServiceError(error).into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Throttled)
    }

    /// Notes the hour of a key's last use. Gives [`Commit::Conflict`] when that
    /// is noted by somebody else, or the key has changed since it was read:
    /// then the next use notes it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_use(
        &self,
        organization_id: OrganizationId,
        id: ApiKeyId,
        version: u64,
        hour: DateTime<Utc>,
    ) -> Result<Commit, StoreError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::api_key(organization_id, id).into_attributes()))
            .update_expression("SET #last_used_at = :hour, #version = #version + :one")
            .condition_expression("#version = :version")
            .expression_attribute_names("#last_used_at", "last_used_at")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":hour", to_value(&hour)?)
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":one", number(1))
            .send()
            .await;
        match noted {
            Ok(_) => Ok(Commit::Done),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    UpdateItemError::ConditionalCheckFailedException(_)
                        | UpdateItemError::TransactionConflictException(_)
                ) =>
            {
                Ok(Commit::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes how far a billing email to one of its recipients has come.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_billing_delivery(&self, billing_delivery: &BillingDelivery) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(billing_delivery.to_item()?))
            .send()
            .await?;
        Ok(())
    }

    async fn update_delivery(
        &self,
        key: &Key,
        times_sent: u32,
        delivery: &AttributeValue,
    ) -> Result<UpdateItemOutput, SdkError<UpdateItemError>> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.clone().into_attributes()))
            .update_expression("SET #delivery = :delivery, #version = #version + :one")
            .condition_expression("#times_sent = :times_sent AND #delivery.#state = :queued")
            .expression_attribute_names("#delivery", "delivery")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#times_sent", "times_sent")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":queued", AttributeValue::S("queued".to_owned()))
            .expression_attribute_values(":delivery", delivery.clone())
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":times_sent", number(u64::from(times_sent)))
            .send()
            .await
    }
}

/// Whether the transaction was cancelled because something was not as expected
/// or was being written by somebody else, and for no other reason.
fn lost_a_race(error: &SdkError<TransactWriteItemsError>) -> bool {
    let SdkError::ServiceError(error) = error else {
        return false;
    };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.err() else {
        return false;
    };
    let mut reasons = cancelled
        .cancellation_reasons()
        .iter()
        .filter_map(|reason| reason.code())
        .filter(|code| *code != "None")
        .peekable();
    reasons.peek().is_some()
        && reasons.all(|code| {
            matches!(
                code,
                "ConditionalCheckFailed"
                    | "TransactionConflict"
                    | "ThrottlingError"
                    | "ProvisionedThroughputExceeded"
            )
        })
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Rejected {
            code: "IncompleteRequest".to_owned(),
            source: Box::new(error),
        }
    }
}
