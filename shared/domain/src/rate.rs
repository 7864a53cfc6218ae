//! The rate at which one caller may use credits, without a counter for every request.
//!
//! A process grants a few requests of each window on its own. Further ones come in batches
//! that it leases from a counter which all processes share. A batch is at most as large as
//! the process's leases before it, so that many processes with few requests each do not use
//! up the counter. Once it is used up, the process refuses from memory until the window ends.

use chrono::{DateTime, TimeDelta, Utc};

/// The length of a window in seconds.
const WINDOW: i64 = 10;
/// The requests of a window that a process grants without a lease.
const FREE: u32 = 5;
/// The most requests of a lease.
const MAX_LEASE: u32 = 50;
/// The share of a window's requests in a lease.
const LEASES: u32 = 50;

/// The limits on the uses of credits per second. Each is none if 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRates {
    /// By an organization.
    pub organization: RateLimit,
    /// By an API key.
    pub api_key: RateLimit,
}

impl UsageRates {
    /// No limit.
    pub const NONE: Self = Self {
        organization: RateLimit(0),
        api_key: RateLimit(0),
    };
}

impl Default for UsageRates {
    fn default() -> Self {
        Self {
            organization: RateLimit(500),
            api_key: RateLimit(250),
        }
    }
}

/// A number of requests per second, on average over 10 seconds; none if 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub u32);

impl RateLimit {
    fn per_window(self) -> u32 {
        let seconds = u32::try_from(WINDOW).unwrap_or(u32::MAX);
        self.0.saturating_mul(seconds)
    }
}

/// The requests that a process may still grant to one caller in the present window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowance {
    window: i64,
    left: u32,
    leased: u32,
    is_used_up: bool,
}

/// The answer to one more request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is within the limit.
    Granted,
    /// A lease decides.
    Lease(Lease),
    /// It is above the limit, for this time.
    Refused(TimeDelta),
}

/// A batch of a window's requests, to take from the shared counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The number of the window.
    pub window: i64,
    /// The number of requests.
    pub requests: u32,
    /// The most requests that others may have taken.
    pub most: u32,
    /// The end of the window.
    pub ends_at: DateTime<Utc>,
}

impl Allowance {
    /// Asks for one request.
    pub fn ask(&mut self, limit: RateLimit, now: DateTime<Utc>) -> Asked {
        if limit.0 == 0 {
            return Asked::Granted;
        }
        let window = now.timestamp().div_euclid(WINDOW);
        if window != self.window {
            *self = Self {
                window,
                left: FREE.min(limit.per_window()),
                leased: 0,
                is_used_up: false,
            };
        }
        let ends_at = DateTime::from_timestamp((window + 1) * WINDOW, 0).unwrap_or(now);
        if self.is_used_up {
            return Asked::Refused(ends_at - now);
        }
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return Asked::Granted;
        }
        let requests = (limit.per_window() / LEASES)
            .min(MAX_LEASE)
            .min(FREE.max(self.leased))
            .max(1);
        Asked::Lease(Lease {
            window,
            requests,
            most: limit.per_window() - requests,
            ends_at,
        })
    }

    /// Notes whether a lease was given; the request that asked for it takes the first of
    /// its requests.
    pub fn note(&mut self, lease: Lease, is_given: bool) {
        if self.window != lease.window {
            return;
        }
        if is_given {
            self.left += lease.requests - 1;
            self.leased += lease.requests;
        } else {
            self.is_used_up = true;
        }
    }

    /// Returns whether the allowance says nothing about this time.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.window != now.timestamp().div_euclid(WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(milliseconds).unwrap()
    }

    #[test]
    fn process_grants_a_few_then_leases_then_refuses() {
        let (mut allowance, limit) = (Allowance::default(), RateLimit(10));
        let mut taken = 0;
        let mut granted = 0;
        let wait = loop {
            match allowance.ask(limit, at(10_003_000)) {
                Asked::Granted => granted += 1,
                Asked::Lease(lease) => {
                    let is_given = taken <= lease.most;
                    taken += if is_given { lease.requests } else { 0 };
                    granted += u32::from(is_given);
                    allowance.note(lease, is_given);
                }
                Asked::Refused(wait) => break wait,
            }
        };
        assert_eq!((granted, taken), (105, 100));
        assert_eq!(wait, TimeDelta::seconds(7));
        assert!(matches!(
            allowance.ask(limit, at(10_010_000)),
            Asked::Granted
        ));
    }

    #[test]
    fn late_answer_to_a_lease_does_not_count_in_the_next_window() {
        let (mut allowance, limit) = (Allowance::default(), RateLimit(1));
        let lease = loop {
            if let Asked::Lease(lease) = allowance.ask(limit, at(0)) {
                break lease;
            }
        };
        assert_eq!(allowance.ask(limit, at(10_000)), Asked::Granted);
        allowance.note(lease, false);
        assert_eq!(allowance.ask(limit, at(10_000)), Asked::Granted);
    }

    #[test]
    fn rate_of_zero_is_no_limit() {
        let mut allowance = Allowance::default();
        for _ in 0..1000 {
            assert_eq!(allowance.ask(RateLimit(0), at(0)), Asked::Granted);
        }
    }
}
