//! The versions of items.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use domain::{ApiKey, Billing, Invite, Member, Organization};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The version of an item: another one after each change of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    number: u64,
    /// The beginning of a membership: somebody who joins again begins with the first
    /// number again.
    joined_at: Option<DateTime<Utc>>,
}

impl Version {
    const fn number(number: u64) -> Self {
        Self {
            number,
            joined_at: None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        match self.joined_at {
            Some(joined_at) => write!(f, "-{:x}", joined_at.timestamp_micros()),
            None => Ok(()),
        }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl From<&Organization> for Version {
    fn from(organization: &Organization) -> Self {
        Self::number(organization.version)
    }
}

impl From<&Member> for Version {
    fn from(member: &Member) -> Self {
        Self {
            number: member.version,
            joined_at: Some(member.joined_at),
        }
    }
}

impl From<&Invite> for Version {
    fn from(invite: &Invite) -> Self {
        Self::number(invite.version)
    }
}

impl From<&ApiKey> for Version {
    fn from(key: &ApiKey) -> Self {
        Self::number(key.version)
    }
}

impl From<&Billing> for Version {
    fn from(billing: &Billing) -> Self {
        Self::number(billing.version)
    }
}
