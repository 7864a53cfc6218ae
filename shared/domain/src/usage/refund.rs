//! Giving back credits of a render that failed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    counter::Counter,
    ledger::Ledger,
    meter::{Level, Meter},
    slots::Slots,
};
use crate::{Billing, OrganizationId, Period};

/// The credits that a use took from one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The counter's number.
    pub counter: u8,
    /// The credits.
    pub credits: u64,
}

/// A use of credits, as its refund needs it.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    /// The time of the use.
    pub at: DateTime<Utc>,
    /// The start of the billing period at that time.
    pub period_start: DateTime<Utc>,
    /// The credits, by counter.
    pub parts: &'a [Part],
}

/// A credit to one counter, on the condition that it belongs to the same allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The counter's number.
    pub counter: u8,
    /// The allocation that the counter must be of.
    pub generation: u64,
    /// The credits to take out of the history.
    pub credits: u64,
    /// The credits that can be used again: none after the end of their period.
    pub usable: u64,
    /// The slots in which they are recorded.
    pub at: Slots,
}

/// The changes of a refund.
#[derive(Debug, Clone)]
pub enum Refund {
    /// Credits to the counters that the use debited.
    Credited(Vec<Credit>),
    /// A new allocation, as the period's credits had been used up.
    Allocated {
        /// The billing, with the new meter.
        billing: Box<Billing>,
        /// Every counter, newly allocated.
        counters: Vec<Counter>,
    },
}

impl Used<'_> {
    /// Returns the first `credits` of the use, by counter.
    fn take(&self, mut credits: u64) -> impl Iterator<Item = Part> {
        self.parts.iter().filter_map(move |part| {
            let taken = part.credits.min(credits);
            credits -= taken;
            (taken > 0).then_some(Part {
                counter: part.counter,
                credits: taken,
            })
        })
    }

    fn slots(&self) -> Slots {
        let start = self.period_start;
        Slots::at(self.at, Period { start, end: start })
    }
}

/// Decides a refund by the meter alone. Returns `None` if only the counters can tell how
/// many credits become usable again: a plan may have fewer than were used before it.
pub fn refund_by_meter(
    billing: &Billing,
    used: Used<'_>,
    credits: u64,
    now: DateTime<Utc>,
) -> Option<Vec<Credit>> {
    let meter = billing.meter_at(now);
    let meter = meter.filter(|meter| meter.period_start == used.period_start);
    if meter.is_some_and(|meter| meter.level == Level::Full) {
        return None;
    }
    let is_current = meter.is_some();
    let credit = |part: Part| Credit {
        organization_id: billing.organization_id,
        counter: part.counter,
        generation: billing.generation(),
        credits: part.credits,
        usable: if is_current { part.credits } else { 0 },
        at: used.slots(),
    };
    Some(used.take(credits).map(credit).collect())
}

/// Decides a refund by the whole ledger. No threshold is told again, as the meter knows
/// which ones were.
pub fn refund(ledger: &Ledger, used: Used<'_>, credits: u64, now: DateTime<Utc>) -> Refund {
    if let Some(credits) = refund_by_meter(&ledger.billing, used, credits, now) {
        return Refund::Credited(credits);
    }
    let mut next = ledger.clone();
    for part in used.take(credits) {
        if let Some(counter) = next.counters.get_mut(usize::from(part.counter)) {
            counter.take_back(used.slots(), part.credits);
        }
    }
    if let Some(meter) = ledger.billing.meter_at(now) {
        let used = next.used_at(now);
        let meter = Meter {
            level: Level::of(used, meter.credits),
            ..meter.clone()
        };
        next.allocate(meter, used, now);
    }
    Refund::Allocated {
        billing: Box::new(next.billing),
        counters: next.counters,
    }
}
