//! What a process knows about callers who use credits, so that it can refuse without
//! reading their counters.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Allowance, Asked, Billing, Credits, Lease, OrganizationId, RateLimit, Refusal, UsageRates,
};
use uuid::Uuid;

use super::spender::Spender;
use crate::{App, error_chain, memory::Memory};

/// The time for which used-up credits are remembered: after a refund, a process may refuse
/// for this long.
const MEMORY: TimeDelta = TimeDelta::seconds(3);

/// The memory of a process.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    allowances: Memory<Uuid, Allowance>,
    used_up: Memory<OrganizationId, UsedUp>,
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
        let mut allowances = self
            .allowances
            .with_room(|allowance| !allowance.is_over(now));
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
        if let Some(allowance) = self.allowances.lock().get_mut(&id) {
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
        let known = self.used_up.lock().get(&id).copied()?;
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
            let mut used_up = self.used_up.with_room(|known| now < known.until);
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
