//! The pause of an organization's invites after bounces and complaints.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Bounce, Change, Counts, EmailReport, Event, EventKind, InviteState, Organization,
    Refusal, Server,
};

/// The number of an organization's first emails that may pause its invites.
const FIRST_EMAILS: u32 = 100;

/// The reports about an organization's first emails that pause its invites. Each is never
/// if 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseLimits {
    /// The number of bounces.
    pub bounces: u32,
    /// The number of complaints.
    pub complaints: u32,
}

impl PauseLimits {
    /// No pause.
    pub const NONE: Self = Self {
        bounces: 0,
        complaints: 0,
    };
}

impl Default for PauseLimits {
    fn default() -> Self {
        Self {
            bounces: 5,
            complaints: 1,
        }
    }
}

/// The reports about the first emails of an organization, since its last pause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailReports {
    /// The number of bounces.
    pub bounces: u32,
    /// The number of complaints.
    pub complaints: u32,
}

impl EmailReports {
    /// Returns whether nothing was reported.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A pause of an organization's invites. Only the product's backend lifts it, which also
/// clears the reports: they do not pause again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct InvitesPaused {
    /// The time of the report.
    pub since: DateTime<Utc>,
    /// The reports.
    pub reason: PauseReason,
}

/// The reports that pause invites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PauseReason {
    /// Emails bounced.
    Bounces,
    /// A recipient marked an email as spam.
    Complaints,
}

impl PauseReason {
    /// Returns words that fit behind "because".
    pub(crate) fn as_clause(self) -> &'static str {
        match self {
            Self::Bounces => "too many of its first invite emails bounced",
            Self::Complaints => "a recipient marked one of its first invite emails as spam",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Bounces => "bounces",
            Self::Complaints => "complaints",
        }
    }
}

/// The counts with one more report.
#[derive(Debug, Clone)]
pub struct CountedReport {
    /// The reports without this one, as loaded.
    pub earlier: EmailReports,
    /// The reports with this one.
    pub reports: EmailReports,
    /// The pause that this one begins.
    pub paused: Option<InvitesPaused>,
}

/// The effect of a report about an invite's email.
#[derive(Debug, Clone)]
pub struct Reported {
    /// The invite with its delivery; `None` if the report is about an earlier email.
    pub state: Option<InviteState>,
    /// The organization's counts; `None` if the report does not count.
    pub counted: Option<CountedReport>,
    /// The events to record.
    pub events: Vec<Event>,
}

/// Decides the effect of a report about one of an invite's emails. It counts whatever has
/// become of the invite: to cancel or resend it does not hide a bounce. Returns `None` if
/// the report is known, or changes nothing.
pub fn record_report(
    organization: &Organization,
    counts: &Counts,
    limits: &PauseLimits,
    state: &InviteState,
    report: EmailReport,
    times_sent: u32,
    now: DateTime<Utc>,
) -> Option<Reported> {
    let invite = state.invite();
    if invite.knows(report, times_sent) {
        return None;
    }
    let mut events = Vec::new();
    let state = match (invite.apply_report(report, times_sent, now), state) {
        (Some((invite, event)), InviteState::Pending(_)) => {
            events.extend(event);
            Some(InviteState::Pending(invite))
        }
        (Some((invite, _)), InviteState::Ended(ended)) => {
            let mut ended = ended.clone();
            ended.invite = invite;
            Some(InviteState::Ended(ended))
        }
        (None, _) => None,
    };
    let counted = counts.with_report(limits, report, now);
    if let Some(paused) = counted.as_ref().and_then(|counted| counted.paused) {
        events.push(Event::new(
            EventKind::OrganizationInvitesPaused,
            Actor::System,
            organization.as_subject(),
            vec![Change::added("reason", paused.reason.as_str())],
        ));
    }
    let has_effect = state.is_some() || counted.is_some();
    has_effect.then_some(Reported {
        state,
        counted,
        events,
    })
}

/// Decides the end of a pause. Returns the event to record; `None` if there is no pause.
pub fn lift_pause(server: &Server, organization: &Organization, counts: &Counts) -> Option<Event> {
    let paused = counts.invites_paused?;
    Some(Event::new(
        EventKind::OrganizationInvitesResumed,
        server.as_actor(),
        organization.as_subject(),
        vec![Change::removed("reason", paused.reason.as_str())],
    ))
}

impl Counts {
    /// Requires that the organization's invites are not paused.
    ///
    /// # Errors
    /// [`Refusal::InvitesPaused`].
    pub(crate) fn require_no_pause(&self) -> Result<(), Refusal> {
        match self.invites_paused {
            Some(paused) => Err(Refusal::InvitesPaused(paused.reason)),
            None => Ok(()),
        }
    }

    /// Counts a report. Returns `None` if it does not count: after the first emails, in a
    /// pause, or for a bounce that says nothing about the address.
    fn with_report(
        &self,
        limits: &PauseLimits,
        report: EmailReport,
        now: DateTime<Utc>,
    ) -> Option<CountedReport> {
        if self.emails.total > FIRST_EMAILS || self.invites_paused.is_some() {
            return None;
        }
        let mut reports = self.reports;
        let (number, limit, reason) = match report {
            EmailReport::Bounced(Bounce::NoMailbox | Bounce::Suppressed | Bounce::Unknown) => {
                reports.bounces = reports.bounces.saturating_add(1);
                (reports.bounces, limits.bounces, PauseReason::Bounces)
            }
            EmailReport::Complained => {
                reports.complaints = reports.complaints.saturating_add(1);
                (
                    reports.complaints,
                    limits.complaints,
                    PauseReason::Complaints,
                )
            }
            EmailReport::Bounced(_) | EmailReport::NotSent => return None,
        };
        let is_reached = limit != 0 && number >= limit;
        Some(CountedReport {
            earlier: self.reports,
            reports,
            paused: is_reached.then_some(InvitesPaused { since: now, reason }),
        })
    }
}
