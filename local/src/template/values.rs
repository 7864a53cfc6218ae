//! Values of the template: YAML, its intrinsic functions, and typed properties.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value as Json, json};
use serde_norway::Value as Yaml;

use super::error::{TemplateError, wrong};

/// The name that the local stack has, as a deployed one has its own.
pub(crate) const STACK_NAME: &str = "local";

/// Converts YAML to JSON. The result of an intrinsic function such as `!Ref` is
/// known only when deployed: it becomes null, except `!GetAtt`, which may name a
/// function, and the name of the stack.
pub(super) fn plain(yaml: &Yaml) -> Json {
    match yaml {
        Yaml::Tagged(tagged) if tagged.tag == "!GetAtt" => {
            json!({ "Fn::GetAtt": plain(&tagged.value) })
        }
        Yaml::Tagged(tagged) if tagged.tag == "!Ref" && tagged.value == "AWS::StackName" => {
            json!(STACK_NAME)
        }
        Yaml::Null | Yaml::Tagged(_) => Json::Null,
        Yaml::Bool(bool) => json!(bool),
        Yaml::Number(number) => number
            .as_i64()
            .map_or_else(|| json!(number.as_f64()), |number| json!(number)),
        Yaml::String(string) => json!(string),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(entries) if is_long_form(entries) => Json::Null,
        Yaml::Mapping(entries) => {
            let entries = entries
                .iter()
                .filter_map(|(k, v)| Some((k.as_str()?.to_owned(), plain(v))));
            Json::Object(entries.collect())
        }
    }
}

/// Returns whether a mapping is an intrinsic function in its long form, such as
/// `Ref: Name` or `Fn::Sub: text`.
fn is_long_form(entries: &serde_norway::Mapping) -> bool {
    let mut entries = entries.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        return false;
    };
    match name.as_str() {
        Some("Ref") => value.is_string(),
        Some("Fn::GetAtt") => false,
        Some(name) => name.starts_with("Fn::"),
        None => false,
    }
}

/// Reads a typed value. An error names the whole path to the property.
pub(super) fn read<T: DeserializeOwned>(value: Json, place: &str) -> Result<T, TemplateError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = match path.as_str() {
            "." => place.to_owned(),
            path => format!("{place}.{path}"),
        };
        TemplateError::Property {
            place,
            source: error.into_inner(),
        }
    })
}

/// A property that may be left to the deployment by an intrinsic function.
#[derive(Clone, Copy, Default)]
pub(super) enum Property<T> {
    #[default]
    Absent,
    Unresolved,
    Literal(T),
}

impl<T> Property<T> {
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns the literal value, or an error without one.
    pub(super) fn required(self, name: &str, place: &str) -> Result<T, TemplateError> {
        match self {
            Self::Literal(value) => Ok(value),
            Self::Absent | Self::Unresolved => {
                Err(wrong(place, &format!("has no literal `{name}`")))
            }
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Property<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(value.map_or(Self::Unresolved, Self::Literal))
    }
}
