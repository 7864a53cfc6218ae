//! Slots of time, by which used credits are recorded.

use std::collections::{BTreeMap, btree_map::Range};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Period;

/// The numbers of hours, days, months and billing periods that are reported.
pub(super) const HOURS: i64 = 72;
pub(super) const DAYS: i64 = 60;
pub(super) const MONTHS: i64 = 12;
pub(super) const PERIODS: u32 = 13;

/// Credits by slot: the number of an hour or a day since 1970, of a month since
/// the year 0, or of a period's first day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, u64>", into = "BTreeMap<String, u64>")]
pub struct Tally(BTreeMap<i64, u64>);

impl TryFrom<BTreeMap<String, u64>> for Tally {
    type Error = std::num::ParseIntError;

    fn try_from(map: BTreeMap<String, u64>) -> Result<Self, Self::Error> {
        let entries = map.into_iter();
        let entries = entries.map(|(slot, credits)| Ok((slot.parse()?, credits)));
        entries.collect::<Result<_, _>>().map(Self)
    }
}

impl From<Tally> for BTreeMap<String, u64> {
    fn from(tally: Tally) -> Self {
        let entries = tally.0.into_iter();
        entries
            .map(|(slot, credits)| (slot.to_string(), credits))
            .collect()
    }
}

impl Tally {
    pub(super) fn get(&self, slot: i64) -> u64 {
        self.0.get(&slot).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, slot: i64, credits: u64) {
        *self.0.entry(slot).or_default() += credits;
    }

    pub(super) fn take_back(&mut self, slot: i64, credits: u64) {
        if let Some(recorded) = self.0.get_mut(&slot) {
            *recorded = recorded.saturating_sub(credits);
        }
    }

    pub(super) fn before(&self, slot: i64) -> Range<'_, i64, u64> {
        self.0.range(..slot)
    }

    pub(super) fn forget(&mut self, slots: &[i64]) {
        self.0.retain(|slot, _| !slots.contains(slot));
    }
}

/// The slots of one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// The hour's number.
    pub hour: i64,
    /// The day's number.
    pub day: i64,
    /// The month's number.
    pub month: i64,
    /// The number of the billing period's first day.
    pub period: i64,
}

impl Slots {
    pub(super) fn at(now: DateTime<Utc>, period: Period) -> Self {
        Self {
            hour: hour_of(now),
            day: day_of(now),
            month: month_of(now),
            period: day_of(period.start),
        }
    }
}

pub(super) fn hour_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(3600)
}

pub(super) fn day_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(86_400)
}

pub(super) fn month_of(at: DateTime<Utc>) -> i64 {
    i64::from(at.year()) * 12 + i64::from(at.month0())
}

pub(super) fn hour_at(slot: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(slot * 3600, 0).unwrap_or_default()
}

pub(super) fn day_at(slot: i64) -> DateTime<Utc> {
    hour_at(slot * 24)
}

pub(super) fn month_at(slot: i64) -> DateTime<Utc> {
    let year = i32::try_from(slot.div_euclid(12)).unwrap_or_default();
    let month = u32::try_from(slot.rem_euclid(12)).unwrap_or_default() + 1;
    let day = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
    day.and_time(NaiveTime::MIN).and_utc()
}
