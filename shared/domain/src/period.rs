//! Billing periods: one month each, from the same day of the month.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

/// A billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant of the period.
    pub start: DateTime<Utc>,
    /// The first instant of the next period.
    pub end: DateTime<Utc>,
}

/// The day from which an organization's periods are counted. Each begins at
/// midnight (UTC) on the same day of its month, or on the last day of a month
/// that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Anchor(NaiveDate);

impl Anchor {
    /// Anchors the periods at the day of this instant.
    pub fn on(instant: DateTime<Utc>) -> Self {
        Self(instant.date_naive())
    }

    /// Returns the period that contains an instant; earlier instants belong to the first.
    pub fn period_at(self, now: DateTime<Utc>) -> Period {
        self.period(self.number_at(now))
    }

    /// Returns the periods up to that of `now`, newest first, at most `most`.
    pub fn periods_until(self, now: DateTime<Utc>, most: u32) -> impl Iterator<Item = Period> {
        let newest = self.number_at(now);
        let oldest = (newest + 1).saturating_sub(most);
        (oldest..=newest).rev().map(move |n| self.period(n))
    }

    fn number_at(self, now: DateTime<Utc>) -> u32 {
        let today = now.date_naive();
        let months = i64::from(today.year() - self.0.year()) * 12 + i64::from(today.month())
            - i64::from(self.0.month());
        let months = u32::try_from(months).unwrap_or_default();
        if self.start(months) > now {
            months.saturating_sub(1)
        } else {
            months
        }
    }

    fn period(self, n: u32) -> Period {
        Period {
            start: self.start(n),
            end: self.start(n.saturating_add(1)),
        }
    }

    /// Returns the start of a period, counted from the anchor each time: so that the
    /// 31st returns after shorter months.
    fn start(self, n: u32) -> DateTime<Utc> {
        let day = self.0.checked_add_months(Months::new(n));
        day.unwrap_or(NaiveDate::MAX)
            .and_time(NaiveTime::MIN)
            .and_utc()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn anchor_on_the_31st_returns_after_shorter_months() {
        let anchor = Anchor::on(at("2027-12-31T23:59:59Z"));
        let starts: Vec<String> = anchor
            .periods_until(at("2028-06-01T00:00:00Z"), 12)
            .map(|period| period.start.date_naive().to_string())
            .collect();
        assert_eq!(
            starts,
            [
                "2028-05-31",
                "2028-04-30",
                "2028-03-31",
                "2028-02-29",
                "2028-01-31",
                "2027-12-31"
            ]
        );
    }

    #[test]
    fn period_end_is_the_start_of_the_next() {
        let anchor = Anchor::on(at("2026-01-31T09:30:00Z"));
        let last = anchor.period_at(at("2026-02-27T23:59:59.999Z"));
        assert_eq!(last.end, at("2026-02-28T00:00:00Z"));
        let next = anchor.period_at(last.end);
        assert_eq!(next.start, last.end);
        assert_eq!(next.end, at("2026-03-31T00:00:00Z"));
    }

    #[test]
    fn first_period_starts_with_the_anchor_day() {
        let anchor = Anchor::on(at("2026-03-01T12:00:00Z"));
        let first = anchor.period_at(at("2026-03-01T12:00:00Z"));
        assert_eq!(first.start, at("2026-03-01T00:00:00Z"));
        // A clock that lags behind stays in the first period.
        assert_eq!(anchor.period_at(at("2026-02-28T23:59:59Z")), first);
        assert_eq!(anchor.periods_until(first.start, 13).count(), 1);
    }

    proptest! {
        #[test]
        fn instant_is_in_exactly_one_period_of_28_to_31_days(
            begun in 0_i64..2_000_000_000,
            later in 0_i64..2_000_000_000,
        ) {
            let begun = DateTime::from_timestamp(begun, 0).unwrap();
            let now = begun + TimeDelta::seconds(later);
            let anchor = Anchor::on(begun);
            let period = anchor.period_at(now);
            prop_assert!(period.start <= now && now < period.end);
            prop_assert!((28..=31).contains(&(period.end - period.start).num_days()));
            prop_assert_eq!(anchor.period_at(period.start), period);
            prop_assert_eq!(anchor.period_at(period.end).start, period.end);
            prop_assert_eq!(anchor.period_at(period.end - TimeDelta::milliseconds(1)), period);
        }

        #[test]
        fn period_starts_on_the_anchor_day_or_the_last_of_the_month(
            begun in 0_i64..2_000_000_000,
            later in 0_i64..2_000_000_000,
        ) {
            let begun = DateTime::from_timestamp(begun, 0).unwrap();
            let now = begun + TimeDelta::seconds(later);
            let start = Anchor::on(begun).period_at(now).start;
            let is_last = (start + TimeDelta::days(1)).month() != start.month();
            prop_assert!(start.day() == begun.day() || (is_last && start.day() < begun.day()));
            prop_assert_eq!(start.time(), NaiveTime::MIN);
        }

        #[test]
        fn periods_follow_each_other_without_a_gap(
            begun in 0_i64..2_000_000_000,
            later in 0_i64..2_000_000_000,
            most in 1_u32..20,
        ) {
            let begun = DateTime::from_timestamp(begun, 0).unwrap();
            let now = begun + TimeDelta::seconds(later);
            let anchor = Anchor::on(begun);
            let periods: Vec<Period> = anchor.periods_until(now, most).collect();
            prop_assert!(periods.len() <= most as usize);
            prop_assert_eq!(periods[0], anchor.period_at(now));
            for pair in periods.windows(2) {
                prop_assert_eq!(pair[1].end, pair[0].start);
            }
        }
    }
}
