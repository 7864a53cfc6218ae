//! What a process knows about callers who use credits, so that it can refuse without
//! reading their counters.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Allowance, Asked, Billing, Credits, Lease, OrganizationId, RateLimit, Refusal, UsageRates,
};
use uuid::Uuid;

use super::spender::Spender;
use crate::{App, error_chain};

/// The time for which used-up credits are remembered: after a refund, a process may refuse
/// for this long.
const MEMORY: TimeDelta = TimeDelta::seconds(3);
/// The number of callers that a process remembers.
const MAX_CALLERS: usize = 10_000;

/// The memory of a process.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    allowances: Mutex<HashMap<Uuid, Allowance>>,
    used_up: Mutex<HashMap<OrganizationId, UsedUp>>,
}

/// The credits of an organization when they did not suffice.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedUp {
    /// The allocation that they are of.
    pub(super) generation: u64,
    used: u64,
    allowed: u64,
    next_period: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// The leases that decide about one request: at most one for the organization and one for
/// the API key.
pub(super) type Leases = Vec<(Uuid, Lease)>;

impl Limiter {
    /// Asks for a request of an API client. The server's are not limited.
    ///
    /// # Errors
    /// [`Refusal::RateLimitExceeded`] if its organization or key is known to have used up
    /// the present window.
    pub(super) fn ask(
        &self,
        spender: &Spender,
        rates: &UsageRates,
        now: DateTime<Utc>,
    ) -> Result<Leases, Refusal> {
        let mut allowances = lock(&self.allowances);
        make_room(&mut allowances, |allowance| !allowance.is_over(now));
        let mut leases = Vec::new();
        for (id, limit) in callers(spender, rates) {
            match allowances.entry(id).or_default().ask(limit, now) {
                Asked::Granted => {}
                Asked::Lease(lease) => leases.push((id, lease)),
                Asked::Refused(wait) => return Err(Refusal::RateLimitExceeded { wait }),
            }
        }
        Ok(leases)
    }

    fn note(&self, id: Uuid, lease: Lease, is_given: bool) {
        if let Some(allowance) = lock(&self.allowances).get_mut(&id) {
            allowance.note(lease, is_given);
        }
    }

    /// Returns what is known about an organization whose credits did not suffice a moment
    /// ago, if it refuses this request.
    pub(super) fn used_up(
        &self,
        id: OrganizationId,
        credits: Credits,
        now: DateTime<Utc>,
    ) -> Option<UsedUp> {
        let known = lock(&self.used_up).get(&id).copied()?;
        let refuses = now < known.until && known.used + credits.get() > known.allowed;
        refuses.then_some(known)
    }

    /// Remembers a refusal for a few seconds, and not beyond the period.
    pub(super) fn remember(&self, billing: &Billing, refusal: &Refusal, now: DateTime<Utc>) {
        if let Refusal::CreditsUsedUp {
            used,
            allowed,
            wait,
            ..
        } = refusal
        {
            let next_period = now + *wait;
            let known = UsedUp {
                generation: billing.generation(),
                used: *used,
                allowed: *allowed,
                next_period,
                until: next_period.min(now + MEMORY),
            };
            let mut used_up = lock(&self.used_up);
            make_room(&mut used_up, |known| now < known.until);
            used_up.insert(billing.organization_id, known);
        }
    }
}

impl UsedUp {
    /// Returns the refusal of a request.
    pub(super) fn refusal(&self, credits: Credits, now: DateTime<Utc>) -> Refusal {
        Refusal::CreditsUsedUp {
            used: self.used,
            allowed: self.allowed,
            wanted: credits.get(),
            wait: self.next_period - now,
        }
    }
}

impl App {
    /// Takes leases from the shared counters.
    ///
    /// # Errors
    /// [`Refusal::RateLimitExceeded`] if one is not given. A counter that cannot be reached
    /// refuses nothing.
    pub(super) async fn take(&self, leases: Leases, now: DateTime<Utc>) -> Result<(), Refusal> {
        for (id, lease) in leases {
            match self.store.lease(id, &lease).await {
                Ok(is_given) => {
                    self.limiter.note(id, lease, is_given);
                    if !is_given {
                        let wait = lease.ends_at - now;
                        return Err(Refusal::RateLimitExceeded { wait });
                    }
                }
                Err(error) => {
                    let error = error_chain::chain(&error);
                    tracing::warn!(error, "a rate could not be counted");
                }
            }
        }
        Ok(())
    }
}

fn callers(spender: &Spender, rates: &UsageRates) -> Vec<(Uuid, RateLimit)> {
    let Some(api_key_id) = spender.api_key_id else {
        return Vec::new();
    };
    vec![
        (api_key_id.uuid(), rates.api_key),
        (spender.organization_id.uuid(), rates.organization),
    ]
}

/// Forgets what is over once there are many entries, and everything if that does not help.
fn make_room<K: Hash + Eq, V>(known: &mut HashMap<K, V>, is_current: impl Fn(&V) -> bool) {
    if known.len() < MAX_CALLERS {
        return;
    }
    known.retain(|_, value| is_current(value));
    if known.len() >= MAX_CALLERS {
        known.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
