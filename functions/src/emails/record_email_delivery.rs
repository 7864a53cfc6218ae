//! The email service's reports: EventBridge invokes the function with SES's events about
//! invite and billing emails.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{
    Bounce, CountedReport, EmailAddress, EmailReport, InviteState, OrganizationId, Refusal,
    Reported, record_billing_report, record_report,
};
use serde::Deserialize;
use serde_json::json;
use store::{BillingDelivery, InvitePlaces, Key, Transaction};

use super::email_tags::{BillingSending, Sending, Tagged};
use crate::{
    App, Operation, config,
    error::Error,
    metrics::{Counter, count},
    mutate::Decision,
};

/// Records that an email bounced, was reported as spam or was not sent: on its invite, or
/// for a billing email on the member, whose billing emails then may stop. Too many bounces
/// or complaints among an organization's first invite emails pause its invites.
pub static OPERATION: Operation = Operation::event("record-email-delivery", |app, event| {
    Box::pin(async move {
        let event: SesEvent = serde_json::from_value(event)?;
        // The response is logged: it names the organization and the invite or the member,
        // never an address.
        let mut response = match record(&app, &event).await? {
            Recorded::Noted(state) => json!({ "recorded": state }),
            Recorded::Paused(state) => json!({ "recorded": state, "paused": true }),
            Recorded::Stopped(state) => json!({ "recorded": state, "stopped": true }),
            Recorded::Ignored(reason) => json!({ "ignored": reason }),
        };
        if let (Some(tagged), Some(response)) = (event.tagged(), response.as_object_mut()) {
            let (organization_id, (name, id)) = match tagged {
                Tagged::Invite(email) => (
                    email.organization_id,
                    ("invite_id", email.invite_id.to_string()),
                ),
                Tagged::Billing(email) => (
                    email.organization_id,
                    ("user_id", email.user_id.as_str().to_owned()),
                ),
            };
            let organization_id = organization_id.to_string();
            response.insert("organization_id".to_owned(), organization_id.into());
            response.insert(name.to_owned(), id.into());
        }
        Ok(response)
    })
})
.needs(config::PAUSE_LIMITS);

/// The part of an SES event that the function reads.
#[derive(Debug, Deserialize)]
pub(crate) struct SesEvent {
    #[serde(rename = "detail-type")]
    kind: String,
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    mail: Email,
    bounce: Option<BounceDetail>,
    complaint: Option<ComplaintDetail>,
}

#[derive(Debug, Deserialize)]
struct Email {
    /// The recipient, which is compared and never logged.
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BounceDetail {
    bounce_type: String,
    bounce_sub_type: String,
    #[serde(default)]
    bounced_recipients: Vec<BouncedRecipient>,
}

#[derive(Debug, Deserialize)]
struct BouncedRecipient {
    action: Option<String>,
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComplaintDetail {
    complaint_sub_type: Option<String>,
    complaint_feedback_type: Option<String>,
}

enum Recorded {
    /// The report of this state is noted.
    Noted(&'static str),
    /// The same, and the organization's invites are paused.
    Paused(&'static str),
    /// The same, and the member's billing emails are stopped.
    Stopped(&'static str),
    /// Nothing changed, for this reason.
    Ignored(&'static str),
}

async fn record(app: &App, event: &SesEvent) -> Result<Recorded, Error> {
    let Some(report) = event.report() else {
        return Ok(Recorded::Ignored("not an event about a failed delivery"));
    };
    let recorded = match event.tagged() {
        Some(Tagged::Invite(sending)) => record_invite(app, sending, report).await?,
        Some(Tagged::Billing(sending)) => record_billing(app, event, &sending, report).await?,
        None => Recorded::Ignored("not an email from here"),
    };
    if !matches!(recorded, Recorded::Ignored(_)) {
        count(counter(report), 1);
    }
    Ok(recorded)
}

async fn record_billing(
    app: &App,
    event: &SesEvent,
    sending: &BillingSending,
    report: EmailReport,
) -> Result<Recorded, Error> {
    let id = sending.organization_id;
    app.mutate(move |now| async move {
        let keys = (
            Key::member(id, &sending.user_id),
            Key::billing_delivery(sending.event_id, &sending.user_id),
        );
        let (member, earlier) = app.store.read(keys).await?;
        let Some(member) = member.filter(|member| event.went_to(&member.email)) else {
            let reason = "no member has this address any more";
            return Ok(Decision::Unchanged(Recorded::Ignored(reason)));
        };
        let earlier = earlier.map(|earlier| earlier.delivery);
        let reported = record_billing_report(&member, earlier.as_ref(), report, now);
        let Some(reported) = reported else {
            let reason = "nothing new about the email";
            return Ok(Decision::Unchanged(Recorded::Ignored(reason)));
        };
        let delivery = BillingDelivery {
            event_id: sending.event_id,
            user_id: member.user_id,
            delivery: reported.delivery,
        };
        let earlier = earlier.map(|earlier| earlier.state);
        let transaction = Transaction::in_organization(id, now, reported.event)
            .write_billing_delivery(&delivery, earlier);
        let state = report.state().as_str();
        Ok(match reported.stopped {
            Some(mut member) => Decision::Commit(
                transaction.write_member(&mut member),
                Recorded::Stopped(state),
            ),
            None => Decision::Commit(transaction, Recorded::Noted(state)),
        })
    })
    .await
}

async fn record_invite(
    app: &App,
    sending: Sending,
    report: EmailReport,
) -> Result<Recorded, Error> {
    let id = sending.organization_id;
    app.mutate(move |now| async move {
        let places = InvitePlaces {
            organization_id: id,
            invite_id: sending.invite_id,
        };
        let keys = (places, Key::counts(id), Key::organization(id));
        let (Some(state), counts, organization) = app.store.read(keys).await? else {
            return Ok(Decision::Unchanged(Recorded::Ignored("no such invite")));
        };
        let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
        let counts = counts.unwrap_or_default();
        let limits = &app.limits.pause;
        let times_sent = sending.times_sent;
        let reported = record_report(
            &organization,
            &counts,
            limits,
            &state,
            report,
            times_sent,
            now,
        );
        let Some(reported) = reported else {
            let reason = "nothing new about the email";
            return Ok(Decision::Unchanged(Recorded::Ignored(reason)));
        };
        let pauses = |counted: &CountedReport| counted.paused.is_some();
        let recorded = if reported.counted.as_ref().is_some_and(pauses) {
            Recorded::Paused(report.state().as_str())
        } else {
            Recorded::Noted(report.state().as_str())
        };
        let transaction = transaction_of(id, reported, now);
        Ok(Decision::Commit(transaction, recorded))
    })
    .await
}

/// Returns the transaction that records a report about an invite's email.
pub(crate) fn transaction_of(
    id: OrganizationId,
    mut reported: Reported,
    now: DateTime<Utc>,
) -> Transaction {
    let transaction = Transaction::in_organization(id, now, reported.events);
    let transaction = match &mut reported.state {
        Some(InviteState::Pending(invite)) => transaction.write_invite(invite),
        Some(InviteState::Ended(ended)) => transaction.write_ended_delivery(ended),
        None => transaction,
    };
    match &reported.counted {
        Some(counted) => transaction.count_report(id, counted),
        None => transaction,
    }
}

fn counter(report: EmailReport) -> Counter {
    match report {
        EmailReport::Bounced(_) => Counter::EmailsBounced,
        EmailReport::Complained => Counter::EmailsComplained,
        EmailReport::NotSent => Counter::EmailsFailed,
    }
}

impl SesEvent {
    /// Returns the email that the event is about; `None` when it is not from here.
    pub(crate) fn tagged(&self) -> Option<Tagged> {
        Tagged::from_tags(&self.detail.mail.tags)
    }

    /// Returns whether the email went to an address.
    fn went_to(&self, email: &EmailAddress) -> bool {
        let destination = self.detail.mail.destination.iter();
        let mut addresses = destination.filter_map(|to| EmailAddress::parse(to).ok());
        addresses.any(|to| to == *email)
    }

    /// Returns the meaning of the event; `None` when it reports no failure.
    pub(crate) fn report(&self) -> Option<EmailReport> {
        let detail = &self.detail;
        match self.kind.as_str() {
            "Email Bounced" => match &detail.bounce {
                Some(bounce) => bounce.why().map(EmailReport::Bounced),
                None => Some(EmailReport::Bounced(Bounce::Unknown)),
            },
            "Email Complaint Received" => match &detail.complaint {
                Some(complaint) => complaint.meaning(),
                None => Some(EmailReport::Complained),
            },
            "Email Rejected" | "Email Rendering Failed" => Some(EmailReport::NotSent),
            _ => None,
        }
    }
}

impl BounceDetail {
    /// Returns the reason; `None` for an automatic reply to an email that arrived. SES
    /// reports a vacation responder as a bounce, and does not count it as one.
    fn why(&self) -> Option<Bounce> {
        Some(match (&*self.bounce_type, &*self.bounce_sub_type) {
            (_, "Suppressed" | "OnAccountSuppressionList") => Bounce::Suppressed,
            (_, "MailboxFull") => Bounce::MailboxFull,
            (_, "MessageTooLarge" | "ContentRejected" | "AttachmentRejected") => Bounce::Refused,
            ("Permanent", _) => Bounce::NoMailbox,
            ("Transient", "General") if !self.bounced_recipients.iter().any(has_failed) => {
                return None;
            }
            ("Transient", _) => Bounce::Unavailable,
            _ => Bounce::Unknown,
        })
    }
}

/// Returns whether the recipient's server has given up: an automatic reply has no status.
fn has_failed(recipient: &BouncedRecipient) -> bool {
    let status = recipient.status.as_deref().unwrap_or_default();
    recipient.action.as_deref() == Some("failed") && status.starts_with(['4', '5'])
}

impl ComplaintDetail {
    /// Returns the meaning; `None` for a recipient who took the email out of the spam.
    fn meaning(&self) -> Option<EmailReport> {
        // SES reports an address on the suppression list in this way, and sends nothing.
        if self.complaint_sub_type.as_deref() == Some("OnAccountSuppressionList") {
            return Some(EmailReport::Bounced(Bounce::Suppressed));
        }
        (self.complaint_feedback_type.as_deref() != Some("not-spam"))
            .then_some(EmailReport::Complained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: &str, detail: serde_json::Value) -> Option<EmailReport> {
        let mut event = json!({ "detail-type": kind, "source": "aws.ses", "detail": detail });
        event["detail"]["mail"] = json!({ "messageId": "m" });
        serde_json::from_value::<SesEvent>(event).unwrap().report()
    }

    fn bounce(kind: &str, sub: &str, recipient: serde_json::Value) -> Option<EmailReport> {
        let bounce = json!({
            "bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [recipient],
        });
        report("Email Bounced", json!({ "bounce": bounce }))
    }

    fn complaint(sub: Option<&str>, feedback: Option<&str>) -> Option<EmailReport> {
        let complaint = json!({ "complaintSubType": sub, "complaintFeedbackType": feedback });
        report(
            "Email Complaint Received",
            json!({ "complaint": complaint }),
        )
    }

    #[test]
    fn each_kind_of_event_maps_to_its_report() {
        for (kind, sub, why) in [
            ("Permanent", "General", Bounce::NoMailbox),
            ("Permanent", "NoEmail", Bounce::NoMailbox),
            ("Permanent", "Suppressed", Bounce::Suppressed),
            ("Permanent", "OnAccountSuppressionList", Bounce::Suppressed),
            ("Transient", "General", Bounce::Unavailable),
            ("Transient", "MailboxFull", Bounce::MailboxFull),
            ("Transient", "ContentRejected", Bounce::Refused),
            ("Undetermined", "Undetermined", Bounce::Unknown),
        ] {
            let failed = json!({ "action": "failed", "status": "4.4.7" });
            let read = bounce(kind, sub, failed);
            assert_eq!(read, Some(EmailReport::Bounced(why)), "{kind} {sub}");
        }
        let unknown = EmailReport::Bounced(Bounce::Unknown);
        assert_eq!(report("Email Bounced", json!({})), Some(unknown));
        let complained = report("Email Complaint Received", json!({}));
        assert_eq!(complained, Some(EmailReport::Complained));
        for kind in ["Email Rejected", "Email Rendering Failed"] {
            assert_eq!(report(kind, json!({})), Some(EmailReport::NotSent));
        }
        for kind in ["Email Sent", "Email Delivered", "Sending Status Enabled"] {
            assert_eq!(report(kind, json!({})), None);
        }
    }

    #[test]
    fn automatic_reply_is_no_bounce() {
        for recipient in [
            json!({}),
            json!({ "emailAddress": "ooto@simulator.amazonses.com" }),
            json!({ "action": "delayed", "status": "4.4.7" }),
            json!({ "action": "failed", "status": "2.0.0" }),
        ] {
            assert_eq!(bounce("Transient", "General", recipient), None);
        }
        let mailbox_full = bounce("Transient", "MailboxFull", json!({}));
        assert_eq!(
            mailbox_full,
            Some(EmailReport::Bounced(Bounce::MailboxFull))
        );
    }

    #[test]
    fn complaint_is_read_by_its_meaning() {
        let suppressed = EmailReport::Bounced(Bounce::Suppressed);
        for (sub, feedback, meaning) in [
            (None, None, Some(EmailReport::Complained)),
            (None, Some("abuse"), Some(EmailReport::Complained)),
            (None, Some("virus"), Some(EmailReport::Complained)),
            (None, Some("not-spam"), None),
            (Some("OnAccountSuppressionList"), None, Some(suppressed)),
        ] {
            assert_eq!(complaint(sub, feedback), meaning, "{sub:?} {feedback:?}");
        }
    }
}
