//! The fields of a PATCH: absent, `null`, or a value.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::Error};

/// A field of a PATCH. An absent field keeps the present value; `null` is refused
/// unless the type accepts it.
///
/// The body's struct has `#[serde(default)]`.
#[derive(Debug, Clone, Default)]
pub(crate) enum Patch<T> {
    /// The field is absent.
    #[default]
    Keep,
    /// The field has this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the value, or `None` if the field is absent.
    pub(crate) fn into_option(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Set)
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A text that `null` or a blank text clears.
#[derive(Debug, Clone)]
pub(crate) struct Clearable<T>(pub(crate) Option<T>);

impl<'de, T> Deserialize<'de> for Clearable<T>
where
    T: TryFrom<String, Error: std::fmt::Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let text = text.filter(|text| !text.trim().is_empty());
        let value = text.map(T::try_from).transpose();
        value.map(Self).map_err(D::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for Clearable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}
