//! The email service's reports: EventBridge invokes the function with SES's events about
//! invite emails.

use std::collections::HashMap;

use domain::{Bounce, EmailReport};
use serde::Deserialize;
use serde_json::json;
use store::{Key, Transaction};

use super::email_tags::Sending;
use crate::{
    App, Operation,
    error::Error,
    metrics::{Counter, count},
    mutate::Decision,
};

/// Records on the invite that its email bounced, was reported as spam or was not sent.
pub static OPERATION: Operation = Operation::event("record-email-delivery", |app, event| {
    Box::pin(async move {
        let event: SesEvent = serde_json::from_value(event)?;
        Ok(match record(&app, &event).await? {
            Recorded::Noted(state) => json!({ "recorded": state }),
            Recorded::Ignored(reason) => json!({ "ignored": reason }),
        })
    })
});

/// The part of an SES event that the function reads: no addresses.
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
}

#[derive(Debug, Deserialize)]
struct Email {
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BounceDetail {
    bounce_type: String,
    bounce_sub_type: String,
}

enum Recorded {
    /// The invite's delivery now has this state.
    Noted(&'static str),
    /// Nothing changed, for this reason.
    Ignored(&'static str),
}

async fn record(app: &App, event: &SesEvent) -> Result<Recorded, Error> {
    let Some(report) = event.report() else {
        return Ok(Recorded::Ignored("not an event about a failed delivery"));
    };
    let Some(sending) = event.sending() else {
        return Ok(Recorded::Ignored("not an invite's email"));
    };
    let id = sending.organization_id;
    let recorded = app
        .mutate(move |now| async move {
            let key = Key::invite(id, sending.invite_id);
            let Some(invite) = app.store.get(key).await? else {
                return Ok(Decision::Unchanged(Recorded::Ignored("no pending invite")));
            };
            let Some((updated, event)) = invite.apply_report(report, sending.times_sent, now)
            else {
                let reason = "nothing new about the last email";
                return Ok(Decision::Unchanged(Recorded::Ignored(reason)));
            };
            let transaction = Transaction::in_organization(id, now, event).write_invite(&updated);
            let recorded = Recorded::Noted(updated.delivery.state.as_str());
            Ok(Decision::Commit(transaction, recorded))
        })
        .await?;
    if matches!(recorded, Recorded::Noted(_)) {
        count(counter(report), 1);
    }
    Ok(recorded)
}

fn counter(report: EmailReport) -> Counter {
    match report {
        EmailReport::Bounced(_) => Counter::EmailsBounced,
        EmailReport::Complained => Counter::EmailsComplained,
        EmailReport::NotSent => Counter::EmailsFailed,
    }
}

impl SesEvent {
    /// Returns the sending that the event is about; `None` when it is not an invite's.
    pub(crate) fn sending(&self) -> Option<Sending> {
        Sending::from_tags(&self.detail.mail.tags)
    }

    pub(crate) fn report(&self) -> Option<EmailReport> {
        match self.kind.as_str() {
            "Email Bounced" => Some(EmailReport::Bounced(
                self.detail.bounce.as_ref().map_or(Bounce::Unknown, why),
            )),
            "Email Complaint Received" => Some(EmailReport::Complained),
            "Email Rejected" | "Email Rendering Failed" => Some(EmailReport::NotSent),
            _ => None,
        }
    }
}

fn why(bounce: &BounceDetail) -> Bounce {
    match (&*bounce.bounce_type, &*bounce.bounce_sub_type) {
        (_, "Suppressed" | "OnAccountSuppressionList") => Bounce::Suppressed,
        (_, "MailboxFull") => Bounce::MailboxFull,
        (_, "MessageTooLarge" | "ContentRejected" | "AttachmentRejected") => Bounce::Refused,
        ("Permanent", _) => Bounce::NoMailbox,
        ("Transient", _) => Bounce::Unavailable,
        _ => Bounce::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: &str, bounce: Option<(&str, &str)>) -> Option<EmailReport> {
        let bounce = bounce.map(|(kind, sub)| json!({ "bounceType": kind, "bounceSubType": sub }));
        let event = json!({
            "detail-type": kind, "source": "aws.ses",
            "detail": { "mail": { "messageId": "m" }, "bounce": bounce },
        });
        serde_json::from_value::<SesEvent>(event).unwrap().report()
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
            let read = report("Email Bounced", Some((kind, sub)));
            assert_eq!(read, Some(EmailReport::Bounced(why)), "{kind} {sub}");
        }
        let unknown = EmailReport::Bounced(Bounce::Unknown);
        assert_eq!(report("Email Bounced", None), Some(unknown));
        let complained = report("Email Complaint Received", None);
        assert_eq!(complained, Some(EmailReport::Complained));
        for kind in ["Email Rejected", "Email Rendering Failed"] {
            assert_eq!(report(kind, None), Some(EmailReport::NotSent));
        }
        for kind in ["Email Sent", "Email Delivered", "Sending Status Enabled"] {
            assert_eq!(report(kind, None), None);
        }
    }
}
