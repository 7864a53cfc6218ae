//! The faults that DynamoDB on AWS has and the embedded database lacks: cancelled
//! transactions, throttling inside of them, unprocessed keys, a stale index, and a
//! deadline that is near.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    access::{self, Access},
    harness::{Fixture, Reply},
    invariants,
    wire::Fault,
};

/// Reasons of a cancelled transaction that pass, in several orders, and how many times in a
/// row: after one the request decides again, after more it sends the same again.
const PASSING: [(Fault, usize); 10] = [
    (Fault::Cancelled(&["TransactionConflict"]), 1),
    (Fault::Cancelled(&["TransactionConflict"]), 3),
    (Fault::Cancelled(&["None", "TransactionConflict"]), 3),
    (Fault::Cancelled(&["ConditionalCheckFailed"]), 1),
    (Fault::Cancelled(&["ConditionalCheckFailed"]), 3),
    (Fault::Cancelled(&["ThrottlingError"]), 3),
    (Fault::Cancelled(&["ProvisionedThroughputExceeded"]), 1),
    (
        Fault::Cancelled(&["TransactionConflict", "ConditionalCheckFailed"]),
        3,
    ),
    (
        Fault::Cancelled(&["ThrottlingError", "TransactionConflict"]),
        1,
    ),
    (
        Fault::Cancelled(&["ConditionalCheckFailed", "ThrottlingError"]),
        3,
    ),
];

/// The operations whose row sends a request of an action, with how many of them.
async fn rows_with(action: &str) -> Vec<(&'static Access, usize)> {
    let mut rows = Vec::new();
    for access in access::ACCESS {
        let fixture = access.fixture().await;
        access.prepare(&fixture).await;
        access.send_once(&fixture).await;
        let exchanges = fixture.world.wire.take();
        let count = exchanges.iter().filter(|e| e.action == action).count();
        if count > 0 {
            rows.push((access, count));
        }
    }
    assert!(rows.len() >= 10, "{action}: {}", rows.len());
    rows
}

#[tokio::test]
async fn transaction_cancelled_for_a_passing_reason_is_repeated() {
    for (access, _) in rows_with("TransactWriteItems").await {
        for (fault, times) in PASSING {
            let fixture = access.fixture().await;
            access.prepare(&fixture).await;
            let wire = &fixture.world.wire;
            wire.fail_action("TransactWriteItems", 0, times, fault);
            let reply = access.send_once(&fixture).await;
            let what = format!("{}: {fault:?} {times} times", access.operation);
            assert!((200..300).contains(&reply.status), "{what}: {}", reply.body);
            invariants::hold(&fixture.world).await;
        }
    }
}

#[tokio::test]
async fn transaction_cancelled_for_another_reason_is_an_error() {
    let fixture = Fixture::new().await;
    let reasons = &["TransactionConflict", "ValidationError"];
    let fault = Fault::Cancelled(reasons);
    fixture
        .world
        .wire
        .fail_action("TransactWriteItems", 0, 1, fault);
    let reply = access::access("create-invite").send_once(&fixture).await;
    reply.expect("500 internal_error");
}

/// Returns the context of an invocation with this much time.
pub fn ending_in(time: Duration) -> functions::Context {
    let deadline = SystemTime::now() + time;
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut context = functions::Context::default();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap();
    context
}

/// Sends a request to an operation whose deadline is near.
pub async fn invoke_in(fixture: &Fixture, operation: &str, time: Duration) -> Reply {
    let text = crate::completeness::repository(&format!("events/{operation}.json"));
    let event = std::fs::read_to_string(text).unwrap();
    let event = event
        .replace(
            "01930000-0000-7000-8000-000000000001",
            fixture.organization_id(),
        )
        .replace("sample-owner", &fixture.creator.user_id);
    let event: Value = serde_json::from_str(&event).unwrap();
    let path = event["rawPath"].as_str().unwrap().to_owned();
    let method = event["requestContext"]["http"]["method"].as_str().unwrap();
    let method: Method = method.parse().unwrap();
    let operation = functions::operation(operation).unwrap();
    let context = ending_in(time);
    let output = functions::invoke(fixture.world.stack.app(), operation, event, context).await;
    let output = output.unwrap();
    let status = output["statusCode"].as_u64().unwrap();
    let body = serde_json::from_str(output["body"].as_str().unwrap()).unwrap();
    let headers = output["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| {
        let value = value.as_str().unwrap().parse().unwrap();
        (name.parse().unwrap(), value)
    });
    let status = u16::try_from(status).unwrap();
    Reply::new(&method, &path, status, headers.collect(), body)
}

#[tokio::test]
async fn contention_until_the_deadline_is_busy_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let wire = &fixture.world.wire;
    let fault = Fault::Cancelled(&["TransactionConflict"]);
    wire.fail_action("TransactWriteItems", 0, usize::MAX, fault);
    fixture.world.take_metrics();
    let reply = invoke_in(&fixture, "create-invite", Duration::from_secs(2)).await;
    wire.heal();
    assert_eq!(reply.headers["retry-after"], "1");
    let detail = reply.refused("503 busy");
    assert!(detail.contains("other requests are changing"), "{detail}");
    let metrics: Value = serde_json::from_str(&fixture.world.take_metrics()[0]).unwrap();
    assert_eq!(
        (&metrics["Busy"], &metrics["code"]),
        (&json!(1), &json!("busy"))
    );
    assert_eq!(metrics["Refusals"], Value::Null);
    assert!(
        metrics["ConflictsRetried"].as_u64().unwrap() > 1,
        "{metrics}"
    );
    let invites = fixture
        .creator
        .get(&format!("{}/invites", fixture.organization))
        .await;
    assert_eq!(invites.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn throttling_until_the_deadline_is_unavailable() {
    let fixture = Fixture::new().await;
    let wire = &fixture.world.wire;
    let fault = Fault::Cancelled(&["ThrottlingError", "TransactionConflict"]);
    wire.fail_action("TransactWriteItems", 0, usize::MAX, fault);
    fixture.world.take_metrics();
    let reply = invoke_in(&fixture, "create-invite", Duration::from_secs(2)).await;
    wire.heal();
    reply.expect("503 unavailable");
    let metrics: Value = serde_json::from_str(&fixture.world.take_metrics()[0]).unwrap();
    assert_eq!(metrics["Failures"], 1, "{metrics}");
    assert!(metrics["TransactionsThrottled"].as_u64().unwrap() > 1);
}

#[tokio::test]
async fn unprocessed_keys_are_read_again() {
    for (access, count) in rows_with("BatchGetItem").await {
        for skip in 0..count {
            for (fault, times) in [
                (Fault::Unprocessed, 1),
                (Fault::PartlyUnprocessed, 1),
                (Fault::PartlyUnprocessed, 2),
            ] {
                let fixture = access.fixture().await;
                access.prepare(&fixture).await;
                let wire = &fixture.world.wire;
                wire.fail_action("BatchGetItem", skip, times, fault);
                let reply = access.send_once(&fixture).await;
                let what = format!("{}: {fault:?} after {skip}", access.operation);
                assert!((200..300).contains(&reply.status), "{what}: {}", reply.body);
            }
        }
    }
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_unavailable() {
    let fixture = Fixture::new().await;
    let wire = &fixture.world.wire;
    wire.fail_action("BatchGetItem", 0, usize::MAX, Fault::Unprocessed);
    let reply = fixture.user.get(&fixture.organization).await;
    wire.heal();
    reply.expect("503 unavailable");
}

#[tokio::test]
async fn stale_index_ends_no_invite_twice_or_too_early() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    world.clock.advance(TimeDelta::days(14));
    world.wire.freeze_index();
    for expected in [1, 0, 0] {
        world.take_metrics();
        world.stack.run_schedule("expire-invites").await;
        let metrics = world.take_metrics().join("");
        let ended = metrics.contains("\"InvitesExpired\":1");
        assert_eq!(u64::from(ended), expected, "{metrics}");
        invariants::hold(world).await;
    }
    // The address is invited again while the index still lists its old invite.
    let creator = world.sign_in("ada@example.com");
    creator
        .invite(&fixture.organization, "dana@example.com", "user")
        .await;
    world.stack.run_schedule("expire-invites").await;
    let invites = format!("{}/invites", fixture.organization);
    let invites = creator.get(&invites).await.expect("200");
    assert_eq!(invites["items"].as_array().unwrap().len(), 1);
    invariants::hold(world).await;
}

#[tokio::test]
async fn stale_index_applies_no_plan_change_twice() {
    let fixture = Fixture::new().await;
    fixture.change_plan("basic", "period_end").await;
    let world = &fixture.world;
    world.clock.advance(TimeDelta::days(31));
    world.wire.freeze_index();
    for _ in 0..3 {
        world.stack.run_schedule("apply-plan-changes").await;
    }
    let creator = world.sign_in("ada@example.com");
    let kinds = crate::harness::audit_kinds(&creator, &fixture.organization).await;
    let changed = kinds.iter().filter(|kind| *kind == "billing.plan_changed");
    assert_eq!(changed.count(), 1, "{kinds:?}");
}

/// Sends all requests at once while transactions conflict as on AWS, and counts
/// the outcomes.
async fn at_once(
    fixture: &Arc<Fixture>,
    requests: Vec<(crate::harness::Session, Method, String, Option<Value>)>,
) -> Vec<String> {
    fixture.world.wire.contend();
    let mut replies = JoinSet::new();
    for (session, method, path, body) in requests {
        replies.spawn(async move { session.send(method, &path, body).await.outcome() });
    }
    let outcomes = replies.join_all().await;
    fixture.world.wire.heal();
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_invites_and_accepts_at_once_succeed() {
    let fixture = Arc::new(Fixture::new().await);
    let path = format!("{}/invites", fixture.organization);
    // On an idle machine a hundred pass as well; a busy one has less time for each.
    let guests: Vec<_> = (0..20)
        .map(|n| fixture.world.sign_in(&format!("guest{n}@example.com")))
        .collect();
    let invites = guests.iter().map(|guest| {
        let input = json!({"email": guest.email, "role": "user"});
        (
            fixture.admin.clone(),
            Method::POST,
            path.clone(),
            Some(input),
        )
    });
    let outcomes = at_once(&fixture, invites.collect()).await;
    let busy = outcomes.iter().filter(|outcome| *outcome != "201").count();
    assert_eq!(busy, 0, "{outcomes:?}");
    invariants::hold(&fixture.world).await;

    let listed = fixture.admin.get(&format!("{path}?limit=100")).await;
    let listed = listed.expect("200");
    let id_of = |email: &str| {
        let items = listed["items"].as_array().unwrap();
        let invite = items.iter().find(|invite| invite["email"] == email);
        invite.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let accepts = guests.iter().map(|guest| {
        let path = format!("/v1/account/invites/{}/accept", id_of(&guest.email));
        (guest.clone(), Method::POST, path, None)
    });
    let outcomes = at_once(&fixture, accepts.collect()).await;
    let busy = outcomes.iter().filter(|outcome| *outcome != "200").count();
    assert_eq!(busy, 0, "{outcomes:?}");
    invariants::hold(&fixture.world).await;
}
