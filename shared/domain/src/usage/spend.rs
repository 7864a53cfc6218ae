//! The use of credits.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    counter::{Counter, Debit},
    ledger::Ledger,
    meter::{Level, Meter, Notified},
    refund::Part,
    slots::Slots,
};
use crate::{Billing, Event, Plans, Refusal};

/// The credits that a request uses: 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u64")]
#[schemars(inline, extend("minimum" = 1, "maximum" = 1000))]
pub struct Credits(u64);

/// The error of a number that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 1000")]
pub struct InvalidCredits;

impl Credits {
    /// Makes credits of a number.
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

    /// Returns the number.
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

/// The changes that use credits.
#[derive(Debug, Clone)]
pub enum Spending {
    /// Debits of counters with enough credits left.
    Debited(Vec<Debit>),
    /// A new allocation: a period begins, or a threshold is reached.
    Allocated {
        /// The billing, with the new meter.
        billing: Box<Billing>,
        /// Every counter, newly allocated.
        counters: Vec<Counter>,
        /// The events to record.
        events: Vec<Event>,
    },
}

/// The result of using credits.
#[derive(Debug, Clone)]
pub struct Spent {
    /// The changes to commit.
    pub spending: Spending,
    /// The period's credits.
    pub allowed: u64,
    /// The credits used in the period, with these.
    pub used: u64,
    /// The start of the period.
    pub period_start: DateTime<Utc>,
    /// The counters that recorded these credits.
    pub parts: Vec<Part>,
}

impl Ledger {
    /// Chooses the counters to debit: one that has enough, at random weighted by the
    /// credits left; or several, if no single one has enough.
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

/// Decides the use of credits. `seed` is a random number that spreads concurrent
/// requests over the counters.
///
/// # Errors
/// [`Refusal::CreditsUsedUp`] if the period has too few credits left.
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
    let spent = |spending, parts| Spent {
        spending,
        allowed,
        used,
        period_start: period.start,
        parts,
    };
    let meter = ledger.billing.meter_at(now);
    if meter.is_some()
        && let Some(debits) = ledger.debit(credits.get(), seed, slots, now)
    {
        let parts = debits.iter().map(|debit| Part {
            counter: debit.counter,
            credits: debit.credits,
        });
        let parts = parts.collect();
        return Ok(spent(Spending::Debited(debits), parts));
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
        notified: meter.map_or_else(Notified::default, |meter| meter.notified),
    };
    next.allocate(meter, used, now);
    let chosen = seed.checked_rem(next.counters.len() as u64);
    let chosen = chosen.and_then(|n| usize::try_from(n).ok());
    let mut parts = Vec::new();
    if let Some(counter) = chosen.and_then(|n| next.counters.get_mut(n)) {
        counter.record(slots, credits.get());
        parts.push(Part {
            counter: counter.number,
            credits: credits.get(),
        });
    }
    let threshold = next.threshold(before, level, used);
    let allocated = Spending::Allocated {
        billing: Box::new(next.billing),
        counters: next.counters,
        events: due.into_iter().chain(threshold).collect(),
    };
    Ok(spent(allocated, parts))
}
