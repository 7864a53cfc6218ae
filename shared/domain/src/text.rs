//! Names of organizations, API keys and people, and metadata.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The maximum length of a name, in characters.
const MAX_NAME: usize = 200;

/// The reason why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// The text is empty or white space.
    #[error("must not be empty")]
    Empty,
    /// The text has more than 200 characters.
    #[error("must be at most 200 characters")]
    TooLong,
    /// The text has a line break or another control character.
    #[error("must not contain line breaks or other control characters")]
    ControlCharacter,
}

/// Implements the conversions for `#[serde(try_from = "String", into = "String")]`,
/// and `Display`, for a text with a `parse` of its own.
macro_rules! parsed_text {
    ($name:ident, $error:ty) => {
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use parsed_text;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline)]
        pub struct $name(String);

        impl $name {
            /// Parses a name as a person types it.
            ///
            /// # Errors
            /// [`InvalidText`], worded to fit behind "name".
            pub fn parse(text: &str) -> Result<Self, InvalidText> {
                let name = text.trim();
                if name.is_empty() {
                    return Err(InvalidText::Empty);
                }
                if name.chars().count() > MAX_NAME {
                    return Err(InvalidText::TooLong);
                }
                if name.chars().any(breaks_line) {
                    return Err(InvalidText::ControlCharacter);
                }
                Ok(Self(name.to_owned()))
            }

            /// Returns the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        parsed_text!($name, InvalidText);
    };
}

name! {
    /// An organization's name: 1 to 200 characters, trimmed, on one line.
    OrganizationName
}
name! {
    /// An API key's name: 1 to 200 characters, trimmed, on one line.
    ApiKeyName
}

/// A person's name from the identity provider, on one line of at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct PersonName(String);

impl PersonName {
    /// Makes a name of the provider's claim. Control characters become spaces and
    /// the end over 200 characters is cut off, since the person cannot be asked for
    /// another name. Returns `None` if nothing is left, and for a name that contains
    /// an email address, which some providers send: names appear in audit data and
    /// emails, addresses must not.
    pub fn from_claim(text: &str) -> Option<Self> {
        let line: String = text
            .chars()
            .map(|c| if breaks_line(c) { ' ' } else { c })
            .collect();
        let start: String = line.trim().chars().take(MAX_NAME).collect();
        let name = start.trim_end();
        (!name.is_empty() && !name.contains('@')).then(|| Self(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Data that the deployer's product keeps with an organization: keys with short texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
#[schemars(inline)]
pub struct Metadata(BTreeMap<String, String>);

/// The reason why a map is not metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// The map has more than 50 entries.
    #[error("must have at most 50 entries")]
    TooMany,
    /// A key is empty or longer than 40 characters.
    #[error("must have keys of 1 to 40 characters")]
    Key,
    /// A value is longer than 500 characters.
    #[error("must have values of at most 500 characters")]
    Value,
}

impl Metadata {
    /// Returns the keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl TryFrom<BTreeMap<String, String>> for Metadata {
    type Error = InvalidMetadata;

    fn try_from(map: BTreeMap<String, String>) -> Result<Self, InvalidMetadata> {
        if map.len() > 50 {
            return Err(InvalidMetadata::TooMany);
        }
        if map
            .keys()
            .any(|key| key.is_empty() || key.chars().count() > 40)
        {
            return Err(InvalidMetadata::Key);
        }
        if map.values().any(|value| value.chars().count() > 500) {
            return Err(InvalidMetadata::Value);
        }
        Ok(Self(map))
    }
}

impl From<Metadata> for BTreeMap<String, String> {
    fn from(metadata: Metadata) -> Self {
        metadata.0
    }
}

/// Returns whether a character is a control character, or one of the two separators that
/// Unicode counts as line ends.
pub(crate) fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_outside_1_to_200_characters_on_one_line_is_refused() {
        assert_eq!(
            OrganizationName::parse("  Acme 🚀 ").unwrap().as_str(),
            "Acme 🚀"
        );
        assert!(OrganizationName::parse(&"é".repeat(200)).is_ok());
        assert_eq!(
            OrganizationName::parse(&"é".repeat(201)),
            Err(InvalidText::TooLong)
        );
        assert_eq!(OrganizationName::parse(" \t "), Err(InvalidText::Empty));
        assert_eq!(
            OrganizationName::parse("a\r\nBcc: b"),
            Err(InvalidText::ControlCharacter)
        );
    }

    #[test]
    fn person_name_from_any_claim_is_cleaned_or_dropped() {
        assert_eq!(
            PersonName::from_claim(" Ada\nLovelace ").unwrap().as_str(),
            "Ada Lovelace"
        );
        assert_eq!(PersonName::from_claim(" \u{7} "), None);
        assert_eq!(PersonName::from_claim("ada@example.com"), None);
        assert_eq!(
            PersonName::from_claim(&"x".repeat(999))
                .unwrap()
                .as_str()
                .len(),
            200
        );
    }

    #[test]
    fn person_name_cut_at_a_space_is_trimmed() {
        let long = format!("{} y", "x".repeat(199));
        let name = PersonName::from_claim(&long).unwrap();
        assert_eq!(name.as_str(), "x".repeat(199));
    }

    #[test]
    fn metadata_over_a_limit_is_refused() {
        let metadata = |entries: usize, key: &str, value: usize| {
            let first = (key.to_owned(), "é".repeat(value));
            let others = (1..entries).map(|n| (n.to_string(), String::new()));
            Metadata::try_from(
                std::iter::once(first)
                    .chain(others)
                    .collect::<BTreeMap<_, _>>(),
            )
        };
        let longest = "é".repeat(40);
        let allowed = metadata(50, &longest, 500).unwrap();
        assert_eq!(allowed.keys().count(), 50);
        assert_eq!(allowed.keys().last(), Some(longest.as_str()));
        assert_eq!(metadata(51, "k", 1), Err(InvalidMetadata::TooMany));
        assert_eq!(metadata(1, "", 1), Err(InvalidMetadata::Key));
        assert_eq!(metadata(1, &"é".repeat(41), 1), Err(InvalidMetadata::Key));
        assert_eq!(metadata(1, "k", 501), Err(InvalidMetadata::Value));
    }
}
