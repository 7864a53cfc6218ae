//! Conditions on items, and how they and the writes become requests.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use chrono::{DateTime, Utc};
use domain::{Credit, Debit, DeliveryState, EventId, OrganizationId, UserId};

use crate::{
    StoreError,
    attribute::{self, Item, number, text},
    debit,
    keys::{self, RawKey},
};

/// One write of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Check {
        key: RawKey,
        expected: Expected,
    },
    Put {
        key: RawKey,
        item: Item,
        expected: Expected,
    },
    /// A membership, which keeps the id of the transaction's last event.
    PutMember {
        key: RawKey,
        item: Item,
        expected: Expected,
    },
    Delete {
        key: RawKey,
        expected: Expected,
    },
    Update(AttributeUpdate),
    Debit(Debit),
    Credit(Credit),
}

/// What has to be at a key for a write to happen.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    Anything,
    Nothing,
    Version(u64),
    /// The membership that began at this time (as it is stored), in this version.
    Membership(u64, AttributeValue),
    /// A membership of this version, after no other event than this one.
    Untouched(u64, Option<EventId>),
    /// An address that this person holds.
    HeldBy(UserId),
    /// The request that created this organization.
    CreatedBy(OrganizationId),
    /// A request that is remembered until then.
    RememberedUntil(DateTime<Utc>),
    /// The same, whose credits were not given back.
    NotRefunded(DateTime<Utc>),
    /// The delivery of an email, in this state.
    Delivery(DeliveryState),
}

/// A change of some attributes of an item that was not read, or not as a whole.
///
/// In its expressions `#x` stands for the attribute `x`, and `:x` for the value
/// named `x`.
#[derive(Debug, Clone)]
pub(crate) struct AttributeUpdate {
    pub(crate) key: RawKey,
    pub(crate) update: Cow<'static, str>,
    pub(crate) condition: Option<Cow<'static, str>>,
    pub(crate) names: &'static [&'static str],
    pub(crate) values: Vec<(&'static str, AttributeValue)>,
}

/// A condition expression with its names and values, as the request builders take them.
#[derive(Debug, Default)]
struct Condition {
    expression: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<Item>,
}

impl Condition {
    fn equals(
        expression: &str,
        attributes: &[&str],
        name: &'static str,
        value: AttributeValue,
    ) -> Self {
        Self {
            expression: Some(expression.to_owned()),
            names: attribute::names(attributes),
            values: attribute::values([(name, value)]),
        }
    }
}

impl From<Expected> for Condition {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Anything => Self::default(),
            Expected::Nothing => Self {
                expression: Some("attribute_not_exists(pk)".to_owned()),
                ..Self::default()
            },
            Expected::Version(version) => Self::equals(
                "#version = :version",
                &["version"],
                "version",
                number(version),
            ),
            Expected::Membership(version, joined_at) => Self {
                expression: Some("#version = :version AND #joined_at = :joined_at".to_owned()),
                names: attribute::names(&["version", "joined_at"]),
                values: attribute::values([("version", number(version)), ("joined_at", joined_at)]),
            },
            Expected::Untouched(version, Some(last)) => Self {
                expression: Some(
                    "#version = :version AND #last_event_id = :last_event_id".to_owned(),
                ),
                names: attribute::names(&["version", "last_event_id"]),
                values: attribute::values([
                    ("version", number(version)),
                    ("last_event_id", text(last)),
                ]),
            },
            Expected::Untouched(version, None) => Self::equals(
                "#version = :version AND attribute_not_exists(#last_event_id)",
                &["version", "last_event_id"],
                "version",
                number(version),
            ),
            Expected::CreatedBy(id) => Self::equals(
                "#organization_id = :id",
                &["organization_id"],
                "id",
                text(id),
            ),
            Expected::RememberedUntil(at) => {
                Self::equals("#ttl = :ttl", &["ttl"], "ttl", keys::seconds(at))
            }
            Expected::NotRefunded(at) => Self::equals(
                "#ttl = :ttl AND attribute_not_exists(#refunded)",
                &["ttl", "refunded"],
                "ttl",
                keys::seconds(at),
            ),
            Expected::Delivery(state) => Self::equals(
                "#delivery.#state = :state",
                &["delivery", "state"],
                "state",
                text(state.as_str()),
            ),
            Expected::HeldBy(user_id) => Self::equals(
                "#holder.#user_id = :user_id",
                &["holder", "user_id"],
                "user_id",
                text(user_id),
            ),
        }
    }
}

impl Write {
    /// The key of the item, unless it is a counter's.
    pub(crate) fn key(&self) -> Option<&RawKey> {
        match self {
            Self::Check { key, .. }
            | Self::Put { key, .. }
            | Self::PutMember { key, .. }
            | Self::Delete { key, .. } => Some(key),
            Self::Update(update) => Some(&update.key),
            Self::Debit(_) | Self::Credit(_) => None,
        }
    }

    pub(crate) fn into_item(self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let item = TransactWriteItem::builder();
        let item = match self {
            Self::Check { key, expected } => {
                let condition = Condition::from(expected);
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
                ..
            }
            | Self::PutMember {
                item: attributes,
                expected,
                ..
            } => {
                let condition = Condition::from(expected);
                let put = Put::builder()
                    .table_name(table)
                    .set_item(Some(attributes))
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
            Self::Update(update) => {
                let builder = Update::builder()
                    .table_name(table)
                    .set_key(Some(update.key.into_attributes()))
                    .update_expression(update.update)
                    .set_condition_expression(update.condition.map(Cow::into_owned))
                    .set_expression_attribute_names(attribute::names(update.names))
                    .set_expression_attribute_values(attribute::values(update.values));
                item.update(builder.build()?)
            }
            Self::Debit(debit) => item.update(debit::update(&debit, table)?),
            Self::Credit(credit) => item.update(debit::update_back(&credit, table)?),
        };
        Ok(item.build())
    }
}
