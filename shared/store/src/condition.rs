//! Conditions on items, and how they and the writes become requests.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use chrono::{DateTime, Utc};
use domain::{Debit, OrganizationId, UserId};

use crate::{
    StoreError,
    attribute::{self, Item, number, text},
    debit,
    keys::{self, RawKey},
};

/// One write of a transaction.
#[derive(Debug)]
pub(crate) enum Write {
    Check {
        key: RawKey,
        expected: Expected,
    },
    Put {
        key: RawKey,
        item: Result<Item, StoreError>,
        expected: Expected,
    },
    Delete {
        key: RawKey,
        expected: Expected,
    },
    Update(AttributeUpdate),
    Debit(Debit),
}

/// What has to be at a key for a write to happen.
#[derive(Debug)]
pub(crate) enum Expected {
    Anything,
    Nothing,
    Version(u64),
    /// An address that this person holds.
    HeldBy(UserId),
    /// The request that created this organization.
    CreatedBy(OrganizationId),
    /// A request that is remembered until then.
    RememberedUntil(DateTime<Utc>),
}

/// A change of some attributes of an item that was not read, or not as a whole.
///
/// In its expressions `#x` stands for the attribute `x`, and `:x` for the value
/// named `x`.
#[derive(Debug)]
pub(crate) struct AttributeUpdate {
    pub(crate) key: RawKey,
    pub(crate) update: &'static str,
    pub(crate) condition: &'static str,
    pub(crate) names: &'static [&'static str],
    pub(crate) values:
        Result<Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>, StoreError>,
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
        value: aws_sdk_dynamodb::types::AttributeValue,
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
            Expected::CreatedBy(id) => Self::equals(
                "#organization_id = :id",
                &["organization_id"],
                "id",
                text(id),
            ),
            Expected::RememberedUntil(at) => {
                Self::equals("#ttl = :ttl", &["ttl"], "ttl", keys::seconds(at))
            }
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
            Self::Check { key, .. } | Self::Put { key, .. } | Self::Delete { key, .. } => Some(key),
            Self::Update(update) => Some(&update.key),
            Self::Debit(_) => None,
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
            Self::Update(update) => {
                let builder = Update::builder()
                    .table_name(table)
                    .set_key(Some(update.key.into_attributes()))
                    .update_expression(update.update)
                    .condition_expression(update.condition)
                    .set_expression_attribute_names(attribute::names(update.names))
                    .set_expression_attribute_values(attribute::values(update.values?));
                item.update(builder.build()?)
            }
            Self::Debit(debit) => item.update(debit::update(&debit, table)?),
        };
        Ok(item.build())
    }
}
