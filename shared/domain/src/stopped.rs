//! Billing emails that no longer go to a member, after the email service's reports.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Actor, Bounce, Change, Delivery, DeliveryState, EmailReport, Event, Member};

/// A stop of the emails about billing to a member's address. It ends when the member's
/// billing emails are turned on again, or with another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct BillingEmailsStopped {
    /// The time of the report.
    pub since: DateTime<Utc>,
    /// The report.
    pub reason: StopReason,
}

/// A report after which more emails to the address only harm the sender's reputation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StopReason {
    /// The mailbox does not exist or does not accept email.
    NoMailbox,
    /// The address is on the suppression list of the email service.
    Suppressed,
    /// The recipient marked an email as spam.
    Complaint,
}

impl StopReason {
    /// Returns the reason's name in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoMailbox => "no_mailbox",
            Self::Suppressed => "suppressed",
            Self::Complaint => "complaint",
        }
    }

    /// Returns the reason to stop; `None` if a later email may arrive.
    fn of(report: EmailReport) -> Option<Self> {
        match report {
            EmailReport::Bounced(Bounce::NoMailbox) => Some(Self::NoMailbox),
            EmailReport::Bounced(Bounce::Suppressed) => Some(Self::Suppressed),
            EmailReport::Complained => Some(Self::Complaint),
            EmailReport::Bounced(_) | EmailReport::NotSent => None,
        }
    }
}

/// The effect of a report about a billing email to a member.
#[derive(Debug, Clone)]
pub struct ReportedBillingEmail {
    /// The delivery of that email.
    pub delivery: Delivery,
    /// The member whose billing emails stop; `None` if they go on.
    pub stopped: Option<Member>,
    /// The event to record; `None` for an email that was not sent.
    pub event: Option<Event>,
}

/// Decides the effect of a report about a billing email to a member's present address.
/// `delivery` is that of the email as far as known. Returns `None` if it tells as much.
pub fn record_billing_report(
    member: &Member,
    delivery: Option<&Delivery>,
    report: EmailReport,
    now: DateTime<Utc>,
) -> Option<ReportedBillingEmail> {
    if delivery.is_some_and(|delivery| delivery.knows(report)) {
        return None;
    }
    let stop = StopReason::of(report).filter(|_| member.billing_emails_stopped.is_none());
    let event = report.billing_event_kind().map(|kind| {
        let state = report.state();
        let mut changes = vec![Change::changed(
            "delivery",
            DeliveryState::Sent.as_str(),
            state.as_str(),
        )];
        changes.extend(stop.map(|reason| Change::added("billing_emails_stopped", reason.as_str())));
        Event::new(kind, Actor::System, member.as_subject(), changes)
    });
    let stopped = stop.map(|reason| Member {
        billing_emails_stopped: Some(BillingEmailsStopped { since: now, reason }),
        ..member.clone()
    });
    Some(ReportedBillingEmail {
        delivery: Delivery::reported(report, delivery, now),
        stopped,
        event,
    })
}
