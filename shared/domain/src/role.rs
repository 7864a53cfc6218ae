//! Roles.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A member's role in an organization.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Role {
    /// Views everything and uses the API keys.
    User,
    /// Manages members, invites, API keys and billing, but not owners.
    Admin,
    /// Manages everything.
    Owner,
}

impl Role {
    /// All roles, least powerful first.
    pub const ALL: [Self; 3] = [Self::User, Self::Admin, Self::Owner];

    /// Returns the role's name in the API and in texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
