//! What SES reports about emails to its mailbox simulator: addresses at
//! `simulator.amazonses.com` that bounce or complain, here as there.

use serde_json::{Map, Value, json};

use crate::{event_bus::PutEvent, mail_catcher::CaughtEmail};

const DOMAIN: &str = "simulator.amazonses.com";

/// The event about an email, if it was to such an address.
pub(crate) fn report(mail: &CaughtEmail) -> Option<PutEvent> {
    let to = mail.to.first()?;
    let (local, domain) = to.rsplit_once('@')?;
    if !domain.eq_ignore_ascii_case(DOMAIN) {
        return None;
    }
    // As in `bounce+anything@`.
    let local = local.split('+').next().unwrap_or_default();
    let bounce = |sub_type: &str, why: &str| {
        let recipient = json!({
            "emailAddress": to, "action": "failed", "status": "5.1.1", "diagnosticCode": why,
        });
        let bounce = json!({
            "feedbackId": format!("local-{}", mail.id),
            "bounceType": "Permanent",
            "bounceSubType": sub_type,
            "bouncedRecipients": [recipient],
            "timestamp": mail.at,
        });
        ("Email Bounced", "Bounce", "bounce", bounce)
    };
    let (detail_type, event_type, member, report) = match local {
        "bounce" => bounce("General", "smtp; 550 5.1.1 user unknown"),
        "suppressionlist" => bounce("Suppressed", "on the suppression list"),
        "complaint" => {
            let complaint = json!({
                "feedbackId": format!("local-{}", mail.id),
                "complaintFeedbackType": "abuse",
                "complainedRecipients": [{ "emailAddress": to }],
                "timestamp": mail.at,
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
    let tags: Map<String, Value> = mail
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
            "timestamp": mail.at,
            "source": mail.from,
            "messageId": format!("local-{}", mail.id),
            "destination": mail.to,
            "tags": tags,
        }),
    );
    Some(PutEvent {
        source: "aws.ses".to_owned(),
        detail_type: detail_type.to_owned(),
        detail,
        resources: Vec::new(),
    })
}
