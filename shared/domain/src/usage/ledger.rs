//! The ledger: an organization's plan and counters, and the allocation of its credits.

use chrono::{DateTime, Utc};

use super::{
    counter::{Counter, Debit, MAX_COUNTERS},
    meter::{Level, Meter},
    refund::Credit,
    slots::{
        DAYS, HOURS, MONTHS, PERIODS, Tally, day_at, day_of, hour_at, hour_of, month_at, month_of,
    },
};
use crate::{Actor, Billing, Change, Event, EventKind, Notice, Period, Plans};

/// The credits of a plan per counter.
const CREDITS_OF_A_COUNTER: u64 = 3_000;

/// An organization's plan, meter and counters.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The plan and the meter.
    pub billing: Billing,
    /// All counters, in order.
    pub counters: Vec<Counter>,
}

/// The history of used credits; hours, days and months without use have an entry, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The last 72 hours, oldest first.
    pub hours: Vec<(DateTime<Utc>, u64)>,
    /// The last 60 days, oldest first.
    pub days: Vec<(DateTime<Utc>, u64)>,
    /// The last 12 months, oldest first.
    pub months: Vec<(DateTime<Utc>, u64)>,
    /// The last 13 billing periods, newest first.
    pub periods: Vec<(Period, u64)>,
}

impl Ledger {
    /// Returns whether all counters are of the meter's allocation. A batch reads
    /// them, and is not a snapshot.
    pub fn is_consistent(&self) -> bool {
        match &self.billing.meter {
            None => self.counters.is_empty(),
            Some(meter) => {
                self.counters.len() == usize::from(meter.counters)
                    && self
                        .counters
                        .iter()
                        .all(|c| c.generation == meter.generation)
            }
        }
    }

    /// Returns the credits of the period that contains `now`.
    pub fn allowed_at(&self, plans: &Plans, now: DateTime<Utc>) -> u64 {
        match self.billing.meter_at(now) {
            Some(meter) => meter.credits,
            None => self.billing.plan_at(plans, now).monthly_credits,
        }
    }

    /// Returns the credits used in the period that contains `now`.
    pub fn used_at(&self, now: DateTime<Utc>) -> u64 {
        self.used_in(self.billing.period_at(now))
    }

    pub(super) fn used_in(&self, period: Period) -> u64 {
        self.total(|counter| &counter.periods, day_of(period.start))
    }

    /// Returns the credits used on each of the last 60 days, oldest first.
    pub fn days(&self, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, u64)> {
        let days = day_of(now) - DAYS + 1..=day_of(now);
        days.map(|day| (day_at(day), self.total(|counter| &counter.days, day)))
            .collect()
    }

    /// Returns the history of used credits.
    pub fn report(&self, now: DateTime<Utc>) -> UsageReport {
        let hours = hour_of(now) - HOURS + 1..=hour_of(now);
        let months = month_of(now) - MONTHS + 1..=month_of(now);
        let periods = self.billing.anchor.periods_until(now, PERIODS);
        UsageReport {
            hours: hours
                .map(|hour| (hour_at(hour), self.total(|counter| &counter.hours, hour)))
                .collect(),
            days: self.days(now),
            months: months
                .map(|month| {
                    (
                        month_at(month),
                        self.total(|counter| &counter.months, month),
                    )
                })
                .collect(),
            periods: periods
                .map(|period| (period, self.used_in(period)))
                .collect(),
        }
    }

    /// Applies debits as the table does: all of them, if the condition of each holds.
    /// Returns whether they were applied.
    ///
    /// The table's own arithmetic is an update expression. The system tests run random
    /// histories on both and compare them.
    pub fn apply(&mut self, debits: &[Debit]) -> bool {
        let permitted = debits.iter().all(|debit| {
            let counter = self.counters.get(usize::from(debit.counter));
            counter.is_some_and(|counter| counter.permits(debit))
        });
        if permitted {
            for debit in debits {
                if let Some(counter) = self.counters.get_mut(usize::from(debit.counter)) {
                    counter.debit(debit);
                }
            }
        }
        permitted
    }

    /// Applies credits as the table does. Returns whether the condition of each held.
    pub fn apply_credits(&mut self, credits: &[Credit]) -> bool {
        credits.iter().all(|credit| {
            let counter = self.counters.get_mut(usize::from(credit.counter));
            counter.is_some_and(|counter| counter.credit(credit))
        })
    }

    fn total(&self, tally: impl Fn(&Counter) -> &Tally, slot: i64) -> u64 {
        let counters = self.counters.iter();
        counters.map(|counter| tally(counter).get(slot)).sum()
    }

    /// Allocates the credits that the meter's level allows, less the used ones, evenly.
    pub(crate) fn allocate(&mut self, mut meter: Meter, used: u64, now: DateTime<Utc>) {
        let needed = meter.credits.div_ceil(CREDITS_OF_A_COUNTER);
        let needed = u8::try_from(needed)
            .unwrap_or(MAX_COUNTERS)
            .min(MAX_COUNTERS);
        // Existing counters stay, with their history.
        let present = u8::try_from(self.counters.len()).unwrap_or(MAX_COUNTERS);
        let new = (present..needed).map(|n| Counter::new(self.billing.organization_id, n));
        self.counters.extend(new);
        meter.counters = present.max(needed);
        meter.generation += 1;
        let left = meter.level.cap(meter.credits).saturating_sub(used);
        let share = left / u64::from(meter.counters);
        let mut rest = left % u64::from(meter.counters);
        for counter in &mut self.counters {
            counter.generation = meter.generation;
            counter.left = share + u64::from(rest > 0);
            rest = rest.saturating_sub(1);
            counter.forget(&counter.stale(now));
        }
        self.billing.meter = Some(meter);
    }

    /// Returns the event of a threshold that the use has come to, unless its notice
    /// was sent in this period before. Only the highest one is of interest.
    pub(crate) fn threshold(&mut self, from: Level, to: Level, used: u64) -> Option<Event> {
        let meter = self.billing.meter.as_mut()?;
        let credits = meter.credits;
        if to <= from || !meter.notified.note(to, credits) {
            return None;
        }
        let percent = to.percent()?;
        let period_end = self.billing.anchor.period_at(meter.period_start).end;
        let changes = vec![
            Change::added("percent", percent),
            Change::added("used", used),
            Change::added("allowed", credits),
        ];
        let kind = EventKind::UsageThresholdReached;
        let event = Event::new(kind, Actor::System, self.billing.as_subject(), changes);
        Some(event.with_notice(Notice::Credits {
            percent,
            used,
            allowed: credits,
            plan: self.billing.plan.name.clone(),
            period_end,
        }))
    }
}
