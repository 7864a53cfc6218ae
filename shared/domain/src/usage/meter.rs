//! The meter of a billing period, and the level of use.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The level of use of a period's credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Less than 80%.
    Low,
    /// From 80% to less than 100%.
    High,
    /// 100%, or more after a change of plan.
    Full,
}

impl Level {
    pub(crate) fn of(used: u64, credits: u64) -> Self {
        if used >= credits {
            Self::Full
        } else if used >= eighty_percent(credits) {
            Self::High
        } else {
            Self::Low
        }
    }

    /// Returns the credits that can be used without reaching the next level.
    pub(super) fn cap(self, credits: u64) -> u64 {
        match self {
            Self::Low => eighty_percent(credits) - 1,
            Self::High => credits - 1,
            Self::Full => credits,
        }
    }

    pub(super) fn percent(self) -> Option<u8> {
        match self {
            Self::Low => None,
            Self::High => Some(80),
            Self::Full => Some(100),
        }
    }

    /// Returns the levels above this one, up to another.
    pub(crate) fn up_to(self, other: Self) -> impl Iterator<Item = Self> {
        [Self::High, Self::Full]
            .into_iter()
            .filter(move |level| self < *level && *level <= other)
    }
}

/// Returns 80% of the credits, rounded up.
fn eighty_percent(credits: u64) -> u64 {
    (credits * 4).div_ceil(5)
}

/// The allocation of a period's credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// The start of the period.
    pub period_start: DateTime<Utc>,
    /// The period's credits.
    pub credits: u64,
    /// The number of counters.
    pub counters: u8,
    /// The level of use at the allocation.
    pub level: Level,
    /// The number of the allocation; a counter of another one does not belong to this meter.
    pub generation: u64,
}
