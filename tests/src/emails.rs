//! Emails: delivery, failures and content.

use chrono::TimeDelta;
use local::SesFailure;
use serde_json::{Value, json};

use crate::{
    harness::{Fixture, World},
    invariants,
    wire::Fault,
};

pub const THROTTLED: SesFailure = SesFailure {
    status: 429,
    code: "TooManyRequestsException",
};
const BROKEN: SesFailure = SesFailure {
    status: 500,
    code: "InternalServiceErrorException",
};
pub const REJECTED: SesFailure = SesFailure {
    status: 400,
    code: "MessageRejected",
};

/// Returns the delivery of the pending invite to an address, as a member sees it.
async fn delivery(reader: &crate::harness::Session, organization: &str, email: &str) -> Value {
    let invites = reader
        .get(&format!("{organization}/invites"))
        .await
        .expect("200");
    let invite = invites["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|invite| invite["email"] == email);
    invite.unwrap()["delivery"].clone()
}

#[tokio::test]
async fn invite_request_does_not_wait_for_its_email() {
    let fixture = Fixture::new().await;
    fixture.world.stack.mail_catcher().fail_next(1000, BROKEN);
    fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    assert_eq!(
        delivery(&fixture.admin, &fixture.organization, "new@example.com").await["state"],
        "queued"
    );
    let exchanges = fixture.world.wire.take();
    assert!(!exchanges.is_empty());
    assert!(
        exchanges
            .iter()
            .all(|exchange| exchange.action != "SendEmail")
    );
}

#[tokio::test]
async fn email_after_transient_failure_is_sent_later() {
    for failure in [THROTTLED, BROKEN] {
        let fixture = Fixture::new().await;
        let before = fixture.world.stack.emails().len();
        fixture.world.stack.mail_catcher().fail_next(1000, failure);
        fixture
            .admin
            .invite(&fixture.organization, "new@example.com", "user")
            .await;
        assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
        let waiting = delivery(&fixture.admin, &fixture.organization, "new@example.com").await;
        assert_eq!(waiting["state"], "queued");
        assert!(waiting["reason"].is_string(), "{waiting}");
        fixture.world.stack.mail_catcher().recover();
        fixture.world.drain().await;
        assert_eq!(fixture.world.stack.emails().len(), before + 1);
        let sent = delivery(&fixture.admin, &fixture.organization, "new@example.com").await;
        assert_eq!(sent["state"], "sent");
        assert!(sent["reason"].is_null(), "{sent}");
    }
}

#[tokio::test]
async fn rejected_email_shows_its_reason_to_managers_only() {
    let fixture = Fixture::new().await;
    fixture.world.stack.mail_catcher().fail_next(1, REJECTED);
    let id = fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture.world.drain().await;
    let seen = delivery(&fixture.admin, &fixture.organization, "new@example.com").await;
    assert_eq!(seen["state"], "failed");
    assert!(!seen["reason"].as_str().unwrap().contains('@'), "{seen}");
    let seen = delivery(&fixture.user, &fixture.organization, "new@example.com").await;
    assert_eq!(seen["state"], "failed");
    assert!(seen["reason"].is_null(), "a user sees the reason: {seen}");
    // Resending works once the cause is fixed.
    fixture.world.clock.advance(TimeDelta::minutes(1));
    fixture
        .admin
        .post_empty(&format!("{}/invites/{id}/resend", fixture.organization))
        .await
        .expect("200");
    fixture.world.drain().await;
    assert_eq!(
        delivery(&fixture.admin, &fixture.organization, "new@example.com").await["state"],
        "sent"
    );
}

#[tokio::test]
async fn failing_email_is_abandoned_after_thirty_minutes() {
    let fixture = Fixture::new().await;
    fixture
        .world
        .stack
        .mail_catcher()
        .fail_next(1000, THROTTLED);
    fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    fixture
        .world
        .clock
        .advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    assert_eq!(
        delivery(&fixture.admin, &fixture.organization, "new@example.com").await["state"],
        "queued"
    );
    fixture.world.clock.advance(TimeDelta::seconds(1));
    fixture.world.drain().await;
    assert_eq!(
        delivery(&fixture.admin, &fixture.organization, "new@example.com").await["state"],
        "failed"
    );
    // Nothing is left to retry.
    fixture.world.stack.mail_catcher().recover();
    let sent = fixture.world.stack.emails().len();
    fixture.world.drain().await;
    assert_eq!(fixture.world.stack.emails().len(), sent);
}

/// Returns the record of the table's stream about a new item.
pub fn stream_record(item: &Value) -> Value {
    json!({
        "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_772_366_400, "SequenceNumber": "1", "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "Keys": {"pk": item["pk"], "sk": item["sk"]}, "NewImage": item,
        },
    })
}

#[tokio::test]
async fn stream_record_delivered_twice_sends_one_email() {
    let fixture = Fixture::new().await;
    let id = fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    let event = fixture
        .world
        .items()
        .await
        .into_iter()
        .find(|item| {
            item["kind"]["S"] == "invite.created" && item["subject"]["M"]["id"]["S"] == id.as_str()
        })
        .unwrap();
    let record = stream_record(&event);
    let before = fixture.world.stack.emails().len();
    for _ in 0..3 {
        let event = json!({"Records": [record, record]});
        let operation = functions::operation("deliver-email").unwrap();
        let answer = functions::invoke(
            fixture.world.stack.app(),
            operation,
            event,
            Default::default(),
        )
        .await;
        assert_eq!(answer.unwrap(), json!({"batchItemFailures": []}));
    }
    assert_eq!(fixture.world.stack.emails().len(), before + 1);
}

#[tokio::test]
async fn email_after_any_fault_arrives_with_the_same_link() {
    let clean = Fixture::new().await;
    clean
        .admin
        .invite(&clean.organization, "new@example.com", "user")
        .await;
    clean.world.wire.take();
    clean.world.drain().await;
    let requests = clean.world.wire.take().len();
    assert!(requests >= 3);
    for skip in 0..requests {
        for fault in Fault::ALL {
            let case = format!("request {skip} fails by {fault:?}");
            let fixture = Fixture::new().await;
            fixture
                .admin
                .invite(&fixture.organization, "new@example.com", "user")
                .await;
            fixture.world.wire.fail(skip, 3, fault);
            fixture.world.stack.drain_stream().await.unwrap();
            fixture.world.wire.heal();
            fixture.world.drain().await;
            let state = delivery(&fixture.admin, &fixture.organization, "new@example.com").await;
            assert_eq!(state["state"], "sent", "{case}");
            let mut texts: Vec<String> = fixture
                .world
                .stack
                .emails()
                .into_iter()
                .filter(|email| email.to == ["new@example.com"])
                .map(|email| email.text)
                .collect();
            assert!(!texts.is_empty(), "{case}");
            texts.dedup();
            assert_eq!(texts.len(), 1, "{case}");
            assert!(
                fixture.world.stack.pump().dead_letters().await.is_empty(),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn email_delayed_by_an_outage_is_retried_after_a_failure() {
    let fixture = Fixture::new().await;
    fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture.world.clock.advance(TimeDelta::hours(2));
    fixture.world.stack.mail_catcher().fail_next(1, THROTTLED);
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    fixture.world.drain().await;
    let seen = delivery(&fixture.admin, &fixture.organization, "new@example.com").await;
    assert_eq!(seen["state"], "sent");
}

#[tokio::test]
async fn record_failing_for_a_day_becomes_a_dead_letter() {
    let fixture = Fixture::new().await;
    fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture.world.wire.fail(0, 1000, Fault::Throttled);
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    assert!(fixture.world.stack.pump().dead_letters().await.is_empty());
    fixture.world.clock.advance(TimeDelta::hours(25));
    fixture.world.drain().await;
    fixture.world.wire.heal();
    let dead = fixture.world.stack.pump().dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(
        dead[0]["dynamodb"]["NewImage"]["kind"]["S"],
        "invite.created"
    );
}

#[tokio::test]
async fn cancelled_invite_is_not_emailed() {
    let fixture = Fixture::new().await;
    let id = fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture
        .admin
        .delete(&format!("{}/invites/{id}", fixture.organization))
        .await
        .expect("204");
    let before = fixture.world.stack.emails();
    assert!(!before.is_empty());
    fixture.world.drain().await;
    assert_eq!(fixture.world.stack.emails().len(), before.len());
}

#[tokio::test]
async fn resend_replaces_the_link_and_update_keeps_it() {
    let fixture = Fixture::new().await;
    let invite = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    let old = format!(
        "/v1/invites/{}",
        fixture.world.link_token("dana@example.com")
    );
    fixture
        .owner
        .patch(&invite, json!({"role": "owner"}))
        .await
        .expect("200");
    let preview = fixture.world.nobody().get(&old).await.expect("200");
    assert_eq!(preview["role"], "owner");
    assert_eq!(preview["inviter_name"], "olga");
    fixture
        .owner
        .post_empty(&format!("{invite}/resend"))
        .await
        .expect("200");
    fixture.world.drain().await;
    fixture
        .world
        .nobody()
        .get(&old)
        .await
        .refused("410 link_replaced");
    fixture
        .world
        .nobody()
        .post_empty(&format!("{old}/decline"))
        .await
        .refused("410 link_replaced");
    let new = format!(
        "/v1/invites/{}",
        fixture.world.link_token("dana@example.com")
    );
    assert_ne!(old, new);
    fixture.world.nobody().get(&new).await.expect("200");
}

#[tokio::test]
async fn link_scanner_requests_change_nothing() {
    let fixture = Fixture::new().await;
    let link = format!(
        "/v1/invites/{}",
        fixture.world.link_token("dana@example.com")
    );
    for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
        fixture
            .world
            .nobody()
            .send(method.clone(), &link, None)
            .await;
        fixture
            .world
            .nobody()
            .send(method, &format!("{link}/decline"), None)
            .await;
    }
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
}

#[tokio::test]
async fn link_signed_before_key_rotation_stays_valid() {
    let fixture = Fixture::new().await;
    let old = format!(
        "/v1/invites/{}",
        fixture.world.link_token("dana@example.com")
    );
    fixture
        .world
        .stack
        .secrets()
        .rotate(local::Secret::LinkKey)
        .unwrap();
    fixture.world.clock.advance(TimeDelta::minutes(5));
    fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture.world.drain().await;
    let new = format!(
        "/v1/invites/{}",
        fixture.world.link_token("new@example.com")
    );
    fixture.world.nobody().get(&old).await.expect("200");
    fixture.world.nobody().get(&new).await.expect("200");
}

#[tokio::test]
async fn forged_link_is_not_found() {
    let fixture = Fixture::new().await;
    let token = fixture.world.link_token("dana@example.com");
    let swapped: String = token
        .chars()
        .rev()
        .enumerate()
        .map(|(n, c)| {
            if n == 9 {
                if c == 'A' { 'B' } else { 'A' }
            } else {
                c
            }
        })
        .collect();
    let swapped: String = swapped.chars().rev().collect();
    for wrong in [swapped.as_str(), &token[1..], "x", "%00", &"A".repeat(92)] {
        let path = format!("/v1/invites/{wrong}");
        let reply = fixture.world.nobody().get(&path).await;
        reply.clone().refused("404 invite_not_found");
        assert!(
            reply.body["instance"].is_null(),
            "the problem repeats the token: {}",
            reply.body
        );
        fixture
            .world
            .nobody()
            .post_empty(&format!("{path}/decline"))
            .await
            .refused("404 invite_not_found");
    }
}

#[tokio::test]
async fn hostile_names_are_escaped_in_emails() {
    let world = World::start().await;
    let hostile = "<img src=x onerror=alert(1)> \u{202e}evil & \"co\"";
    let mallory = world.sign_in_as(local::SignIn {
        name: Some("Mal\r\nBcc: victim <b>".into()),
        ..local::SignIn::with_email("mallory@example.com")
    });
    let organization = mallory.create_organization(hostile).await;
    mallory
        .invite(&organization, "dana@example.com", "user")
        .await;
    world.drain().await;
    let email = world.stack.emails().pop().unwrap();
    assert_eq!(email.to, ["dana@example.com"]);
    assert!(
        !email.subject.contains(['\r', '\n', '\u{202e}']),
        "{:?}",
        email.subject
    );
    assert!(
        !email.html.contains("<img") && !email.html.contains("<b>"),
        "{}",
        email.html
    );
    assert!(
        !email.text.contains('\u{202e}') && !email.text.contains("\nBcc:"),
        "{}",
        email.text
    );
    invariants::hold(&world).await;
}

#[tokio::test]
async fn address_as_a_name_is_no_link_in_any_email() {
    let world = World::start().await;
    let mallory = world.sign_in_as(local::SignIn {
        name: Some("www.evil.example".into()),
        ..local::SignIn::with_email("mallory@example.com")
    });
    let organization = mallory
        .create_organization("Prize at http://evil.example/0")
        .await;
    mallory
        .invite(&organization, "dana@example.com", "user")
        .await;
    let key = mallory.create_key(&organization, "Rendering").await;
    let client = world.api_client(&key);
    crate::usage::render(&client, "all", 50).await.expect("200");
    world.drain().await;
    let emails = world.stack.emails();
    assert!(emails.len() >= 2, "{emails:?}");
    for email in emails {
        for part in [&email.subject, &email.text, &email.html] {
            assert!(
                part.contains("http:\u{200B}//evil.\u{200B}example/0"),
                "{part}"
            );
            assert!(!part.contains("evil.example"), "{part}");
        }
    }
}

#[tokio::test]
async fn invite_email_names_the_inviters_address() {
    let fixture = Fixture::new().await;
    fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    fixture.world.drain().await;
    let email = fixture.world.stack.emails().pop().unwrap();
    let text = email.text.replace('\u{200B}', "");
    assert!(
        text.starts_with("“anna” (anna@example.com) invited you"),
        "{text}"
    );
}

#[tokio::test]
async fn every_email_says_that_it_is_automatic() {
    let fixture = Fixture::new().await;
    fixture
        .payment_event("billing.payment_failed", json!({}))
        .await;
    fixture.world.drain().await;
    let emails = fixture.world.stack.emails();
    assert!(
        emails
            .iter()
            .any(|email| email.subject.starts_with("Payment failed"))
    );
    for email in emails {
        assert_eq!(email.headers["Auto-Submitted"], "auto-generated");
        assert_eq!(email.headers["X-Auto-Response-Suppress"], "OOF, AutoReply");
    }
}
