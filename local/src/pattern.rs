//! Event patterns of Lambda's filter criteria and EventBridge's rules. They
//! support exact values, `prefix`, `exists` and `anything-but`.

use serde_json::Value;

/// An error in a pattern.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPattern {
    /// The pattern is not JSON.
    #[error("a pattern is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The pattern has a condition that is not implemented. An error is better
    /// than delivering the wrong records.
    #[error("a pattern has `{0}`, which is not supported locally")]
    Unsupported(String),
}

/// A pattern of records or events.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// All fields must match.
    Fields(Vec<(String, Pattern)>),
    /// At least one condition must hold.
    OneOf(Vec<Condition>),
}

/// A condition on a value.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The value equals this one.
    Equals(Value),
    /// The value is a string with this prefix.
    Prefix(String),
    /// The value is present, or absent. An object counts as absent.
    Exists(bool),
    /// The value is present and none of these.
    AnythingBut(Vec<Value>),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`InvalidPattern`] shows the unsupported part.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        Self::read(serde_json::from_str(text)?)
    }

    /// Reads a pattern from JSON.
    pub(crate) fn read(value: Value) -> Result<Self, InvalidPattern> {
        match value {
            Value::Object(fields) => {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::read(value)?)));
                Ok(Self::Fields(fields.collect::<Result<_, InvalidPattern>>()?))
            }
            Value::Array(conditions) if !conditions.is_empty() => {
                let conditions = conditions.into_iter().map(Condition::read);
                Ok(Self::OneOf(conditions.collect::<Result<_, _>>()?))
            }
            other => Err(InvalidPattern::Unsupported(other.to_string())),
        }
    }

    /// Returns whether a record or an event matches. Of an array, one element
    /// must match.
    pub fn matches(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(elements)) = value {
            return elements.iter().any(|element| self.matches(Some(element)));
        }
        match self {
            Self::Fields(fields) => fields
                .iter()
                .all(|(name, pattern)| pattern.matches(value.and_then(|value| value.get(name)))),
            Self::OneOf(conditions) => conditions.iter().any(|condition| condition.holds(value)),
        }
    }
}

impl Condition {
    fn read(value: Value) -> Result<Self, InvalidPattern> {
        let object = match &value {
            Value::Object(object) => object,
            // The template reader turns intrinsic functions into null.
            Value::Null | Value::Array(_) => {
                return Err(InvalidPattern::Unsupported(value.to_string()));
            }
            _ => return Ok(Self::Equals(value)),
        };
        let mut entries = object.iter();
        let condition = match (entries.next(), entries.next()) {
            (Some((name, argument)), None) => match (name.as_str(), argument) {
                ("prefix", Value::String(prefix)) => Some(Self::Prefix(prefix.clone())),
                ("exists", Value::Bool(exists)) => Some(Self::Exists(*exists)),
                ("anything-but", Value::Array(values)) => Some(Self::AnythingBut(values.clone())),
                _ => None,
            },
            _ => None,
        };
        condition.ok_or_else(|| InvalidPattern::Unsupported(value.to_string()))
    }

    fn holds(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Equals(wanted) => value == Some(wanted),
            Self::Prefix(prefix) => value
                .and_then(Value::as_str)
                .is_some_and(|text| text.starts_with(prefix)),
            Self::Exists(wanted) => value.is_some_and(|value| !value.is_object()) == *wanted,
            Self::AnythingBut(values) => value.is_some_and(|value| !values.contains(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value, value: &Value) -> bool {
        Pattern::parse(&pattern.to_string())
            .unwrap()
            .matches(Some(value))
    }

    #[test]
    fn pattern_matches_if_every_field_meets_a_condition() {
        let pattern = json!({"a": ["x", "y"], "b": {"c": [{"prefix": "in"}]}});
        assert!(matches(
            &pattern,
            &json!({"a": "y", "b": {"c": "invite"}, "d": 1})
        ));
        assert!(!matches(&pattern, &json!({"a": "z", "b": {"c": "invite"}})));
        assert!(!matches(&pattern, &json!({"a": "y", "b": {}})));
    }

    #[test]
    fn exists_matches_presence_and_absence() {
        assert!(matches(&json!({"a": [{"exists": false}]}), &json!({})));
        assert!(!matches(&json!({"a": [{"exists": true}]}), &json!({})));
        assert!(matches(
            &json!({"a": [{"anything-but": ["x"]}]}),
            &json!({"a": "y"})
        ));
        assert!(!matches(
            &json!({"a": [{"anything-but": ["x"]}]}),
            &json!({"a": "x"})
        ));
    }

    #[test]
    fn array_matches_by_one_element() {
        let tags = json!({"tags": {"invite": ["a", "b"], "none": []}});
        assert!(matches(&json!({"tags": {"invite": ["b"]}}), &tags));
        assert!(matches(
            &json!({"tags": {"invite": [{"exists": true}]}}),
            &tags
        ));
        assert!(!matches(&json!({"tags": {"invite": ["c"]}}), &tags));
        assert!(!matches(
            &json!({"tags": {"none": [{"exists": true}]}}),
            &tags
        ));
        // Both fields must match in the same element.
        let list = json!({"list": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]});
        assert!(matches(&json!({"list": {"a": [2], "b": [2]}}), &list));
        assert!(!matches(&json!({"list": {"a": [1], "b": [2]}}), &list));
    }

    #[test]
    fn object_does_not_exist() {
        let pattern = json!({"a": [{"exists": true}]});
        assert!(matches(&pattern, &json!({"a": null})));
        assert!(!matches(&pattern, &json!({"a": {"b": 1}})));
    }

    #[test]
    fn unsupported_condition_is_refused() {
        for pattern in [
            json!({"a": "x"}),
            json!({"a": []}),
            json!({"a": [null]}),
            json!({"a": [["x"]]}),
            json!({"a": [{"numeric": ["<", 3]}]}),
            json!({"$or": [{"a": ["x"]}, {"b": ["y"]}]}),
        ] {
            assert!(Pattern::parse(&pattern.to_string()).is_err(), "{pattern}");
        }
    }
}
