//! Event patterns, as far as Lambda's filter criteria and EventBridge's rules use
//! them here: exact values, `prefix`, `exists` and `anything-but`.

use serde_json::Value;

/// A pattern that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPattern {
    /// The pattern is no JSON.
    #[error("a pattern is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The pattern has a condition that this stand-in does not know: better to
    /// say so than to deliver the wrong records.
    #[error("a pattern has `{0}`, which is not supported locally")]
    Unsupported(String),
}

/// What a record or an event has to look like.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Every one of the fields has to match.
    Fields(Vec<(String, Pattern)>),
    /// One of the conditions has to hold.
    OneOf(Vec<Condition>),
}

/// What a value has to be like.
#[derive(Debug, Clone)]
pub enum Condition {
    /// It is this one.
    Equals(Value),
    /// It is a text that begins like that.
    Prefix(String),
    /// It is there, or it is not; an object never is.
    Exists(bool),
    /// It is there, and none of these.
    AnythingBut(Vec<Value>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`InvalidPattern`] shows what is not understood.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        Self::read(serde_json::from_str(text)?)
    }

    /// Reads a pattern that is there as a value.
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

    /// Whether a record or an event looks like that. Of an array, one element
    /// has to.
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
            // What the template leaves to the deployment reads as null.
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
    fn one_element_of_an_array_has_to_match() {
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
        // Both fields have to be right in the same element.
        let list = json!({"list": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]});
        assert!(matches(&json!({"list": {"a": [2], "b": [2]}}), &list));
        assert!(!matches(&json!({"list": {"a": [1], "b": [2]}}), &list));
    }

    #[test]
    fn only_what_holds_no_more_fields_exists() {
        let pattern = json!({"a": [{"exists": true}]});
        assert!(matches(&pattern, &json!({"a": null})));
        assert!(!matches(&pattern, &json!({"a": {"b": 1}})));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
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
