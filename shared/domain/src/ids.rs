//! Identifiers: each is a distinct type, so that one cannot be passed for another.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};
use uuid::Uuid;

use crate::text::parsed_text;

/// The reason why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The text is not a UUID in its canonical form.
    #[error("must be a lower-case UUID such as `01930000-0000-7000-8000-000000000000`")]
    NotAUuid,
    /// The text cannot be the `sub` of a person.
    #[error("must be 1 to 255 printable ASCII characters")]
    NotAUserId,
    /// The text cannot be an organization's id in the product.
    #[error("must be 1 to 128 printable ASCII characters without spaces")]
    NotAnExternalId,
}

/// Parses a UUID in the one form that [`Display`](fmt::Display) writes.
fn canonical(text: &str) -> Result<Uuid, InvalidId> {
    // Of the forms that the parser takes, only the hyphenated one has this length.
    const LENGTH: usize = uuid::fmt::Hyphenated::LENGTH;
    if text.len() != LENGTH || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(InvalidId::NotAUuid);
    }
    Uuid::try_parse(text).map_err(|_| InvalidId::NotAUuid)
}

fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    struct Canonical;

    impl Visitor<'_> for Canonical {
        type Value = Uuid;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a UUID")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Uuid, E> {
            canonical(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Canonical)
}

/// The bits of a UUID v7 behind its milliseconds.
const VERSION_AND_RANDOM_BITS: u32 = 80;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(#[serde(deserialize_with = "deserialize")] Uuid);

        impl $name {
            /// Wraps a UUID; callers pass version 7, so that ids sort by creation time.
            pub fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Parses the canonical form: lower case, with hyphens.
            ///
            /// # Errors
            /// [`InvalidId::NotAUuid`] for every other spelling, so that one id has one key.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                canonical(text).map(Self)
            }

            /// Returns the UUID.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// An organization's id, a UUID v7.
    OrganizationId
}
uuid_id! {
    /// An invite's id, a UUID v7.
    InviteId
}
uuid_id! {
    /// An API key's id, a UUID v7.
    ApiKeyId
}
uuid_id! {
    /// An audit event's id, a UUID v7: the events of an organization sort by time.
    EventId
}

impl OrganizationId {
    /// Returns the time of the organization's creation, in whole milliseconds: a UUID v7
    /// begins with it.
    pub fn created_at(self) -> DateTime<Utc> {
        let milliseconds = i64::try_from(self.0.as_u128() >> VERSION_AND_RANDOM_BITS);
        milliseconds
            .ok()
            .and_then(DateTime::from_timestamp_millis)
            .unwrap_or_default()
    }
}

impl EventId {
    /// Returns this id, or one a millisecond later than `earlier` where it would not
    /// sort behind it: clocks of two processes may differ.
    #[must_use]
    pub fn later_than(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if self <= earlier => {
                let random = self.0.as_u128() & ((1 << VERSION_AND_RANDOM_BITS) - 1);
                let milliseconds = (earlier.0.as_u128() >> VERSION_AND_RANDOM_BITS) + 1;
                Self(Uuid::from_u128(
                    milliseconds << VERSION_AND_RANDOM_BITS | random,
                ))
            }
            _ => self,
        }
    }
}

/// A person's id: the `sub` of the identity provider, 1 to 255 ASCII characters.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct UserId(String);

impl UserId {
    /// Parses a `sub`, which OpenID Connect Core, section 2, limits to 255 ASCII characters.
    ///
    /// # Errors
    /// [`InvalidId::NotAUserId`] if it is empty, too long, or not printable ASCII.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if text.is_empty() || text.len() > 255 || !printable {
            return Err(InvalidId::NotAUserId);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the `sub`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

parsed_text!(UserId, InvalidId);

/// An organization's id in the product: 1 to 128 printable ASCII characters without
/// spaces, unique among the organizations.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, with = "String", extend("minLength" = 1, "maxLength" = 128))]
pub struct ExternalId(String);

impl ExternalId {
    /// Parses an id; letter case counts.
    ///
    /// # Errors
    /// [`InvalidId::NotAnExternalId`].
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > 128 || !is_printable {
            return Err(InvalidId::NotAnExternalId);
        }
        Ok(Self(text.to_owned()))
    }
}

parsed_text!(ExternalId, InvalidId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_id_of_a_slow_clock_sorts_behind_the_earlier_one() {
        let id = |text: &str| EventId::parse(text).unwrap();
        let earlier = id("01930000-0005-7fff-bfff-ffffffffffff");
        let slow = id("01930000-0003-7abc-8000-000000000001");
        let later = slow.later_than(Some(earlier));
        assert_eq!(later, id("01930000-0006-7abc-8000-000000000001"));
        assert_eq!(
            earlier.later_than(Some(earlier)),
            id("01930000-0006-7fff-bfff-ffffffffffff")
        );
        let fast = id("01930000-0007-7000-8000-000000000000");
        assert_eq!(fast.later_than(Some(earlier)), fast);
        assert_eq!(slow.later_than(None), slow);
    }

    #[test]
    fn id_in_any_but_its_canonical_form_is_refused() {
        let text = "0193abcd-0000-7000-8000-000000000001";
        let id = OrganizationId::parse(text).unwrap();
        assert_eq!(id.to_string(), text);
        let json = serde_json::to_value(id).unwrap();
        assert_eq!(json, text);
        assert_eq!(serde_json::from_value::<OrganizationId>(json).unwrap(), id);
        for wrong in [
            "",
            "x",
            "0193ABCD-0000-7000-8000-000000000001",
            "0193abcd000070008000000000000001",
            "{0193abcd-0000-7000-8000-000000000001}",
            "urn:uuid:0193abcd-0000-7000-8000-000000000001",
            " 0193abcd-0000-7000-8000-000000000001",
            "0193abcd-0000-7000-8000-000000000001\n",
        ] {
            let refused = InvalidId::NotAUuid;
            assert_eq!(OrganizationId::parse(wrong), Err(refused.clone()));
            let error = serde_json::from_value::<OrganizationId>(wrong.into()).unwrap_err();
            assert_eq!(error.to_string(), refused.to_string(), "{wrong:?}");
        }
        for wrong in [serde_json::json!(7), serde_json::json!([text])] {
            assert!(serde_json::from_value::<OrganizationId>(wrong).is_err());
        }
    }

    #[test]
    fn user_id_that_openid_forbids_is_refused() {
        for allowed in ["auth0|5f7c8ec7c33c6c004bbafe82", "f:3c1b:John Doe", "#~ "] {
            assert!(UserId::parse(allowed).is_ok(), "{allowed}");
        }
        for wrong in ["", "tab\t", "\u{7f}", "line\nbreak", "ü", &"x".repeat(256)] {
            assert_eq!(
                UserId::parse(wrong),
                Err(InvalidId::NotAUserId),
                "{wrong:?}"
            );
        }
    }
}
