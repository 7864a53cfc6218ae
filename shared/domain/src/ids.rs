//! Identifiers, each a type of its own so that one cannot stand for another.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::text::parsed_text;

/// Why a string is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not a UUID in its usual form.
    #[error("must be a UUID such as `01930000-0000-7000-8000-000000000000`")]
    NotAUuid,
    /// Not usable as the id of a person.
    #[error("must be 1 to 255 printable ASCII characters without spaces")]
    NotAUserId,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID; callers make version 7, so that ids sort by the time of their making.
            pub fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Reads the hyphenated form, in either letter case.
            ///
            /// # Errors
            /// [`InvalidId::NotAUuid`] for every other spelling, so that one id has one key.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if text.len() != 36 {
                    return Err(InvalidId::NotAUuid);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId::NotAUuid)
            }

            /// The UUID inside.
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
    /// An audit event's id, a UUID v7: events of one organization sort by it in time.
    EventId
}

/// A person: the `sub` that the sign-in provider gives.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct UserId(String);

impl UserId {
    /// Takes a `sub` as it is; OpenID Connect Core, section 2, limits it to 255 ASCII characters.
    ///
    /// # Errors
    /// [`InvalidId::NotAUserId`] when it is empty, too long, or not printable ASCII.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > 255 || !printable {
            return Err(InvalidId::NotAUserId);
        }
        Ok(Self(text.to_owned()))
    }

    /// The `sub` as the provider gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

parsed_text!(UserId, InvalidId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_exactly_one_spelling() {
        let text = "01930000-0000-7000-8000-000000000001";
        assert_eq!(OrganizationId::parse(text).unwrap().to_string(), text);
        let upper = "0193ABCD-0000-7000-8000-000000000001";
        assert_eq!(
            OrganizationId::parse(upper).unwrap().to_string(),
            upper.to_lowercase()
        );
        for wrong in [
            "",
            "x",
            "01930000000070008000000000000001",
            "{01930000-0000-7000-8000-000000000001}",
        ] {
            assert_eq!(
                OrganizationId::parse(wrong),
                Err(InvalidId::NotAUuid),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_user_id_is_what_openid_allows() {
        assert!(UserId::parse("auth0|5f7c8ec7c33c6c004bbafe82").is_ok());
        for wrong in ["", "two words", "line\nbreak", "ü", &"x".repeat(256)] {
            assert_eq!(
                UserId::parse(wrong),
                Err(InvalidId::NotAUserId),
                "{wrong:?}"
            );
        }
    }
}
