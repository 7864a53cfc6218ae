//! How an invite's email fares, from the outbox to what the email service reports.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, Change, Event, EventKind, Invite};

/// How far the email of an invite's last sending has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DeliveryState {
    /// It will be sent.
    Queued,
    /// SES has taken it.
    Sent,
    /// It could not be sent, and will not be tried again.
    Failed,
    /// It was sent, and came back.
    Bounced,
    /// It arrived, and was called spam.
    Complained,
}

impl DeliveryState {
    /// The name, as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// How much a state says about a mail: reports come late, twice and in any
    /// order, and one that says less never replaces one that says more.
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
    /// How far it has come.
    pub state: DeliveryState,
    /// Since when.
    pub at: DateTime<Utc>,
    /// How often sending it has failed.
    pub failures: u32,
    /// Why it failed last, or did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Delivery {
    /// An email that is to be sent.
    pub fn queued(now: DateTime<Utc>) -> Self {
        Self {
            state: DeliveryState::Queued,
            at: now,
            failures: 0,
            reason: None,
        }
    }
}

/// What the email service reports about an email that it had taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailReport {
    /// It came back.
    Bounced(Bounce),
    /// Whoever got it called it spam.
    Complained,
    /// The email service did not send it after all.
    NotSent,
}

/// Why an email came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounce {
    /// There is no such mailbox, or none that takes emails.
    NoMailbox,
    /// The mailbox is full.
    MailboxFull,
    /// The recipient's server does not want this email.
    Refused,
    /// The recipient's server could not take it, for as long as it was tried.
    Unavailable,
    /// The email service does not send to this address any more.
    Suppressed,
    /// Nobody knows.
    Unknown,
}

impl Bounce {
    /// A few words that fit behind "bounced:".
    fn reason(self) -> &'static str {
        match self {
            Self::NoMailbox => "there is no such mailbox, or it takes no mail",
            Self::MailboxFull => "the mailbox is full",
            Self::Refused => "the recipient's mail server refused the mail",
            Self::Unavailable => "the recipient's mail server could not take the mail",
            Self::Suppressed => "mails to this address came back before, so none is sent any more",
            Self::Unknown => "the mail came back, and nobody knows why",
        }
    }
}

impl EmailReport {
    fn state(self) -> DeliveryState {
        match self {
            Self::Bounced(_) => DeliveryState::Bounced,
            Self::Complained => DeliveryState::Complained,
            Self::NotSent => DeliveryState::Failed,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Bounced(bounce) => bounce.reason(),
            Self::Complained => "the recipient called the mail spam",
            Self::NotSent => "the mail service did not send the mail",
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
    /// Decides what a report about one of its emails changes. `None` when that is
    /// nothing: the report is of an earlier sending, the invite has expired, or
    /// as much is known already.
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
            || known.weight() >= state.weight()
        {
            return None;
        }
        let updated = Self {
            delivery: Delivery {
                state,
                at: now,
                reason: Some(report.reason().to_owned()),
                failures: self.delivery.failures,
            },
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
