//! The credits left, by a few counters.

use chrono::{DateTime, Utc};

use super::{counter::Counter, meter::Level};
use crate::{Billing, Plans};

/// The credits of a billing period that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// The credits of the period.
    pub allowed: u64,
    /// The credits left.
    pub remaining: u64,
    /// Whether `remaining` is extrapolated from some of the counters.
    pub is_estimate: bool,
    /// The end of the period.
    pub period_end: DateTime<Utc>,
}

/// Returns the credits left, by the first counters of the organization. They tell for the
/// others: uses spread over the counters by the credits left on each.
pub fn remaining(
    billing: &Billing,
    first: &[Counter],
    plans: &Plans,
    now: DateTime<Utc>,
) -> Remaining {
    let period_end = billing.period_at(now).end;
    let Some(meter) = billing.meter_at(now) else {
        let allowed = billing.plan_at(plans, now).monthly_credits;
        return Remaining {
            allowed,
            remaining: allowed,
            is_estimate: false,
            period_end,
        };
    };
    let known = first
        .iter()
        .filter(|counter| counter.generation == meter.generation);
    let (count, left) = known.fold((0, 0), |(count, left), counter| {
        (count + 1, left + u128::from(counter.left))
    });
    let all = u128::from(meter.counters);
    let left = (left * all).checked_div(count).unwrap_or_default();
    let left = u64::try_from(left).unwrap_or(u64::MAX);
    // Beyond the level's cap, credits are on no counter.
    let cap = meter.level.cap(meter.credits);
    let held_back = if meter.level == Level::Full {
        0
    } else {
        meter.credits - cap
    };
    Remaining {
        allowed: meter.credits,
        remaining: left.min(cap) + held_back,
        is_estimate: count != all,
        period_end,
    }
}
