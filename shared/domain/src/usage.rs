//! Usage: credits that are taken from a billing period's, and how many were
//! taken when.
//!
//! The credits of a period are allocated out to counters, so that many requests at
//! once need not change the same item. What is left on the counters and what is
//! used is, together, never more than the plan's credits; so nothing can be
//! taken beyond them. Not all credits are allocated out at once: those with which
//! 80% are reached, and the very last one, are kept back. Whoever needs them
//! changes the meter, and thereby is the only one who reaches the threshold.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, btree_map::Range},
};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Billing, Change, Event, EventKind, Notice, OrganizationId, Period, Plans, Refusal,
};

/// The most counters of an organization.
pub const MAX_COUNTERS: u8 = 16;
/// A plan has one counter for so many credits.
const CREDITS_OF_A_COUNTER: u64 = 3_000;

/// How many hours, days, months and billing periods are told of.
const HOURS: i64 = 72;
const DAYS: i64 = 60;
const MONTHS: i64 = 12;
const PERIODS: u32 = 13;

/// How many credits a request takes: 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u64")]
#[schemars(inline)]
pub struct Credits(#[schemars(range(min = 1, max = 1000))] u64);

/// Why a number cannot be the credits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 1000")]
pub struct InvalidCredits;

impl Credits {
    /// Takes a number.
    ///
    /// # Errors
    /// [`InvalidCredits`] unless it is from 1 to 1000.
    pub fn new(number: u64) -> Result<Self, InvalidCredits> {
        if (1..=1000).contains(&number) {
            Ok(Self(number))
        } else {
            Err(InvalidCredits)
        }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Credits {
    type Error = InvalidCredits;

    fn try_from(number: u64) -> Result<Self, InvalidCredits> {
        Self::new(number)
    }
}

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
    fn cap(self, credits: u64) -> u64 {
        match self {
            Self::Low => eighty_percent(credits) - 1,
            Self::High => credits - 1,
            Self::Full => credits,
        }
    }

    fn percent(self) -> Option<u8> {
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

/// Credits by the number of an hour, a day or a month, counted since 1970 (a
/// month: since the year 0). A period goes by its first day.
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
    fn get(&self, slot: i64) -> u64 {
        self.0.get(&slot).copied().unwrap_or_default()
    }

    fn add(&mut self, slot: i64, credits: u64) {
        *self.0.entry(slot).or_default() += credits;
    }

    fn before(&self, slot: i64) -> Range<'_, i64, u64> {
        self.0.range(..slot)
    }
}

/// Where credits that are used at one instant are noted.
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
    fn at(now: DateTime<Utc>, period: Period) -> Self {
        Self {
            hour: hour_of(now),
            day: day_of(now),
            month: month_of(now),
            period: day_of(period.start),
        }
    }
}

fn hour_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(3600)
}

fn day_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(86_400)
}

fn month_of(at: DateTime<Utc>) -> i64 {
    i64::from(at.year()) * 12 + i64::from(at.month0())
}

fn hour_at(slot: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(slot * 3600, 0).unwrap_or_default()
}

fn day_at(slot: i64) -> DateTime<Utc> {
    hour_at(slot * 24)
}

fn month_at(slot: i64) -> DateTime<Utc> {
    let year = i32::try_from(slot.div_euclid(12)).unwrap_or_default();
    let month = u32::try_from(slot.rem_euclid(12)).unwrap_or_default() + 1;
    let day = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
    day.and_time(NaiveTime::MIN).and_utc()
}

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
    fn new(organization_id: OrganizationId, number: u8) -> Self {
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

    fn note(&mut self, at: Slots, credits: u64) {
        self.hours.add(at.hour, credits);
        self.days.add(at.day, credits);
        self.months.add(at.month, credits);
        self.periods.add(at.period, credits);
    }

    fn stale(&self, now: DateTime<Utc>) -> Stale {
        let old = |tally: &Tally, first: i64| tally.before(first).map(|(slot, _)| *slot).collect();
        Stale {
            hours: old(&self.hours, hour_of(now) - HOURS + 1),
            days: old(&self.days, day_of(now) - DAYS + 1),
            months: old(&self.months, month_of(now) - MONTHS + 1),
            periods: old(&self.periods, day_of(now) - i64::from(PERIODS) * 31),
        }
    }

    fn forget(&mut self, stale: &Stale) {
        let of_each = [
            (&mut self.hours, &stale.hours),
            (&mut self.days, &stale.days),
            (&mut self.months, &stale.months),
            (&mut self.periods, &stale.periods),
        ];
        for (tally, slots) in of_each {
            tally.0.retain(|slot, _| !slots.contains(slot));
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

/// What an organization has and uses: its plan, its meter, its counters.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The plan and the meter.
    pub billing: Billing,
    /// The counters that there are, in order.
    pub counters: Vec<Counter>,
}

/// How credits are taken.
#[derive(Debug, Clone)]
pub enum Spending {
    /// From what is left on counters.
    Debited(Vec<Debit>),
    /// With a new allocation: a period begins, or a threshold is reached.
    Allocated {
        /// The plan, with the meter as it is to be.
        billing: Box<Billing>,
        /// Every counter as it is to be.
        counters: Vec<Counter>,
        /// What to record.
        events: Vec<Event>,
    },
}

/// What taking credits comes to.
#[derive(Debug, Clone)]
pub struct Spent {
    /// How they are taken.
    pub spending: Spending,
    /// The period's credits.
    pub allowed: u64,
    /// How many of them are used then.
    pub used: u64,
}

/// How many credits were used when: every hour, day and month has its entry.
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
    /// Whether all of it is of one allocation. It is read in one batch, which is
    /// not of one instant.
    pub fn is_whole(&self) -> bool {
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

    /// The credits of the period that `now` is in.
    pub fn allowed_at(&self, plans: &Plans, now: DateTime<Utc>) -> u64 {
        match self.billing.meter_at(now) {
            Some(meter) => meter.credits,
            None => self.billing.plan_at(plans, now).monthly_credits,
        }
    }

    /// How many credits are used in the period that `now` is in.
    pub fn used_at(&self, now: DateTime<Utc>) -> u64 {
        self.used_in(self.billing.period_at(now))
    }

    fn used_in(&self, period: Period) -> u64 {
        self.total(|counter| &counter.periods, day_of(period.start))
    }

    /// How many credits were used on each of the last 60 days, oldest first.
    pub fn days(&self, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, u64)> {
        let days = day_of(now) - DAYS + 1..=day_of(now);
        days.map(|day| (day_at(day), self.total(|counter| &counter.days, day)))
            .collect()
    }

    /// How many credits were used when.
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

    fn total(&self, tally: impl Fn(&Counter) -> &Tally, slot: i64) -> u64 {
        let counters = self.counters.iter();
        counters.map(|counter| tally(counter).get(slot)).sum()
    }

    /// Deals out what is left of the meter's credits when so many are used.
    pub(crate) fn allocate(&mut self, mut meter: Meter, used: u64, now: DateTime<Utc>) {
        let needed = meter.credits.div_ceil(CREDITS_OF_A_COUNTER);
        let needed = u8::try_from(needed)
            .unwrap_or(MAX_COUNTERS)
            .min(MAX_COUNTERS);
        // Those that are there stay, with what they have noted.
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

    /// What to record when the use has come from one level to another.
    pub(crate) fn thresholds(&self, from: Level, to: Level, used: u64, credits: u64) -> Vec<Event> {
        let period_end = self.billing.meter.as_ref().map(|meter| {
            let period = self.billing.anchor.period_at(meter.period_start);
            period.end
        });
        let reached = from.up_to(to).filter_map(Level::percent);
        let reached = reached.zip(std::iter::repeat(period_end.unwrap_or_default()));
        reached
            .map(|(percent, period_end)| {
                let changes = vec![
                    Change::added("percent", percent),
                    Change::added("used", used),
                    Change::added("allowed", credits),
                ];
                let kind = EventKind::UsageThresholdReached;
                Event::new(kind, Actor::System, self.billing.as_subject(), changes).with_notice(
                    Notice::Credits {
                        percent,
                        used,
                        allowed: credits,
                        plan: self.billing.plan.name.clone(),
                        period_end,
                    },
                )
            })
            .collect()
    }

    /// Which counters to take credits from: one that has them, the likelier the
    /// more it has; or several, where no single one has enough.
    fn debit(
        &self,
        credits: u64,
        seed: u64,
        slots: Slots,
        now: DateTime<Utc>,
    ) -> Option<Vec<Debit>> {
        let debit = |counter: &Counter, credits: u64| Debit {
            organization_id: counter.organization_id,
            counter: counter.number,
            generation: counter.generation,
            credits,
            at: slots,
            stale: counter.stale(now),
        };
        let able = || self.counters.iter().filter(|c| c.left >= credits);
        let weight: u64 = able().map(|counter| counter.left).sum();
        if let Some(mut at) = seed.checked_rem(weight) {
            for counter in able() {
                if at < counter.left {
                    return Some(vec![debit(counter, credits)]);
                }
                at -= counter.left;
            }
        }
        let mut richest: Vec<&Counter> = self.counters.iter().collect();
        richest.sort_by_key(|counter| Reverse(counter.left));
        let mut missing = credits;
        let mut debits = Vec::new();
        for counter in richest.into_iter().filter(|counter| counter.left > 0) {
            let part = missing.min(counter.left);
            debits.push(debit(counter, part));
            missing -= part;
            if missing == 0 {
                return Some(debits);
            }
        }
        None
    }
}

/// Decides the use of credits. `seed` is any number; it spreads requests that
/// come at once over the counters.
///
/// # Errors
/// [`Refusal::CreditsUsedUp`] when there are not so many left in the period.
pub fn spend(
    ledger: &Ledger,
    plans: &Plans,
    credits: Credits,
    seed: u64,
    now: DateTime<Utc>,
) -> Result<Spent, Refusal> {
    let period = ledger.billing.period_at(now);
    let slots = Slots::at(now, period);
    let allowed = ledger.allowed_at(plans, now);
    let used = ledger.used_in(period) + credits.get();
    let spent = |spending| Spent {
        spending,
        allowed,
        used,
    };
    let meter = ledger.billing.meter_at(now);
    if meter.is_some()
        && let Some(debits) = ledger.debit(credits.get(), seed, slots, now)
    {
        return Ok(spent(Spending::Debited(debits)));
    }
    if used > allowed {
        return Err(Refusal::CreditsUsedUp {
            used: used - credits.get(),
            allowed,
            wanted: credits.get(),
            wait: (period.end - now).max(TimeDelta::zero()),
        });
    }

    let mut next = ledger.clone();
    let due = next.billing.settle(plans, now);
    let before = meter.map_or(Level::Low, |meter| meter.level);
    let level = Level::of(used, allowed);
    let meter = Meter {
        period_start: period.start,
        credits: allowed,
        counters: 0,
        level,
        generation: ledger.billing.generation(),
    };
    next.allocate(meter, used, now);
    let lucky = seed.checked_rem(next.counters.len() as u64);
    let lucky = lucky.and_then(|n| usize::try_from(n).ok());
    if let Some(counter) = lucky.and_then(|n| next.counters.get_mut(n)) {
        counter.note(slots, credits.get());
    }
    let thresholds = next.thresholds(before, level, used, allowed);
    Ok(spent(Spending::Allocated {
        billing: Box::new(next.billing),
        counters: next.counters,
        events: due.into_iter().chain(thresholds).collect(),
    }))
}
