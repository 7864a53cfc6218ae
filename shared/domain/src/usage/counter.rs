//! Counters: the parts that a period's credits are allocated to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::slots::{DAYS, HOURS, MONTHS, PERIODS, Slots, Tally, day_of, hour_of, month_of};
use crate::OrganizationId;

/// The most counters of an organization.
pub const MAX_COUNTERS: u8 = 16;

/// A part of the credits of an organization, and what was used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Which of the organization's counters it is, from 0.
    pub number: u8,
    /// Which allocation its credits are of.
    pub generation: u64,
    /// How many credits are left on it.
    pub left: u64,
    /// Credits used, by hours.
    pub hours: Tally,
    /// Credits used, by days.
    pub days: Tally,
    /// Credits used, by months.
    pub months: Tally,
    /// Credits used, by billing periods.
    pub periods: Tally,
    /// Counts the changes of this record.
    pub version: u64,
}

/// The numbers of what is too old to be told of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Hours.
    pub hours: Vec<i64>,
    /// Days.
    pub days: Vec<i64>,
    /// Months.
    pub months: Vec<i64>,
    /// Billing periods.
    pub periods: Vec<i64>,
}

impl Counter {
    pub(super) fn new(organization_id: OrganizationId, number: u8) -> Self {
        Self {
            organization_id,
            number,
            generation: 0,
            left: 0,
            hours: Tally::default(),
            days: Tally::default(),
            months: Tally::default(),
            periods: Tally::default(),
            version: 0,
        }
    }

    pub(super) fn note(&mut self, at: Slots, credits: u64) {
        self.hours.add(at.hour, credits);
        self.days.add(at.day, credits);
        self.months.add(at.month, credits);
        self.periods.add(at.period, credits);
    }

    pub(super) fn stale(&self, now: DateTime<Utc>) -> Stale {
        let old = |tally: &Tally, first: i64| tally.before(first).map(|(slot, _)| *slot).collect();
        Stale {
            hours: old(&self.hours, hour_of(now) - HOURS + 1),
            days: old(&self.days, day_of(now) - DAYS + 1),
            months: old(&self.months, month_of(now) - MONTHS + 1),
            periods: old(&self.periods, day_of(now) - i64::from(PERIODS) * 31),
        }
    }

    pub(super) fn forget(&mut self, stale: &Stale) {
        let of_each = [
            (&mut self.hours, &stale.hours),
            (&mut self.days, &stale.days),
            (&mut self.months, &stale.months),
            (&mut self.periods, &stale.periods),
        ];
        for (tally, slots) in of_each {
            tally.forget(slots);
        }
    }
}

/// Credits to take from one counter, if it still has so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debit {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Which counter.
    pub counter: u8,
    /// The allocation that the credits have to be of.
    pub generation: u64,
    /// How many.
    pub credits: u64,
    /// Where they are noted.
    pub at: Slots,
    /// What can be forgotten on the occasion.
    pub stale: Stale,
}
