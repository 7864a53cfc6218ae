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
    /// The notices that were sent in this period.
    #[serde(default)]
    pub notified: Notified,
}

/// For each threshold the most credits that its notice was sent for in a period; 0
/// if none was. A plan with fewer credits sends no notice again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// Of the notice at 80%.
    pub high: u64,
    /// Of the notice at 100%.
    pub full: u64,
}

impl Notified {
    /// Notes that a level was reached with so many credits. Returns whether a notice
    /// of it has to be sent: a notice of more covers one of less.
    pub(crate) fn note(&mut self, level: Level, credits: u64) -> bool {
        let before = *self;
        match level {
            Level::Low => false,
            Level::High => {
                self.high = self.high.max(credits);
                credits > before.high
            }
            Level::Full => {
                self.high = self.high.max(credits);
                self.full = self.full.max(credits);
                credits > before.full
            }
        }
    }
}
