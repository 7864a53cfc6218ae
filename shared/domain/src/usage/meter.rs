//! The meter of a billing period, and how far the use of its credits has come.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How far the use of a period's credits has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Less than 80% are used.
    Low,
    /// 80% or more, but not all.
    High,
    /// All, or after a change of plan even more.
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

    /// How many credits can be used without getting to the next level.
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

    /// The levels above this one, up to another.
    pub(crate) fn up_to(self, other: Self) -> impl Iterator<Item = Self> {
        [Self::High, Self::Full]
            .into_iter()
            .filter(move |level| self < *level && *level <= other)
    }
}

/// Rounded up: so many are at least 80%.
fn eighty_percent(credits: u64) -> u64 {
    (credits * 4).div_ceil(5)
}

/// How a period's credits are allocated out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Which period it is about.
    pub period_start: DateTime<Utc>,
    /// The period's credits.
    pub credits: u64,
    /// How many counters there are.
    pub counters: u8,
    /// How far the use has come.
    pub level: Level,
    /// Which allocation it is: counters of another one are not as this meter says.
    pub generation: u64,
}
