//! Names of organizations, API keys and people, and metadata.

use std::collections::BTreeMap;

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The maximum length of a name, in characters.
const MAX_NAME: usize = 200;
/// The maximum length of metadata, in bytes of JSON.
const MAX_METADATA: usize = 16 * 1024;

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
    /// The text has only characters that nobody can see.
    #[error("must have a visible character")]
    Invisible,
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
        #[schemars(inline, extend("minLength" = 1, "maxLength" = 200))]
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
                if !name.chars().any(is_visible) {
                    return Err(InvalidText::Invisible);
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
    /// another name. Returns `None` if nothing visible is left, and for a name that
    /// contains an email address, which some providers send: names appear in audit data
    /// and emails, addresses must not.
    pub fn from_claim(text: &str) -> Option<Self> {
        let line: String = text
            .chars()
            .map(|c| if breaks_line(c) { ' ' } else { c })
            .collect();
        let start: String = line.trim().chars().take(MAX_NAME).collect();
        let name = start.trim_end();
        (name.chars().any(is_visible) && !name.contains('@')).then(|| Self(name.to_owned()))
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
    /// The map has more than 16 KB of JSON.
    #[error("must be at most 16384 bytes of JSON in all")]
    TooLarge,
}

impl Metadata {
    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

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
        if json_length(&map) > MAX_METADATA {
            return Err(InvalidMetadata::TooLarge);
        }
        Ok(Self(map))
    }
}

impl From<Metadata> for BTreeMap<String, String> {
    fn from(metadata: Metadata) -> Self {
        metadata.0
    }
}

/// Returns the bytes of a map as JSON without white space.
fn json_length(map: &BTreeMap<String, String>) -> usize {
    let text = |text: &str| 2 + text.chars().map(json_bytes).sum::<usize>();
    let entries = map.iter().map(|(key, value)| text(key) + 1 + text(value));
    let commas = map.len().saturating_sub(1);
    2 + commas + entries.sum::<usize>()
}

/// Returns the bytes of a character in a JSON string: more than in UTF-8 for those that
/// JSON escapes.
fn json_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{C}' | '\r' => 2,
        '\0'..='\u{1F}' => 6,
        c => c.len_utf8(),
    }
}

/// Returns whether a character shows something where it stands alone. Invisible are
/// blanks, control and format characters, fillers, variation selectors, tags, and the
/// marks that only modify a letter. An unassigned character counts as visible: it may be
/// an emoji that is newer than these tables.
pub(crate) fn is_visible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    // Symbols that are drawn as blanks: an empty braille pattern, and a null note head.
    let is_blank = matches!(c, '\u{2800}' | '\u{1D159}');
    let has_no_form = GeneralCategoryGroup::Separator
        .union(GeneralCategoryGroup::Mark)
        .union(GeneralCategoryGroup::Control)
        .union(GeneralCategoryGroup::Format)
        .contains(category);
    !(is_ignorable || is_blank || has_no_form)
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

    /// Texts that show nothing, each of another kind of character.
    const INVISIBLE: [&str; 19] = [
        "\u{200B}\u{200D}\u{FEFF}",
        "\u{AD}",
        "\u{2060}\u{2064}",
        "\u{202E}\u{2066}\u{200F}",
        "\u{FFF9}\u{FFFB}",
        "\u{300}\u{301}",
        "\u{489}",
        "\u{34F}",
        "\u{180E}",
        "\u{3164}",
        "\u{115F}\u{1160}",
        "\u{FFA0}",
        "\u{2800}",
        "\u{FE0F}",
        "\u{E0100}",
        "\u{E0041}\u{E007F}",
        "\u{A0}\u{2003}\u{3000}",
        "\u{1D159}",
        "\u{1D173}",
    ];

    #[test]
    fn name_without_a_visible_character_is_refused() {
        for text in INVISIBLE {
            let text = format!("{text}\u{200B}");
            assert_eq!(
                OrganizationName::parse(&text),
                Err(InvalidText::Invisible),
                "{}",
                text.escape_unicode()
            );
            assert_eq!(ApiKeyName::parse(&text), Err(InvalidText::Invisible));
            assert_eq!(PersonName::from_claim(&text), None);
        }
    }

    #[test]
    fn name_with_one_visible_character_is_accepted() {
        for text in [
            "x",
            "é",
            "e\u{301}",
            "\u{200B}x",
            "株式会社",
            "می‌خواهم",
            "👩‍👩‍👧",
            "❤️",
            "🏴\u{E0067}\u{E007F}",
            "-",
            "\u{1FAFF}",
        ] {
            assert!(OrganizationName::parse(text).is_ok(), "{text:?}");
        }
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

    #[test]
    fn metadata_over_16_kilobytes_of_json_is_refused() {
        let metadata = |last: usize| {
            let full = (10..42).map(|n| (n.to_string(), "x".repeat(500)));
            let last = ("last".to_owned(), "x".repeat(last));
            full.chain([last]).collect::<BTreeMap<_, _>>()
        };
        let room = MAX_METADATA - json_length(&metadata(0));
        assert!(Metadata::try_from(metadata(room)).is_ok());
        let over = Metadata::try_from(metadata(room + 1));
        assert_eq!(over, Err(InvalidMetadata::TooLarge));
        assert_eq!(
            over.unwrap_err().to_string(),
            "must be at most 16384 bytes of JSON in all"
        );
    }

    #[test]
    fn length_of_metadata_is_that_of_its_json() {
        let all: String = ('\0'..='\u{FF}').chain(['€', '🚀', '\u{2028}']).collect();
        for map in [
            BTreeMap::new(),
            BTreeMap::from([(String::new(), all.clone())]),
            BTreeMap::from([(all, String::new()), ("k".to_owned(), "v".to_owned())]),
        ] {
            let json = serde_json::to_string(&map).unwrap();
            assert_eq!(json_length(&map), json.len(), "{json}");
        }
    }
}
