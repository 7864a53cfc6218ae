//! Usage.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{ApiKeyId, Ledger, OrganizationId, Plans, Remaining};
use schemars::JsonSchema;
use serde::Serialize;

use super::PeriodView;

/// The credits used on a day.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DayView {
    /// The day, in UTC.
    date: NaiveDate,
    /// The number of credits.
    credits: u64,
}

/// The credits of the current billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageSummaryView {
    /// The credits used.
    used: u64,
    /// The credits of the period.
    allowed: u64,
    /// The credits left.
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

/// The images by time of rendering. Every hour, day and month has an entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageDataView {
    /// The last 72 hours, by their start.
    hour: BTreeMap<DateTime<Utc>, u64>,
    /// The last 60 days, by their start.
    day: BTreeMap<DateTime<Utc>, u64>,
    /// The last 12 months, by their start.
    month: BTreeMap<DateTime<Utc>, u64>,
}

/// The images of a billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PeriodUsageView {
    /// The number of images.
    total_images: u64,
    #[serde(flatten)]
    period: PeriodView,
}

/// The images rendered over time.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageView {
    /// The images by hour, day and month.
    data: UsageDataView,
    /// The current billing period and the twelve before it, newest first.
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

/// The result of using credits.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConsumedView {
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// The API key of this request; `null` for the server's.
    pub(crate) api_key_id: Option<ApiKeyId>,
    /// The credits of the billing period.
    pub(crate) allowed: u64,
    /// The credits used by this request.
    pub(crate) consumed: u64,
    /// The credits used in the period, including this request.
    pub(crate) used: u64,
    /// The credits left.
    pub(crate) remaining: u64,
}

/// The result of giving credits back.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RefundedView {
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// The API key of this request; `null` for the server's.
    pub(crate) api_key_id: Option<ApiKeyId>,
    /// The credits given back.
    pub(crate) refunded: u64,
    /// The credits that stay used.
    pub(crate) consumed: u64,
    /// The time of the use.
    pub(crate) used_at: DateTime<Utc>,
}

/// The credits of the current billing period that are left.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RemainingView {
    /// The credits of the period.
    allowed: u64,
    /// The credits left.
    remaining: u64,
    /// Whether `remaining` is an estimate: it is for plans of more than 9,000 credits.
    is_estimate: bool,
    /// The end of the period.
    period_end: DateTime<Utc>,
}

impl RemainingView {
    pub(crate) fn of(credits: Remaining) -> Self {
        Self {
            allowed: credits.allowed,
            remaining: credits.remaining,
            is_estimate: credits.is_estimate,
            period_end: credits.period_end,
        }
    }
}
