//! The pages about emails that people no longer want, or that no longer arrive.

use local::PutEvent;
use serde_json::json;

use super::harness::Browsers;

#[tokio::test]
async fn recipient_stops_and_allows_invites_without_a_sign_in() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    creator.invite(&path, "nia@example.com", "user").await;
    browsers.world.drain().await;
    let link = format!(
        "/opt-outs/{}",
        browsers.world.opt_out_token("nia@example.com")
    );

    let nia = browsers.open("nia").await;
    nia.goto(&link).await;
    nia.sees("Stop invite emails?").await;
    nia.is_accessible("opt-out").await;
    nia.press("button", "Report and stop invites").await;
    nia.sees("Invite emails are stopped").await;
    nia.lacks("button", "Report and stop invites").await;
    nia.is_accessible("opt-out-stopped").await;
    let again = json!({"email": "nia@example.com", "role": "user"});
    let invites = format!("{path}/invites");
    creator
        .delete(&format!(
            "{invites}/{}",
            first_invite(&creator, &invites).await
        ))
        .await
        .expect("204");
    let refused = creator.post(&invites, again.clone()).await;
    refused.expect("403 invites_paused");

    nia.press("button", "Allow invites").await;
    nia.sees("Invite emails are on").await;
    nia.press("button", "Report and stop invites").await;
    nia.sees("Invite emails are stopped").await;
    nia.press("button", "Allow invites").await;
    nia.sees("Invite emails are on").await;

    nia.goto("/opt-outs/unknown").await;
    nia.press("button", "Report and stop invites").await;
    nia.sees("Invalid link").await;
    nia.is_accessible("opt-out-unknown").await;
}

/// Returns the id of the only invite of a list.
async fn first_invite(reader: &crate::harness::Session, invites: &str) -> String {
    let listed = reader.get(invites).await.expect("200");
    listed["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn stopped_billing_emails_are_shown_and_sent_again() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    let gone = browsers.world.sign_in("bounce@simulator.amazonses.com");
    creator.add_member(&path, &gone, "user").await;
    let member = format!("{path}/members/{}", gone.user_id);
    let on = json!({"receives_billing_emails": true});
    creator.patch(&member, on).await.expect("200");
    let (_, id) = path.rsplit_once('/').unwrap();
    let event = json!({
        "source": "shop",
        "detail-type": "billing.invoice_issued",
        "detail": {
            "organization_id": id, "invoice_number": "INV-1", "amount": 4900, "currency": "usd",
        },
    });
    let event: PutEvent = serde_json::from_value(event).unwrap();
    browsers.world.stack.put_event(event).await;
    browsers.world.drain().await;
    assert_eq!(browsers.world.stack.deliver_events().await, 0);

    ada.session.refresh().await;
    ada.sees("the mailbox doesn’t exist or doesn’t accept email.")
        .await;
    ada.is_accessible("stopped-billing-emails").await;
    ada.press("button", "Send again: billing emails to bounce")
        .await;
    ada.sees_no_more("the mailbox doesn’t exist").await;
    ada.press("link", "Audit log").await;
    ada.sees("resumed the billing emails to bounce").await;
    ada.sees("A billing email to bounce bounced, so no more are sent")
        .await;
}
