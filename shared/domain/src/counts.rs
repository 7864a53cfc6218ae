//! How many of its limited things an organization has.

use serde::{Deserialize, Serialize};

use crate::{DailyCount, EmailReports, InvitesPaused};

/// The counts of an organization, from its creation to its end. They have an item of their
/// own: it is small whatever the organization's metadata, and a rename does not meet an
/// invite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The number of invites that have not ended; expired ones count until the cleanup.
    #[serde(default)]
    pub outstanding_invites: u32,
    /// The number of API keys.
    #[serde(default)]
    pub api_keys: u32,
    /// The emails of invites.
    #[serde(default, skip_serializing_if = "DailyCount::is_none")]
    pub emails: DailyCount,
    /// The reports about the first of these emails.
    #[serde(default, skip_serializing_if = "EmailReports::is_none")]
    pub reports: EmailReports,
    /// The pause of the organization's invites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invites_paused: Option<InvitesPaused>,
}
