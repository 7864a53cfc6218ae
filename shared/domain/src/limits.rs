//! Limits on the emails to strangers and on new organizations.
//!
//! A limit follows the effect: each email of an invite passes [`EmailLimits`], whatever
//! sends it, and is counted in the transaction that lets it leave.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Address, Counts, EmailAddress, OrganizationId, PauseLimits, Recipient, Refusal, UsageRates,
};

/// The age up to which an organization is a new one.
const NEW: TimeDelta = TimeDelta::days(30);
/// The window of [`EmailLimits::address`].
const ADDRESS_WINDOW: TimeDelta = TimeDelta::days(14);
/// The window of [`EmailLimits::recipient_per_day`].
const DAY: TimeDelta = TimeDelta::days(1);
/// The window of [`EmailLimits::recipient_per_week`].
pub(crate) const WEEK: TimeDelta = TimeDelta::days(7);

/// The limits of a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// On the emails of invites.
    pub emails: EmailLimits,
    /// On the organizations that a person creates.
    pub organizations: OrganizationLimits,
    /// On bounces and complaints.
    pub pause: PauseLimits,
    /// On the uses of credits.
    pub usage: UsageRates,
}

impl Limits {
    /// No limit.
    pub const NONE: Self = Self {
        emails: EmailLimits::NONE,
        organizations: OrganizationLimits::NONE,
        pause: PauseLimits::NONE,
        usage: UsageRates::NONE,
    };
}

/// The limits on the emails of invites. Each is a number of emails, and none if 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailLimits {
    /// By an organization on one day (UTC), in its first 30 days.
    pub new_organization_per_day: u32,
    /// By an organization on one day (UTC), after its first 30 days.
    pub organization_per_day: u32,
    /// To a recipient within 24 hours, by all organizations together.
    pub recipient_per_day: u32,
    /// To a recipient within 7 days, by all organizations together.
    pub recipient_per_week: u32,
    /// By an organization to an address within 14 days.
    pub address: u32,
    /// The time between two emails by an organization to an address; none if zero.
    pub address_interval: TimeDelta,
}

impl EmailLimits {
    /// No limit.
    pub const NONE: Self = Self {
        new_organization_per_day: 0,
        organization_per_day: 0,
        recipient_per_day: 0,
        recipient_per_week: 0,
        address: 0,
        address_interval: TimeDelta::zero(),
    };

    /// Counts one more email of an invite.
    ///
    /// # Errors
    /// [`Refusal::InvitesPaused`]; [`Refusal::RecipientOptedOut`];
    /// [`Refusal::EmailLimitReached`], for the narrowest limit that the email exceeds.
    pub(crate) fn count(
        &self,
        organization_id: OrganizationId,
        to: &EmailAddress,
        history: EmailHistory<'_>,
        now: DateTime<Utc>,
    ) -> Result<CountedEmail, Refusal> {
        history.counts.require_no_pause()?;
        let refused = |limit, wait| Err(Refusal::EmailLimitReached { limit, wait });
        let masked = || to.masked();
        let opted_out_at = history.recipient.and_then(|known| known.opted_out_at);
        if opted_out_at.is_some() {
            return Err(Refusal::RecipientOptedOut { masked: masked() });
        }

        let address = history.address.map_or(&[][..], |address| &address.sent_at);
        if let Some(wait) = wait(address, 1, self.address_interval, now) {
            let limit = EmailLimit::AddressInterval {
                masked: masked(),
                interval: self.address_interval,
            };
            return refused(limit, wait);
        }
        if let Some(wait) = wait(address, self.address, ADDRESS_WINDOW, now) {
            let limit = EmailLimit::Address {
                masked: masked(),
                max: self.address,
            };
            return refused(limit, wait);
        }

        let recipient = history.recipient.map_or(&[][..], |known| &known.sent_at);
        let day = wait(recipient, self.recipient_per_day, DAY, now);
        let week = wait(recipient, self.recipient_per_week, WEEK, now);
        if let Some(wait) = day.max(week) {
            return refused(EmailLimit::Recipient { masked: masked() }, wait);
        }

        let max = self.per_day(organization_id, now);
        let today = history.counts.emails.at(now);
        if max != 0 && today.today >= max {
            let wait = today.until_next_day(now);
            return refused(EmailLimit::Organization { max }, wait);
        }

        let kept = self.recipient_per_day.max(self.recipient_per_week);
        let recipient = (kept != 0).then(|| Recipient {
            id: to.recipient_id(),
            sent_at: with_one_more(recipient, now, WEEK, kept),
            opted_out_at,
            version: history.recipient.map_or(0, |known| known.version),
        });
        let kept = self
            .address
            .max(u32::from(!self.address_interval.is_zero()));
        Ok(CountedEmail {
            sent_at: with_one_more(address, now, ADDRESS_WINDOW, kept),
            recipient,
            earlier: history.counts.emails,
            emails: today.plus_one(),
            max: if max == 0 { u32::MAX } else { max },
        })
    }

    fn per_day(&self, organization_id: OrganizationId, now: DateTime<Utc>) -> u32 {
        if now < organization_id.created_at() + NEW {
            self.new_organization_per_day
        } else {
            self.organization_per_day
        }
    }
}

impl Default for EmailLimits {
    fn default() -> Self {
        Self {
            new_organization_per_day: 50,
            organization_per_day: 500,
            recipient_per_day: 3,
            recipient_per_week: 10,
            address: 6,
            address_interval: TimeDelta::minutes(1),
        }
    }
}

/// The earlier emails that the next one is counted with, as loaded.
#[derive(Debug, Clone, Copy)]
pub struct EmailHistory<'a> {
    /// The organization's counts.
    pub counts: &'a Counts,
    /// The record of the address in the organization.
    pub address: Option<&'a Address>,
    /// The record of the recipient, over all organizations.
    pub recipient: Option<&'a Recipient>,
}

/// The counts with one more email, which may leave once they are written.
#[derive(Debug, Clone)]
pub struct CountedEmail {
    /// The record of the recipient; `None` if no limit needs one.
    pub recipient: Option<Recipient>,
    /// The organization's emails, without this one, as loaded.
    pub earlier: DailyCount,
    /// The organization's emails, with this one.
    pub emails: DailyCount,
    /// The organization's most emails of a day.
    pub max: u32,
    /// The times of the emails by the organization to the address.
    pub sent_at: Vec<DateTime<Utc>>,
}

/// The limit that one more email would exceed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailLimit {
    /// An organization's emails of a day.
    Organization {
        /// The limit.
        max: u32,
    },
    /// The emails to a recipient. How many, and by which organizations, stays untold.
    Recipient {
        /// The address, masked.
        masked: String,
    },
    /// The time since the organization's last email to the address.
    AddressInterval {
        /// The address, masked.
        masked: String,
        /// The limit.
        interval: TimeDelta,
    },
    /// The organization's emails to the address.
    Address {
        /// The address, masked.
        masked: String,
        /// The limit.
        max: u32,
    },
}

impl EmailLimit {
    /// Words the limit as the reason why an email is not sent.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Organization { max } => format!(
                "an organization can send at most {max} invite emails a day; try again tomorrow"
            ),
            Self::Recipient { masked } => format!(
                "`{masked}` cannot receive more invite emails at the moment; try again later"
            ),
            Self::AddressInterval { masked, interval } => format!(
                "the last invite email to `{masked}` was sent less than {} seconds ago; wait a moment",
                interval.num_seconds()
            ),
            Self::Address { masked, max } => format!(
                "an organization can send at most {max} invite emails to `{masked}` in 14 days; \
                 try again later"
            ),
        }
    }
}

/// The limits on the organizations that a person creates. Each is none if 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrganizationLimits {
    /// On one day (UTC).
    pub per_day: u32,
    /// In all, including those that no longer exist.
    pub in_all: u32,
}

impl OrganizationLimits {
    /// No limit.
    pub const NONE: Self = Self {
        per_day: 0,
        in_all: 0,
    };

    /// Counts one more organization.
    ///
    /// # Errors
    /// [`Refusal::TooManyOrganizations`]; [`Refusal::OrganizationLimitReached`].
    pub(crate) fn count(
        self,
        created: DailyCount,
        now: DateTime<Utc>,
    ) -> Result<DailyCount, Refusal> {
        if self.in_all != 0 && created.total >= self.in_all {
            return Err(Refusal::TooManyOrganizations(self.in_all));
        }
        let today = created.at(now);
        if self.per_day != 0 && today.today >= self.per_day {
            return Err(Refusal::OrganizationLimitReached {
                max: self.per_day,
                wait: today.until_next_day(now),
            });
        }
        Ok(today.plus_one())
    }
}

impl Default for OrganizationLimits {
    fn default() -> Self {
        Self {
            per_day: 10,
            in_all: 50,
        }
    }
}

/// A count in all, and on the last day (UTC) that anything was counted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyCount {
    /// The day.
    pub day: NaiveDate,
    /// The number on that day.
    pub today: u32,
    /// The number in all.
    pub total: u32,
}

impl DailyCount {
    /// Returns whether nothing was counted yet.
    pub fn is_none(&self) -> bool {
        self.total == 0
    }

    /// Returns the count on the day of `now`. A clock that is behind stays on the later day.
    fn at(self, now: DateTime<Utc>) -> Self {
        let day = now.date_naive();
        if day <= self.day {
            return self;
        }
        Self {
            day,
            today: 0,
            ..self
        }
    }

    fn plus_one(self) -> Self {
        Self {
            today: self.today.saturating_add(1),
            total: self.total.saturating_add(1),
            ..self
        }
    }

    fn until_next_day(self, now: DateTime<Utc>) -> TimeDelta {
        (self.day + DAY).and_time(NaiveTime::MIN).and_utc() - now
    }
}

/// Returns the time until one more sending is within `max` per `window`; `None` if it is
/// already, or if there is no limit.
fn wait(
    sent_at: &[DateTime<Utc>],
    max: u32,
    window: TimeDelta,
    now: DateTime<Utc>,
) -> Option<TimeDelta> {
    let before = usize::try_from(max).ok()?.checked_sub(1)?;
    let oldest = sent_at.iter().rev().nth(before)?;
    let wait = *oldest + window - now;
    (wait > TimeDelta::zero()).then_some(wait)
}

/// Returns the last `kept` sendings within the window, oldest first, with one now.
fn with_one_more(
    sent_at: &[DateTime<Utc>],
    now: DateTime<Utc>,
    window: TimeDelta,
    kept: u32,
) -> Vec<DateTime<Utc>> {
    let Some(earlier) = usize::try_from(kept)
        .ok()
        .and_then(|kept| kept.checked_sub(1))
    else {
        return Vec::new();
    };
    let within = sent_at.iter().filter(|at| **at + window > now);
    let superfluous = within.clone().count().saturating_sub(earlier);
    // A clock that is behind must not disturb the order.
    let last = sent_at.last().map_or(now, |last| now.max(*last));
    within.skip(superfluous).copied().chain([last]).collect()
}
