//! Usage.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{Ledger, Plans};
use schemars::JsonSchema;
use serde::Serialize;

use super::PeriodView;

/// The credits that were used on a day.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DayView {
    /// The day, in UTC.
    date: NaiveDate,
    /// How many.
    credits: u64,
}

/// The credits of the present billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageSummaryView {
    /// How many are used.
    used: u64,
    /// How many there are.
    allowed: u64,
    /// How many are left.
    remaining: u64,
    /// The last 60 days, oldest first.
    days: Vec<DayView>,
}

impl UsageSummaryView {
    pub(crate) fn of(ledger: &Ledger, plans: &Plans, now: DateTime<Utc>) -> Self {
        let (used, allowed) = (ledger.used_at(now), ledger.allowed_at(plans, now));
        let days = ledger.days(now).into_iter();
        Self {
            used,
            allowed,
            remaining: allowed.saturating_sub(used),
            days: days
                .map(|(day, credits)| DayView {
                    date: day.date_naive(),
                    credits,
                })
                .collect(),
        }
    }
}

/// Images by when they were rendered. Every hour, day and month has its entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageDataView {
    /// The last 72 hours, by when they began.
    hour: BTreeMap<DateTime<Utc>, u64>,
    /// The last 60 days, by when they began.
    day: BTreeMap<DateTime<Utc>, u64>,
    /// The last 12 months, by when they began.
    month: BTreeMap<DateTime<Utc>, u64>,
}

/// The images of a billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PeriodUsageView {
    /// How many.
    total_images: u64,
    #[serde(flatten)]
    period: PeriodView,
}

/// How many images were rendered when.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageView {
    /// By hours, days and months.
    data: UsageDataView,
    /// The present billing period and the twelve before it, newest first.
    per_billing_period: Vec<PeriodUsageView>,
}

impl UsageView {
    pub(crate) fn of(ledger: &Ledger, now: DateTime<Utc>) -> Self {
        let report = ledger.report(now);
        let periods = report.periods.into_iter();
        Self {
            data: UsageDataView {
                hour: report.hours.into_iter().collect(),
                day: report.days.into_iter().collect(),
                month: report.months.into_iter().collect(),
            },
            per_billing_period: periods
                .map(|(period, total_images)| PeriodUsageView {
                    total_images,
                    period: PeriodView::of(period),
                })
                .collect(),
        }
    }
}

/// What using credits comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConsumedView {
    /// How many credits there are in the billing period.
    pub(crate) allowed: u64,
    /// How many this request used.
    pub(crate) consumed: u64,
    /// How many are used, with those of this request.
    pub(crate) used: u64,
    /// How many are left.
    pub(crate) remaining: u64,
}
