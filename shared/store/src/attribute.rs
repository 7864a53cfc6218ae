//! Attribute values, and expressions over them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::StoreError;

/// An item: attributes by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn number(n: u64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

pub(crate) fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

pub(crate) fn to_value(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(serde_dynamo::to_attribute_value(value)?)
}

/// Maps the placeholders of attributes to their names: `#version` stands for `version`.
pub(crate) fn names(attributes: &[&str]) -> Option<HashMap<String, String>> {
    let named = |name: &&str| (format!("#{name}"), (*name).to_owned());
    (!attributes.is_empty()).then(|| attributes.iter().map(named).collect())
}

/// Maps the placeholders of values to them: `:one` stands for the value of `one`.
pub(crate) fn values(
    values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
) -> Option<Item> {
    let values: Item = values
        .into_iter()
        .map(|(name, value)| (format!(":{name}"), value))
        .collect();
    (!values.is_empty()).then_some(values)
}
