//! Sharded counters, to which a period's credits are allocated.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::refund::Credit;
use super::slots::{DAYS, HOURS, MONTHS, PERIODS, Slots, Tally, day_of, hour_of, month_of};
use crate::OrganizationId;

/// The maximum number of counters of an organization.
pub const MAX_COUNTERS: u8 = 16;

/// One shard of an organization's credits, and the history of their use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The counter's number in the organization, from 0.
    pub number: u8,
    /// The allocation that its credits are of.
    pub generation: u64,
    /// The credits left.
    pub left: u64,
    /// Credits used, by hour.
    pub hours: Tally,
    /// Credits used, by day.
    pub days: Tally,
    /// Credits used, by month.
    pub months: Tally,
    /// Credits used, by billing period.
    pub periods: Tally,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

/// The slots that are too old to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Numbers of hours.
    pub hours: Vec<i64>,
    /// Numbers of days.
    pub days: Vec<i64>,
    /// Numbers of months.
    pub months: Vec<i64>,
    /// Numbers of the first days of billing periods.
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

    pub(super) fn record(&mut self, at: Slots, credits: u64) {
        self.hours.add(at.hour, credits);
        self.days.add(at.day, credits);
        self.months.add(at.month, credits);
        self.periods.add(at.period, credits);
    }

    pub(super) fn take_back(&mut self, at: Slots, credits: u64) {
        self.hours.take_back(at.hour, credits);
        self.days.take_back(at.day, credits);
        self.months.take_back(at.month, credits);
        self.periods.take_back(at.period, credits);
    }

    /// Applies a credit as the table does, if its condition holds. Returns whether it
    /// was applied.
    pub(super) fn credit(&mut self, credit: &Credit) -> bool {
        let is_of_allocation = self.generation == credit.generation;
        if is_of_allocation {
            self.left += credit.usable;
            self.take_back(credit.at, credit.credits);
        }
        is_of_allocation
    }

    /// Returns whether the condition of a debit holds.
    pub(super) fn permits(&self, debit: &Debit) -> bool {
        self.generation == debit.generation && self.left >= debit.credits
    }

    pub(super) fn debit(&mut self, debit: &Debit) {
        self.left -= debit.credits;
        self.record(debit.at, debit.credits);
        self.forget(&debit.stale);
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

/// A debit of one counter, on the condition that it has enough credits left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debit {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The counter's number.
    pub counter: u8,
    /// The allocation that the counter must be of.
    pub generation: u64,
    /// The credits to take.
    pub credits: u64,
    /// The slots in which to record them.
    pub at: Slots,
    /// The slots to delete with the same update.
    pub stale: Stale,
}
