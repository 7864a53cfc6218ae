//! Event patterns, as far as Lambda's filter criteria use them here: exact
//! values, `prefix`, `exists` and `anything-but`.

use serde_json::Value;

/// A pattern that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPattern {
    /// The pattern is no JSON.
    #[error("a filter pattern is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The pattern has a condition that this stand-in does not know: better to
    /// say so than to deliver the wrong records.
    #[error("a filter pattern has `{0}`, which is not supported locally")]
    Unsupported(String),
}

/// What a record has to look like.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Every one of the fields has to match.
    Fields(Vec<(String, Pattern)>),
    /// One of the conditions has to hold.
    OneOf(Vec<Condition>),
}

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Equals(Value),
    Prefix(String),
    Exists(bool),
    AnythingBut(Vec<Value>),
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        Self::read(serde_json::from_str(text)?)
    }

    fn read(value: Value) -> Result<Self, InvalidPattern> {
        match value {
            Value::Object(fields) => {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::read(value)?)));
                Ok(Self::Fields(fields.collect::<Result<_, InvalidPattern>>()?))
            }
            Value::Array(conditions) => {
                let conditions = conditions.into_iter().map(Condition::read);
                Ok(Self::OneOf(conditions.collect::<Result<_, _>>()?))
            }
            other => Err(InvalidPattern::Unsupported(other.to_string())),
        }
    }

    /// Whether a record looks like that.
    pub(crate) fn matches(&self, value: Option<&Value>) -> bool {
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
        let Value::Object(object) = &value else {
            return Ok(Self::Equals(value));
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
            Self::Exists(wanted) => value.is_some() == *wanted,
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
    fn every_field_has_to_match_one_of_its_conditions() {
        let pattern = json!({"a": ["x", "y"], "b": {"c": [{"prefix": "in"}]}});
        assert!(matches(
            &pattern,
            &json!({"a": "y", "b": {"c": "invite"}, "d": 1})
        ));
        assert!(!matches(&pattern, &json!({"a": "z", "b": {"c": "invite"}})));
        assert!(!matches(&pattern, &json!({"a": "y", "b": {}})));
    }

    #[test]
    fn presence_and_absence_can_be_asked_for() {
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
    fn what_is_not_understood_is_refused() {
        for pattern in [json!({"a": "x"}), json!({"a": [{"numeric": ["<", 3]}]})] {
            assert!(Pattern::parse(&pattern.to_string()).is_err(), "{pattern}");
        }
    }
}
