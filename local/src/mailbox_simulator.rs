//! SES's reports on emails to its mailbox simulator: addresses at
//! `simulator.amazonses.com` that bounce or complain, as on AWS.

use serde_json::{Map, Value, json};

use crate::{event_bus::PutEvent, mail_catcher::CaughtEmail};

const DOMAIN: &str = "simulator.amazonses.com";

/// Returns the event about an email to a simulator address.
pub(crate) fn report(email: &CaughtEmail) -> Option<PutEvent> {
    let to = email.to.first()?;
    let (local, domain) = to.rsplit_once('@')?;
    if !domain.eq_ignore_ascii_case(DOMAIN) {
        return None;
    }
    // SES ignores a label, as in `bounce+label@`.
    let local = local.split('+').next().unwrap_or_default();
    let bounce = |(kind, sub_type): (&str, &str), recipient: Value| {
        let bounce = json!({
            "feedbackId": format!("local-{}", email.id),
            "bounceType": kind,
            "bounceSubType": sub_type,
            "bouncedRecipients": [recipient],
            "timestamp": email.at,
        });
        ("Email Bounced", "Bounce", "bounce", bounce)
    };
    let failed = |diagnostic: &str| {
        json!({
            "emailAddress": to, "action": "failed", "status": "5.1.1", "diagnosticCode": diagnostic,
        })
    };
    let (detail_type, event_type, member, report) = match local {
        "bounce" => {
            let recipient = failed("smtp; 550 5.1.1 user unknown");
            bounce(("Permanent", "General"), recipient)
        }
        "suppressionlist" => {
            let recipient = failed("on the suppression list");
            bounce(("Permanent", "Suppressed"), recipient)
        }
        // An automatic reply, such as of somebody on vacation.
        "ooto" => bounce(("Transient", "General"), json!({ "emailAddress": to })),
        "complaint" => {
            let complaint = json!({
                "feedbackId": format!("local-{}", email.id),
                "complaintFeedbackType": "abuse",
                "complainedRecipients": [{ "emailAddress": to }],
                "timestamp": email.at,
            });
            (
                "Email Complaint Received",
                "Complaint",
                "complaint",
                complaint,
            )
        }
        _ => return None,
    };
    let tags: Map<String, Value> = email
        .tags
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    let mut detail = Map::new();
    detail.insert("eventType".to_owned(), json!(event_type));
    detail.insert(member.to_owned(), report);
    detail.insert(
        "mail".to_owned(),
        json!({
            "timestamp": email.at,
            "source": email.from,
            "messageId": format!("local-{}", email.id),
            "destination": email.to,
            "tags": tags,
        }),
    );
    Some(PutEvent {
        id: None,
        source: "aws.ses".to_owned(),
        detail_type: detail_type.to_owned(),
        detail,
        resources: Vec::new(),
    })
}
