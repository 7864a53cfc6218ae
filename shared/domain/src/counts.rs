//! How many of its limited things an organization has.

use serde::{Deserialize, Serialize};

use crate::OrganizationId;

/// The counts of an organization. They have an item of their own: it is small
/// whatever the organization's metadata, and a rename does not meet an invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The number of invites that have not ended; expired ones count until the cleanup.
    #[serde(default)]
    pub outstanding_invites: u32,
    /// The number of API keys.
    #[serde(default)]
    pub api_keys: u32,
}

impl Counts {
    /// Returns the counts of an organization that has nothing yet.
    pub fn none(organization_id: OrganizationId) -> Self {
        Self {
            organization_id,
            outstanding_invites: 0,
            api_keys: 0,
        }
    }
}
