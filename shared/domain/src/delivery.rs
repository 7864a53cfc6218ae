//! The delivery of an invite's email, from the outbox to the email service's reports.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, Change, Event, EventKind, Invite};

/// The delivery state of the email of an invite's last sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DeliveryState {
    /// The email is in the outbox.
    Queued,
    /// SES has accepted it.
    Sent,
    /// Sending failed and is not retried.
    Failed,
    /// It was sent and bounced.
    Bounced,
    /// It arrived and was marked as spam.
    Complained,
}

impl DeliveryState {
    /// Returns the state's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// Returns the weight of a state: reports arrive late, twice and in any order,
    /// and a lighter state never replaces a heavier one.
    fn weight(self) -> u8 {
        match self {
            Self::Queued | Self::Sent => 0,
            Self::Failed => 1,
            Self::Bounced => 2,
            Self::Complained => 3,
        }
    }
}

/// The delivery of an invite's last sending, or of a billing email to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The state.
    pub state: DeliveryState,
    /// The time of the last change of state.
    pub at: DateTime<Utc>,
    /// The number of failed attempts to send.
    pub failures: u32,
    /// The reason of the last failure, bounce or complaint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Delivery {
    /// Returns the delivery of an email that is in the outbox.
    pub fn queued(now: DateTime<Utc>) -> Self {
        Self {
            state: DeliveryState::Queued,
            at: now,
            failures: 0,
            reason: None,
        }
    }

    /// Returns the delivery that a report leads to.
    pub(crate) fn reported(report: EmailReport, before: Option<&Self>, now: DateTime<Utc>) -> Self {
        Self {
            state: report.state(),
            at: now,
            failures: before.map_or(0, |before| before.failures),
            reason: Some(report.reason().to_owned()),
        }
    }

    /// Returns whether the delivery tells what a report about it says.
    pub(crate) fn knows(&self, report: EmailReport) -> bool {
        self.state.weight() >= report.state().weight()
    }
}

/// A report of the email service about an email that it had accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailReport {
    /// The email bounced.
    Bounced(Bounce),
    /// The recipient marked the email as spam.
    Complained,
    /// The email service did not send the email.
    NotSent,
}

/// The reason of a bounce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounce {
    /// The mailbox does not exist or does not accept email.
    NoMailbox,
    /// The mailbox is full.
    MailboxFull,
    /// The recipient's server rejected the email.
    Refused,
    /// The recipient's server could not accept the email before the retries ended.
    Unavailable,
    /// The address is on the suppression list of the email service.
    Suppressed,
    /// The report names no reason.
    Unknown,
}

impl Bounce {
    /// Returns a few words that fit behind "bounced:".
    fn reason(self) -> &'static str {
        match self {
            Self::NoMailbox => "the mailbox does not exist or does not accept email",
            Self::MailboxFull => "the mailbox is full",
            Self::Refused => "the recipient's server rejected the email",
            Self::Unavailable => "the recipient's server could not accept the email",
            Self::Suppressed => "earlier emails to this address bounced, so no more are sent to it",
            Self::Unknown => "the email bounced for an unknown reason",
        }
    }
}

impl EmailReport {
    /// Returns the delivery state that it leads to.
    pub fn state(self) -> DeliveryState {
        match self {
            Self::Bounced(_) => DeliveryState::Bounced,
            Self::Complained => DeliveryState::Complained,
            Self::NotSent => DeliveryState::Failed,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Bounced(bounce) => bounce.reason(),
            Self::Complained => "the recipient marked the email as spam",
            Self::NotSent => "the email service did not send the email",
        }
    }

    pub(crate) fn billing_event_kind(self) -> Option<EventKind> {
        match self {
            Self::Bounced(_) => Some(EventKind::MemberBillingEmailBounced),
            Self::Complained => Some(EventKind::MemberBillingEmailComplained),
            Self::NotSent => None,
        }
    }

    fn event_kind(self) -> Option<EventKind> {
        match self {
            Self::Bounced(_) => Some(EventKind::InviteEmailBounced),
            Self::Complained => Some(EventKind::InviteEmailComplained),
            Self::NotSent => None,
        }
    }
}

impl Invite {
    /// Returns whether the delivery of the last email tells what a report about it says.
    pub(crate) fn knows(&self, report: EmailReport, times_sent: u32) -> bool {
        times_sent == self.terms.times_sent && self.delivery.knows(report)
    }

    /// Applies a report about one of the invite's emails. Returns `None` if it changes
    /// nothing: it is about an earlier sending, the invite has expired, or the known
    /// state weighs as much.
    pub fn apply_report(
        &self,
        report: EmailReport,
        times_sent: u32,
        now: DateTime<Utc>,
    ) -> Option<(Self, Option<Event>)> {
        let state = report.state();
        let known = self.delivery.state;
        if times_sent != self.terms.times_sent
            || self.terms.is_expired(now)
            || self.knows(report, times_sent)
        {
            return None;
        }
        let updated = Self {
            delivery: Delivery::reported(report, Some(&self.delivery), now),
            ..self.clone()
        };
        let event = report.event_kind().map(|kind| {
            Event::new(
                kind,
                Actor::System,
                self.as_subject(),
                vec![Change::changed("delivery", known.as_str(), state.as_str())],
            )
        });
        Some((updated, event))
    }
}
