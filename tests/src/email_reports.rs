//! The email service's reports about accepted emails: bounces and complaints.

use chrono::TimeDelta;
use local::PutEvent;
use serde_json::{Value, json};

use crate::{
    harness::{Fixture, Session, audit_kinds},
    invariants,
    wire::Fault,
};

const BOUNCES: &str = "bounce@simulator.amazonses.com";
const COMPLAINS: &str = "complaint+spam@simulator.amazonses.com";

/// Returns the delivery of the pending invite to an address, as a member sees it.
async fn delivery(reader: &Session, organization: &str, email: &str) -> Value {
    let invites = reader
        .get(&format!("{organization}/invites"))
        .await
        .expect("200");
    let mut invites = invites["items"].as_array().unwrap().iter();
    let invite = invites.find(|invite| invite["email"] == email);
    invite.unwrap()["delivery"].clone()
}

/// Returns a report about one email of an invite.
fn report(kind: &str, fixture: &Fixture, invite_id: &str, times_sent: u32) -> PutEvent {
    let tags = json!({
        "organization_id": [fixture.organization_id()],
        "invite_id": [invite_id],
        "times_sent": [times_sent.to_string()],
        "stack": ["local"],
    });
    let bounce = json!({ "bounceType": "Permanent", "bounceSubType": "General" });
    let event = json!({
        "source": "aws.ses",
        "detail-type": kind,
        "detail": { "mail": { "tags": tags }, "bounce": bounce },
    });
    serde_json::from_value(event).unwrap()
}

const BOUNCED: &str = "Email Bounced";
const COMPLAINED: &str = "Email Complaint Received";

/// Puts a report on the event bus and asserts that the function handled it.
async fn put(fixture: &Fixture, report: PutEvent) {
    let published = fixture.world.stack.put_event(report).await;
    assert_eq!(published.called.len(), 1);
    assert_eq!(published.called[0].operation, "record-email-delivery");
    assert!(!published.called[0].failed);
}

pub async fn reported(fixture: &Fixture, kind: &str) -> usize {
    let kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
    kinds.iter().filter(|logged| *logged == kind).count()
}

#[tokio::test]
async fn bounce_or_complaint_is_shown_and_recorded() {
    for (address, state, kind) in [
        (BOUNCES, "bounced", "invite.email_bounced"),
        (COMPLAINS, "complained", "invite.email_complained"),
    ] {
        let fixture = Fixture::new().await;
        fixture
            .admin
            .invite(&fixture.organization, address, "user")
            .await;
        fixture.world.drain().await;
        let sent = delivery(&fixture.admin, &fixture.organization, address).await;
        assert_eq!(sent["state"], "sent");
        assert_eq!(fixture.world.stack.deliver_events().await, 0);
        let seen = delivery(&fixture.admin, &fixture.organization, address).await;
        assert_eq!(seen["state"], state);
        assert!(!seen["reason"].as_str().unwrap().contains('@'), "{seen}");
        let seen = delivery(&fixture.user, &fixture.organization, address).await;
        assert_eq!(seen["state"], state);
        assert!(seen["reason"].is_null(), "a user sees the reason: {seen}");
        assert_eq!(reported(&fixture, kind).await, 1);
        let log = format!("{}/audit-events?limit=2", fixture.organization);
        let log = fixture.owner.get(&log).await.expect("200");
        let mut events = log["items"].as_array().unwrap().iter();
        let event = events.find(|event| event["kind"] == kind).unwrap();
        assert_eq!(event["actor"], json!({"kind": "system"}));
        let changes = json!([{"field": "delivery", "from": "sent", "to": state}]);
        assert_eq!(event["changes"], changes);
        assert!(fixture.world.stack.dead_events().is_empty());
        invariants::hold(&fixture.world).await;
    }
}

#[tokio::test]
async fn automatic_reply_leaves_the_invite_sent() {
    let fixture = Fixture::new().await;
    let address = "ooto@simulator.amazonses.com";
    fixture
        .admin
        .invite(&fixture.organization, address, "user")
        .await;
    fixture.world.drain().await;
    assert_eq!(fixture.world.stack.deliver_events().await, 0);
    let seen = delivery(&fixture.admin, &fixture.organization, address).await;
    assert_eq!(seen["state"], "sent");
    assert_eq!(reported(&fixture, "invite.email_bounced").await, 0);
}

#[tokio::test]
async fn complaint_is_recorded_by_its_meaning() {
    for (complaint, state) in [
        (json!({"complaintFeedbackType": "not-spam"}), "sent"),
        (
            json!({"complaintSubType": "OnAccountSuppressionList"}),
            "bounced",
        ),
        (json!({"complaintFeedbackType": "abuse"}), "complained"),
    ] {
        let fixture = Fixture::new().await;
        let mut event = report(COMPLAINED, &fixture, &fixture.invite_id, 1);
        event.detail.insert("complaint".into(), complaint);
        put(&fixture, event).await;
        let seen = delivery(&fixture.admin, &fixture.organization, "dana@example.com").await;
        assert_eq!(seen["state"], state);
    }
}

#[tokio::test]
async fn email_tags_are_ids_without_an_address() {
    let fixture = Fixture::new().await;
    let email = fixture.world.stack.emails().pop().unwrap();
    let tags: Vec<(&str, &str)> = email
        .tags
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        tags,
        [
            ("invite_id", fixture.invite_id.as_str()),
            ("organization_id", fixture.organization_id()),
            ("stack", "local"),
            ("times_sent", "1"),
        ]
    );
}

#[tokio::test]
async fn bounce_report_before_the_sent_state_wins() {
    let fixture = Fixture::new().await;
    let id = fixture
        .admin
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    let mut held = fixture.world.wire.hold("UpdateItem");
    let sending = async { fixture.world.drain().await };
    let meanwhile = async {
        held.arrived().await;
        put(&fixture, report(BOUNCED, &fixture, &id, 1)).await;
        held.release();
    };
    tokio::join!(sending, meanwhile);
    let seen = delivery(&fixture.admin, &fixture.organization, "new@example.com").await;
    assert_eq!(seen["state"], "bounced");
    // The email is not sent again.
    let sent = fixture.world.stack.emails().len();
    fixture.world.drain().await;
    assert_eq!(fixture.world.stack.emails().len(), sent);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn duplicate_or_late_report_is_recorded_once() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        put(&fixture, report(BOUNCED, &fixture, &fixture.invite_id, 1)).await;
    }
    put(
        &fixture,
        report(COMPLAINED, &fixture, &fixture.invite_id, 1),
    )
    .await;
    put(&fixture, report(BOUNCED, &fixture, &fixture.invite_id, 1)).await;
    let seen = delivery(&fixture.admin, &fixture.organization, "dana@example.com").await;
    assert_eq!(seen["state"], "complained");
    assert_eq!(reported(&fixture, "invite.email_bounced").await, 1);
    assert_eq!(reported(&fixture, "invite.email_complained").await, 1);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn concurrent_bounce_and_complaint_record_the_complaint() {
    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let first = put(&fixture, report(BOUNCED, &fixture, &fixture.invite_id, 1));
    let second = async {
        held.arrived().await;
        put(
            &fixture,
            report(COMPLAINED, &fixture, &fixture.invite_id, 1),
        )
        .await;
        held.release();
    };
    tokio::join!(first, second);
    let seen = delivery(&fixture.admin, &fixture.organization, "dana@example.com").await;
    assert_eq!(seen["state"], "complained");
    assert_eq!(reported(&fixture, "invite.email_complained").await, 1);
    assert_eq!(reported(&fixture, "invite.email_bounced").await, 0);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn report_for_old_email_or_ended_invite_is_ignored() {
    let fixture = Fixture::new().await;
    let path = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    fixture
        .admin
        .post_empty(&format!("{path}/resend"))
        .await
        .expect("200");
    fixture.world.drain().await;
    put(&fixture, report(BOUNCED, &fixture, &fixture.invite_id, 1)).await;
    let seen = delivery(&fixture.admin, &fixture.organization, "dana@example.com").await;
    assert_eq!(seen["state"], "sent");
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
    put(
        &fixture,
        report(COMPLAINED, &fixture, &fixture.invite_id, 2),
    )
    .await;
    put(
        &fixture,
        report(BOUNCED, &fixture, "01930000-0000-7000-8000-000000000009", 1),
    )
    .await;
    assert_eq!(reported(&fixture, "invite.email_bounced").await, 0);
    assert_eq!(reported(&fixture, "invite.email_complained").await, 0);
    assert!(fixture.world.stack.dead_events().is_empty());
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn resend_after_bounce_resets_the_delivery() {
    let fixture = Fixture::new().await;
    put(&fixture, report(BOUNCED, &fixture, &fixture.invite_id, 1)).await;
    let path = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    let resent = fixture
        .admin
        .post_empty(&format!("{path}/resend"))
        .await
        .expect("200");
    assert_eq!(resent["delivery"]["state"], "queued");
    fixture.world.drain().await;
    let seen = delivery(&fixture.admin, &fixture.organization, "dana@example.com").await;
    assert_eq!(seen["state"], "sent");
    assert!(seen["reason"].is_null(), "{seen}");
}

#[tokio::test]
async fn report_of_an_unrelated_email_is_ignored() {
    let fixture = Fixture::new().await;
    let mut foreign = report(BOUNCED, &fixture, &fixture.invite_id, 1);
    foreign
        .detail
        .insert("mail".into(), json!({"tags": {"campaign": ["x"]}}));
    assert!(
        fixture
            .world
            .stack
            .put_event(foreign)
            .await
            .called
            .is_empty()
    );
    let opened = report("Email Opened", &fixture, &fixture.invite_id, 1);
    assert!(
        fixture
            .world
            .stack
            .put_event(opened)
            .await
            .called
            .is_empty()
    );
    // SES reports the emails of all stacks to the same bus.
    let mut foreign = report(BOUNCED, &fixture, &fixture.invite_id, 1);
    foreign.detail["mail"]["tags"]["stack"] = json!(["other"]);
    let published = fixture.world.stack.put_event(foreign).await;
    assert!(published.called.is_empty());
    // The ids of another deployment have the same form, but no item here.
    let mut foreign = report(BOUNCED, &fixture, &fixture.invite_id, 1);
    foreign.detail["mail"]["tags"]["organization_id"] =
        json!(["01930000-0000-7000-8000-000000000009"]);
    put(&fixture, foreign).await;
    assert_eq!(reported(&fixture, "invite.email_bounced").await, 0);
}

#[tokio::test]
async fn failed_report_is_retried() {
    for fault in Fault::ALL {
        let fixture = Fixture::new().await;
        fixture.world.wire.fail(0, 1000, fault);
        let failing = report(BOUNCED, &fixture, &fixture.invite_id, 1);
        assert!(fixture.world.stack.put_event(failing).await.called[0].failed);
        fixture.world.wire.heal();
        assert_eq!(fixture.world.stack.deliver_events().await, 1);
        fixture.world.clock.advance(TimeDelta::minutes(1));
        assert_eq!(fixture.world.stack.deliver_events().await, 0);
        let seen = delivery(&fixture.admin, &fixture.organization, "dana@example.com").await;
        assert_eq!(seen["state"], "bounced", "{fault:?}");
        assert_eq!(
            reported(&fixture, "invite.email_bounced").await,
            1,
            "{fault:?}"
        );
        invariants::hold(&fixture.world).await;
    }
}

/// Invites an address, and returns the invite's path and id.
async fn invite(fixture: &Fixture, address: &str) -> (String, String) {
    let (admin, organization) = (&fixture.admin, &fixture.organization);
    let id = admin.invite(organization, address, "user").await;
    (format!("{organization}/invites/{id}"), id)
}

pub async fn paused(fixture: &Fixture) -> Value {
    let settings = format!("{}/settings", fixture.organization);
    let settings = fixture.user.get(&settings).await.expect("200");
    settings["invites_paused"].clone()
}

pub async fn outcome_of_an_invite(fixture: &Fixture) -> String {
    let input = json!({"email": "new@example.com", "role": "user"});
    let path = format!("{}/invites", fixture.organization);
    fixture.creator.post(&path, input).await.outcome()
}

#[tokio::test]
async fn fifth_bounce_pauses_the_invites() {
    let fixture = Fixture::new().await;
    for n in 0..5 {
        assert_eq!(paused(&fixture).await, Value::Null);
        let (_, id) = invite(&fixture, &format!("guest{n}@example.com")).await;
        let bounce = report(BOUNCED, &fixture, &id, 1);
        // The bus may deliver an event twice.
        put(&fixture, bounce.clone()).await;
        put(&fixture, bounce).await;
    }
    let since = fixture.world.clock.now();
    let since = since.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let expected = json!({"since": since, "reason": "bounces"});
    assert_eq!(paused(&fixture).await, expected);
    assert_eq!(outcome_of_an_invite(&fixture).await, "403 invites_paused");
    let resend = format!(
        "{}/invites/{}/resend",
        fixture.organization, fixture.invite_id
    );
    let refusal = fixture.creator.post_empty(&resend).await;
    assert_eq!(
        refusal.refused("403 invites_paused"),
        "this organization's invites are paused, because too many of its first invite emails \
         bounced; contact support"
    );
    assert_eq!(reported(&fixture, "organization.invites_paused").await, 1);
    // An invite that was sent earlier can still be accepted.
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn complaint_about_a_cancelled_or_resent_invite_pauses() {
    for end in ["", "cancelled", "resent"] {
        let fixture = Fixture::new().await;
        let (path, id) = invite(&fixture, "guest@example.com").await;
        fixture.world.clock.advance(TimeDelta::minutes(1));
        match end {
            "cancelled" => fixture.admin.delete(&path).await.expect("204"),
            "resent" => {
                let resend = format!("{path}/resend");
                fixture.admin.post_empty(&resend).await.expect("200")
            }
            _ => Value::Null,
        };
        put(&fixture, report(COMPLAINED, &fixture, &id, 1)).await;
        assert_eq!(paused(&fixture).await["reason"], "complaints", "{end}");
        assert_eq!(outcome_of_an_invite(&fixture).await, "403 invites_paused");
        invariants::hold(&fixture.world).await;
    }
}

#[tokio::test]
async fn repeated_bounce_of_an_ended_invite_counts_once() {
    let fixture = Fixture::new().await;
    let (path, id) = invite(&fixture, "guest@example.com").await;
    fixture.admin.delete(&path).await.expect("204");
    for _ in 0..6 {
        put(&fixture, report(BOUNCED, &fixture, &id, 1)).await;
    }
    assert_eq!(paused(&fixture).await, Value::Null);
    assert_eq!(outcome_of_an_invite(&fixture).await, "201");
}

#[tokio::test]
async fn lifted_pause_does_not_return_by_old_reports() {
    let fixture = Fixture::new().await;
    let (_, id) = invite(&fixture, "guest@example.com").await;
    put(&fixture, report(COMPLAINED, &fixture, &id, 1)).await;
    let partition = format!("ORG#{}", fixture.organization_id());
    let lift = json!({
        "Key": {"pk": {"S": partition}, "sk": {"S": "COUNTS"}},
        "UpdateExpression": "REMOVE reports, invites_paused",
    });
    fixture.world.dynamodb("UpdateItem", lift).await;
    put(&fixture, report(COMPLAINED, &fixture, &id, 1)).await;
    assert_eq!(paused(&fixture).await, Value::Null);
    assert_eq!(outcome_of_an_invite(&fixture).await, "201");
}

#[tokio::test]
async fn zero_never_pauses() {
    let fixture = Fixture::without_limits().await;
    for n in 0..6 {
        let (_, id) = invite(&fixture, &format!("guest{n}@example.com")).await;
        put(&fixture, report(BOUNCED, &fixture, &id, 1)).await;
        put(&fixture, report(COMPLAINED, &fixture, &id, 1)).await;
    }
    assert_eq!(paused(&fixture).await, Value::Null);
    assert_eq!(outcome_of_an_invite(&fixture).await, "201");
}

#[tokio::test]
async fn response_names_the_invite_and_no_address() {
    let fixture = Fixture::new().await;
    let (_, id) = invite(&fixture, "guest@example.com").await;
    let event = json!({
        "source": "aws.ses",
        "detail-type": COMPLAINED,
        "detail": { "mail": {
            "destination": ["guest@example.com"],
            "tags": {
                "organization_id": [fixture.organization_id()],
                "invite_id": [id],
                "times_sent": ["1"],
            },
        } },
    });
    let response = functions::invoke(
        fixture.world.stack.app(),
        &functions::emails::record_email_delivery::OPERATION,
        event,
        functions::Context::default(),
    );
    let expected = json!({
        "recorded": "complained",
        "paused": true,
        "organization_id": fixture.organization_id(),
        "invite_id": id,
    });
    assert_eq!(response.await.unwrap(), expected);
}

/// Pauses the organization's invites by a complaint.
pub async fn pause(fixture: &Fixture) {
    let (_, id) = invite(fixture, "guest@example.com").await;
    put(fixture, report(COMPLAINED, fixture, &id, 1)).await;
}

#[tokio::test]
async fn server_lifts_the_pause_and_old_reports_do_not_count() {
    let fixture = Fixture::new().await;
    let (_, id) = invite(&fixture, "guest@example.com").await;
    put(&fixture, report(COMPLAINED, &fixture, &id, 1)).await;
    assert_eq!(outcome_of_an_invite(&fixture).await, "403 invites_paused");
    let path = format!("{}/invite-pause", fixture.managed());
    for _ in 0..2 {
        fixture.world.server().delete(&path).await.expect("204");
    }
    assert_eq!(paused(&fixture).await, Value::Null);
    put(&fixture, report(COMPLAINED, &fixture, &id, 1)).await;
    assert_eq!(outcome_of_an_invite(&fixture).await, "201");
    assert_eq!(reported(&fixture, "organization.invites_resumed").await, 1);
    invariants::hold(&fixture.world).await;
}
