//! The use of credits: exactly once, never beyond the plan's, each threshold
//! told once.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use functions::{Limits, RateLimit, UsageRates};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Fixture, Key, Reply, Session, World},
    invariants,
    wire::Fault,
};

pub async fn render(api_client: &Session, key: &str, credits: u64) -> Reply {
    let body = json!({ "credits": credits }).to_string();
    api_client
        .send_with(
            Method::POST,
            "/v1/usage",
            Some(body),
            &[("idempotency-key", key)],
        )
        .await
}

pub async fn refund(caller: &Session, body: Value) -> Reply {
    caller.post("/v1/usage/refunds", body).await
}

/// Creates an API key that can only read usage.
pub async fn reader(fixture: &Fixture) -> Session {
    let input = json!({"name": "Dashboard", "scopes": ["usage:read"]});
    let path = format!("{}/api-keys", fixture.organization);
    let created = fixture.owner.post(&path, input).await.expect("201");
    assert_eq!(created["api_key"]["scopes"], json!(["usage:read"]));
    fixture.world.api_client(&Key {
        id: created["api_key"]["id"].as_str().unwrap().to_owned(),
        secret: created["secret"].as_str().unwrap().to_owned(),
    })
}

/// Allowed, consumed and used, as the headers say.
fn counted(reply: &Reply) -> (u64, u64, u64) {
    let header = |name: &str| reply.headers[name].to_str().unwrap().parse().unwrap();
    (
        header("x-renders-allowed"),
        header("x-renders-consumed"),
        header("x-renders-used"),
    )
}

async fn used(fixture: &Fixture) -> u64 {
    let path = format!("{}/settings", fixture.organization);
    let seen = fixture.user.get(&path).await.expect("200");
    seen["usage"]["used"].as_u64().unwrap()
}

/// How many events of a kind there are, and to how many emails they led.
async fn thresholds(fixture: &Fixture) -> Vec<String> {
    let path = format!("{}/audit-events?limit=100", fixture.organization);
    let log = fixture.creator.get(&path).await.expect("200");
    let events = log["items"].as_array().unwrap().iter().rev();
    let reached = events.filter(|event| event["kind"] == "usage.threshold_reached");
    reached
        .map(|event| {
            assert_eq!(event["actor"]["kind"], "system");
            event["changes"][0]["to"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn credits_beyond_the_last_are_refused() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    let reply = render(&api_client, "a", 1).await;
    assert_eq!(counted(&reply), (50, 1, 1));
    assert_eq!(
        reply.expect("200"),
        json!({
            "organization_id": fixture.organization_id(), "api_key_id": fixture.key.id,
            "allowed": 50, "consumed": 1, "used": 1, "remaining": 49,
        })
    );
    assert_eq!(counted(&render(&api_client, "b", 49).await), (50, 49, 50));
    let reply = render(&api_client, "c", 1).await;
    assert_eq!(counted(&reply), (50, 0, 50));
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    // From noon on the first to the period's end.
    let wait: i64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let end = fixture.world.clock.now() + TimeDelta::seconds(wait);
    assert_eq!(
        end,
        "2026-04-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    assert_eq!(
        reply.refused("429 credits_used_up"),
        "You've used 50 of your 50 image credits."
    );
}

#[tokio::test]
async fn request_above_the_credits_left_uses_none() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    render(&api_client, "a", 48).await.expect("200");
    assert_eq!(
        render(&api_client, "b", 3)
            .await
            .refused("429 credits_used_up"),
        "You've used 48 of your 50 image credits, and this takes 3 more."
    );
    // A refusal is not remembered: the same key can be used once there is room.
    assert_eq!(counted(&render(&api_client, "b", 2).await), (50, 2, 50));
}

#[tokio::test]
async fn idempotency_key_uses_credits_once_within_a_day() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    let first = render(&api_client, "same", 2).await;
    render(&api_client, "other", 3).await.expect("200");
    let again = render(&api_client, "same", 2).await;
    assert_eq!(
        (counted(&again), &again.body),
        (counted(&first), &first.body)
    );
    assert_eq!(
        render(&api_client, "same", 3)
            .await
            .refused("422 idempotency_key_reused"),
        "this idempotency key was already used for 2 credits; use a new key for a new request"
    );
    assert_eq!(used(&fixture).await, 5);
    fixture.world.clock.advance(TimeDelta::hours(24));
    assert_eq!(counted(&render(&api_client, "same", 3).await), (50, 3, 8));
    // That one is remembered now, whether the first is swept or not.
    assert_eq!(counted(&render(&api_client, "same", 3).await), (50, 3, 8));
}

#[tokio::test]
async fn idempotency_key_is_scoped_to_an_organization() {
    let fixture = Fixture::new().await;
    let elsewhere = fixture.stranger.create_organization("Other").await;
    let theirs = fixture.stranger.create_key(&elsewhere, "Theirs").await;
    let theirs = fixture.world.api_client(&theirs);
    let api_client = fixture.api_client.clone();
    assert_eq!(counted(&render(&api_client, "same", 2).await), (50, 2, 2));
    assert_eq!(counted(&render(&theirs, "same", 7).await), (50, 7, 7));
}

#[tokio::test]
async fn invalid_usage_request_names_the_field() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    let ask = async |body: Value, headers: &[(&str, &str)]| {
        let body = Some(body.to_string());
        let reply = api_client.send_with(Method::POST, "/v1/usage", body, headers);
        reply.await.refused("400 invalid_request")
    };
    let key: &[(&str, &str)] = &[("idempotency-key", "x")];
    let one = json!({"credits": 1});
    assert_eq!(ask(one.clone(), &[]).await, "`idempotency-key` is missing");
    let long = "x".repeat(129);
    for wrong in ["", "a b", long.as_str()] {
        assert_eq!(
            ask(one.clone(), &[("idempotency-key", wrong)]).await,
            "`idempotency-key` must be 1 to 128 printable ASCII characters without spaces"
        );
    }
    for wrong in [json!(0), json!(1001)] {
        assert_eq!(
            ask(json!({ "credits": wrong }), key).await,
            "`credits` must be a whole number from 1 to 1000"
        );
    }
    for wrong in [json!(-1), json!(1.5), json!("1"), json!(null)] {
        let detail = ask(json!({ "credits": wrong }), key).await;
        assert!(detail.starts_with("`credits` "), "{detail}");
    }
    assert_eq!(ask(json!({}), key).await, "`credits` is missing");
    assert_eq!(
        ask(json!({"credits": 1, "images": 2}), key).await,
        "`images` is not a field of this request"
    );
    assert_eq!(used(&fixture).await, 0);
}

#[tokio::test]
async fn only_an_api_key_uses_its_organizations_credits() {
    let fixture = Fixture::new().await;
    let people = [
        &fixture.creator,
        &fixture.admin,
        &fixture.user,
        &fixture.outsider,
    ];
    for person in people {
        assert_eq!(render(person, "x", 1).await.status, 403);
        assert_eq!(person.get("/v1/usage").await.status, 403);
    }
    assert_eq!(render(&fixture.world.nobody(), "x", 1).await.status, 401);
    let api_client = fixture.api_client.clone();
    for path in ["billing", "usage", "settings"] {
        let path = format!("{}/{path}", fixture.organization);
        assert_eq!(api_client.get(&path).await.status, 401, "{path}");
    }
    assert_eq!(
        api_client
            .patch(&fixture.billing(), json!({"plan": "basic"}))
            .await
            .status,
        401
    );
    assert_eq!(used(&fixture).await, 0);
}

/// Returns the entries of a usage map that are not 0.
fn used_slots(usage: &Value, map: &str) -> Value {
    let mut slots = usage["data"][map].as_object().unwrap().clone();
    slots.retain(|_, credits| *credits != 0);
    slots.into()
}

#[tokio::test]
async fn usage_is_reported_by_hour_day_month_and_period() {
    let fixture = Fixture::new().await;
    let clock = &fixture.world.clock;
    let api_client = &fixture.api_client;
    let path = format!("{}/usage", fixture.organization);
    let report = async || {
        // Earlier tokens have expired.
        let user = fixture.world.sign_in("ulla@example.com");
        user.get(&path).await.expect("200")
    };
    clock.advance(TimeDelta::days(16));
    // The first use allocates the credits; the others debit a counter.
    render(api_client, "a", 2).await.expect("200");
    clock.advance(TimeDelta::hours(1));
    render(api_client, "b", 3).await.expect("200");
    clock.advance(TimeDelta::days(1));
    render(api_client, "c", 4).await.expect("200");
    let seen = report().await;
    assert_eq!(
        used_slots(&seen, "hour"),
        json!({
            "2026-03-17T12:00:00Z": 2,
            "2026-03-17T13:00:00Z": 3,
            "2026-03-18T13:00:00Z": 4,
        })
    );
    assert_eq!(
        used_slots(&seen, "day"),
        json!({"2026-03-17T00:00:00Z": 5, "2026-03-18T00:00:00Z": 4})
    );
    assert_eq!(
        used_slots(&seen, "month"),
        json!({"2026-03-01T00:00:00Z": 9})
    );

    clock.advance(TimeDelta::days(31));
    render(api_client, "d", 1).await.expect("200");
    let seen = report().await;
    // The hours of March are more than 72 hours ago.
    assert_eq!(
        used_slots(&seen, "hour"),
        json!({"2026-04-18T13:00:00Z": 1})
    );
    assert_eq!(
        used_slots(&seen, "day"),
        json!({
            "2026-03-17T00:00:00Z": 5,
            "2026-03-18T00:00:00Z": 4,
            "2026-04-18T00:00:00Z": 1,
        })
    );
    assert_eq!(
        used_slots(&seen, "month"),
        json!({"2026-03-01T00:00:00Z": 9, "2026-04-01T00:00:00Z": 1})
    );
    assert_eq!(
        seen["per_billing_period"],
        json!([
            {"total_images": 1, "start": "2026-04-01T00:00:00Z", "end": "2026-05-01T00:00:00Z"},
            {"total_images": 9, "start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"},
        ])
    );
    assert_eq!(api_client.get("/v1/usage").await.expect("200"), seen);
}

#[tokio::test]
async fn new_period_begins_on_time_with_all_credits() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    render(&api_client, "a", 50).await.expect("200");
    let end: DateTime<Utc> = "2026-04-01T00:00:00Z".parse().unwrap();
    let left = end - fixture.world.clock.now();
    fixture
        .world
        .clock
        .advance(left - TimeDelta::milliseconds(1));
    let reply = render(&api_client, "b", 1).await;
    assert_eq!(reply.headers["retry-after"], "1");
    reply.refused("429 credits_used_up");
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(counted(&render(&api_client, "b", 1).await), (50, 1, 1));
}

/// A request decides in the old period and commits when the new one has begun.
#[tokio::test]
async fn request_committed_in_the_next_period_uses_its_credits() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    render(&api_client, "a", 10).await.expect("200");
    let end: DateTime<Utc> = "2026-04-01T00:00:00Z".parse().unwrap();
    let left = end - fixture.world.clock.now();
    fixture
        .world
        .clock
        .advance(left - TimeDelta::milliseconds(1));
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let late = api_client.clone();
    let late = tokio::spawn(async move { render(&late, "late", 5).await });
    held.arrived().await;
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(counted(&render(&api_client, "next", 1).await), (50, 1, 1));
    held.release();
    assert_eq!(counted(&late.await.unwrap()), (50, 5, 6));
}

#[tokio::test]
async fn plan_change_during_use_keeps_the_limit() {
    // Decided on the free plan, committed on the basic one.
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    render(&api_client, "a", 1).await.expect("200");
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let late = api_client.clone();
    let late = tokio::spawn(async move { render(&late, "late", 5).await });
    held.arrived().await;
    fixture.change_plan("basic", "now").await;
    held.release();
    assert_eq!(counted(&late.await.unwrap()), (3000, 5, 6));
    assert_eq!(used(&fixture).await, 6);

    // The other way round: what was decided on the basic plan does not go
    // beyond the free one.
    render(&api_client, "b", 43).await.expect("200");
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let late = api_client.clone();
    let late = tokio::spawn(async move { render(&late, "late-too", 2).await });
    held.arrived().await;
    fixture.change_plan("free", "now").await;
    held.release();
    assert_eq!(
        late.await.unwrap().refused("429 credits_used_up"),
        "You've used 49 of your 50 image credits, and this takes 2 more."
    );

    // And a change of plan that was decided before credits were used.
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let (admin, billing) = (fixture.admin.clone(), fixture.billing());
    let change = tokio::spawn(async move { admin.patch(&billing, json!({"plan": "basic"})).await });
    held.arrived().await;
    assert_eq!(counted(&render(&api_client, "c", 1).await), (50, 1, 50));
    held.release();
    change.await.unwrap().expect("200");
    assert_eq!(counted(&render(&api_client, "d", 1).await), (3000, 1, 51));
    invariants::hold(&fixture.world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_use_stays_within_credits_and_thresholds() {
    for plan in ["free", "scale"] {
        let fixture = Fixture::new().await;
        let api_client = fixture.api_client.clone();
        if plan == "scale" {
            // Sixteen counters, with little left on them.
            fixture.change_plan("scale", "now").await;
            for n in 0..99 {
                render(&api_client, &format!("before-{n}"), 1000)
                    .await
                    .expect("200");
            }
            render(&api_client, "before", 970).await.expect("200");
        }
        let requests: Vec<_> = (0..60)
            .map(|n| {
                let api_client = api_client.clone();
                tokio::spawn(async move {
                    loop {
                        let reply = render(&api_client, &format!("{n}"), 1).await;
                        // As a client does.
                        if reply.status != 503 {
                            return reply;
                        }
                    }
                })
            })
            .collect();
        let mut taken = 0;
        for request in requests {
            let reply = request.await.unwrap();
            match reply.status {
                200 => taken += 1,
                _ => {
                    reply.refused("429 credits_used_up");
                }
            }
        }
        let left = if plan == "free" { 50 } else { 30 };
        assert_eq!(taken, left, "{plan}");
        let allowed = if plan == "free" { 50 } else { 100_000 };
        assert_eq!(used(&fixture).await, allowed, "{plan}");
        assert_eq!(thresholds(&fixture).await, ["80", "100"], "{plan}");
        invariants::hold(&fixture.world).await;
        fixture.world.drain().await;
        assert_eq!(
            fixture.recipients_of("80% of its image credits"),
            ["ada@example.com"]
        );
        assert_eq!(
            fixture.recipients_of("out of image credits"),
            ["ada@example.com"]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotency_key_used_at_once_uses_credits_once() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let api_client = api_client.clone();
            tokio::spawn(async move { render(&api_client, "same", 3).await })
        })
        .collect();
    for request in requests {
        let reply = request.await.unwrap();
        if reply.status != 503 {
            assert_eq!(counted(&reply), (50, 3, 3));
        }
    }
    assert_eq!(used(&fixture).await, 3);
}

/// The ways that the use of credits can go: the first ever, from a counter,
/// reaching a threshold, and beginning a period.
#[tokio::test]
async fn request_after_any_fault_uses_credits_once() {
    for (before, credits, in_april) in [(0, 1, false), (10, 3, false), (39, 2, false), (7, 4, true)]
    {
        let gather = async || {
            let fixture = Fixture::new().await;
            let api_client = fixture.api_client.clone();
            if before > 0 {
                render(&api_client, "before", before).await.expect("200");
            }
            if in_april {
                fixture.world.clock.advance(TimeDelta::days(31));
            }
            // The gateway keeps for a while what the authorizer has told.
            api_client.get("/v1/usage").await.expect("200");
            fixture.world.wire.take();
            (fixture, api_client)
        };
        let (clean, api_client) = gather().await;
        render(&api_client, "x", credits).await.expect("200");
        let requests = clean.world.wire.take().len();
        assert!(requests > 0);
        for skip in 0..requests {
            for fault in Fault::ALL {
                for times in [1, 3] {
                    let what = format!("{before}+{credits}: {skip} fails {times} times: {fault:?}");
                    let (fixture, api_client) = gather().await;
                    fixture.world.wire.fail(skip, times, fault);
                    let first = render(&api_client, "x", credits).await;
                    fixture.world.wire.heal();
                    invariants::hold(&fixture.world).await;
                    assert!(matches!(first.status, 200 | 503), "{what}: {}", first.body);
                    let again = render(&api_client, "x", credits).await;
                    assert_eq!(again.outcome(), "200", "{what}");
                    let total = if in_april { credits } else { before + credits };
                    assert_eq!(counted(&again), (50, credits, total), "{what}");
                    let last = render(&api_client, "y", 1).await;
                    assert_eq!(counted(&last), (50, 1, total + 1), "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn cost_of_use_is_independent_of_earlier_use() {
    let fixture = Fixture::new().await;
    let api_client = fixture.api_client.clone();
    fixture.change_plan("scale", "now").await;
    let mut costs = Vec::new();
    for round in 0..2 {
        for n in 0..40 {
            render(&api_client, &format!("{round}-{n}"), 900)
                .await
                .expect("200");
        }
        fixture.world.wire.take();
        fixture
            .user
            .get(&format!("{}/usage", fixture.organization))
            .await
            .expect("200");
        costs.push(crate::costs::Cost::of(&fixture.world.wire.take()));
    }
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test]
async fn refund_gives_credits_back_once_and_corrects_the_history() {
    let fixture = Fixture::new().await;
    let api_client = &fixture.api_client;
    render(api_client, "a", 45).await.expect("200");
    let used_at = fixture.world.clock.now();
    fixture.world.clock.advance(TimeDelta::minutes(20));
    let first = refund(api_client, json!({"idempotency_key": "a", "credits": 40})).await;
    let first = first.expect("200");
    assert_eq!(
        first,
        json!({
            "organization_id": fixture.organization_id(), "api_key_id": fixture.key.id,
            "refunded": 40, "consumed": 5, "used_at": used_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        })
    );
    let again = refund(api_client, json!({"idempotency_key": "a", "credits": 40})).await;
    assert_eq!(again.expect("200"), first);
    assert_eq!(used(&fixture).await, 5);
    let usage = api_client.get("/v1/usage").await.expect("200");
    assert_eq!(usage["per_billing_period"][0]["total_images"], 5);
    for slots in ["hour", "day", "month"] {
        let slots = usage["data"][slots].as_object().unwrap().values();
        assert_eq!(
            slots.map(|credits| credits.as_u64().unwrap()).sum::<u64>(),
            5
        );
    }
    // All of them can be used again, and a threshold is told once.
    assert_eq!(counted(&render(api_client, "b", 45).await), (50, 45, 50));
    assert_eq!(thresholds(&fixture).await, ["80", "100"]);
    refund(api_client, json!({"idempotency_key": "b"}))
        .await
        .expect("200");
    render(api_client, "c", 45).await.expect("200");
    render(api_client, "d", 1)
        .await
        .expect("429 credits_used_up");
    assert_eq!(thresholds(&fixture).await, ["80", "100"]);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn refund_a_day_later_is_not_found() {
    let fixture = Fixture::new().await;
    let body = json!({"idempotency_key": "a", "credits": 1});
    render(&fixture.api_client, "a", 2).await.expect("200");
    let day = TimeDelta::hours(24) - TimeDelta::milliseconds(1);
    fixture.world.clock.advance(day);
    refund(&fixture.api_client, body.clone())
        .await
        .expect("200");
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    let late = refund(&fixture.api_client, body).await;
    assert_eq!(
        late.refused("404 usage_not_found"),
        "no credits were used with this idempotency key in the last 24 hours"
    );
    // The key of another organization's use is not found either.
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let elsewhere = fixture.elsewhere().await.replace("/v1/", "/v1/server/");
    let path = format!("{elsewhere}/usage/refunds");
    render(&fixture.api_client, "b", 2).await.expect("200");
    let other = server.post(&path, json!({"idempotency_key": "b"})).await;
    other.expect("404 usage_not_found");
}

#[tokio::test]
async fn invalid_refund_is_refused_with_the_field() {
    let fixture = Fixture::new().await;
    render(&fixture.api_client, "a", 2).await.expect("200");
    for (body, field) in [
        (json!({}), "idempotency_key"),
        (json!({"idempotency_key": ""}), "idempotency_key"),
        (json!({"idempotency_key": "a b"}), "idempotency_key"),
        (json!({"idempotency_key": 1}), "idempotency_key"),
        (json!({"idempotency_key": "a", "credits": 0}), "credits"),
        (json!({"idempotency_key": "a", "credits": 3}), "credits"),
        (json!({"idempotency_key": "a", "credits": 1001}), "credits"),
        (json!({"idempotency_key": "a", "amount": 1}), "amount"),
    ] {
        let reply = refund(&fixture.api_client, body.clone()).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "{body}");
        assert_eq!(reply.body["field"], field, "{body}");
    }
    assert_eq!(used(&fixture).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_refunds_and_uses_stay_exact() {
    let fixture = Fixture::new().await;
    for n in 0..10 {
        render(&fixture.api_client, &format!("before-{n}"), 5)
            .await
            .expect("200");
    }
    let tasks: Vec<_> = (0..60)
        .map(|n: usize| {
            let api_client = fixture.api_client.clone();
            tokio::spawn(async move {
                loop {
                    let reply = if n < 40 {
                        let key = format!("before-{}", n % 10);
                        refund(&api_client, json!({"idempotency_key": key, "credits": 4})).await
                    } else {
                        render(&api_client, &format!("after-{n}"), 2).await
                    };
                    if reply.status != 503 {
                        return (n, reply.outcome());
                    }
                }
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        let (n, outcome) = task.await.unwrap();
        match outcome.as_str() {
            "200" => taken += u64::from(n >= 40) * 2,
            "429 credits_used_up" => assert!(n >= 40),
            other => panic!("{n}: {other}"),
        }
    }
    assert_eq!(used(&fixture).await, 10 + taken);
    invariants::hold(&fixture.world).await;
}

/// A plan that is smaller than what was used is read anew.
#[tokio::test]
async fn refund_during_a_plan_change_stays_within_the_plan() {
    let fixture = Fixture::new().await;
    fixture.change_plan("basic", "now").await;
    render(&fixture.api_client, "a", 60).await.expect("200");
    render(&fixture.api_client, "b", 30).await.expect("200");
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let late = fixture.api_client.clone();
    let body = json!({"idempotency_key": "b"});
    let late = tokio::spawn(async move { refund(&late, body).await });
    held.arrived().await;
    fixture.change_plan("free", "now").await;
    held.release();
    late.await.unwrap().expect("200");
    assert_eq!(used(&fixture).await, 60);
    render(&fixture.api_client, "c", 1)
        .await
        .expect("429 credits_used_up");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn server_uses_and_refunds_credits_for_a_member() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let path = format!("{}/usage", fixture.managed());
    let headers = [("idempotency-key", "click-1"), ("on-behalf-of", "ulla")];
    let body = Some(json!({"credits": 3}).to_string());
    let reply = server
        .send_with(Method::POST, &path, body.clone(), &headers)
        .await;
    assert_eq!(reply.expect("200")["api_key_id"], Value::Null);
    assert_eq!(used(&fixture).await, 3);
    let refunds = format!("{path}/refunds");
    server
        .post(&refunds, json!({"idempotency_key": "click-1"}))
        .await
        .expect("200");
    assert_eq!(used(&fixture).await, 0);

    let missing = server
        .send_with(Method::POST, &path, body.clone(), &[])
        .await;
    assert_eq!(missing.outcome(), "400 invalid_request");
    assert_eq!(missing.body["field"], "idempotency-key");
    let headers = [("idempotency-key", "click-2")];
    fixture.suspend("The last invoice is not paid.").await;
    let suspended = server
        .send_with(Method::POST, &path, body.clone(), &headers)
        .await;
    suspended.expect("403 organization_suspended");
    let refused = server
        .post(&refunds, json!({"idempotency_key": "click-1"}))
        .await;
    refused.expect("403 organization_suspended");
    let path = format!("{}/suspension", fixture.managed());
    server.delete(&path).await.expect("200");
    fixture.delete().await;
    let path = format!("{}/usage", fixture.managed());
    let deleted = server.send_with(Method::POST, &path, body, &headers).await;
    deleted.expect("404 organization_not_found");
}

#[tokio::test]
async fn api_key_without_a_scope_is_refused_on_its_routes() {
    let fixture = Fixture::new().await;
    let reader = reader(&fixture).await;
    reader.get("/v1/usage").await.expect("200");
    assert_eq!(
        render(&reader, "a", 1)
            .await
            .refused("403 insufficient_scope"),
        "the API key lacks the scope `usage:write`; create one that has it"
    );
    let path = format!("{}/api-keys", fixture.organization);
    let input = json!({"name": "Renderer", "scopes": ["usage:write", "usage:write"]});
    let created = fixture.owner.post(&path, input).await.expect("201");
    let writer = fixture.world.api_client(&Key {
        id: created["api_key"]["id"].as_str().unwrap().to_owned(),
        secret: created["secret"].as_str().unwrap().to_owned(),
    });
    render(&writer, "a", 1).await.expect("200");
    writer
        .get("/v1/usage")
        .await
        .expect("403 insufficient_scope");
    for (scopes, field) in [
        (json!([]), "scopes"),
        (json!(["usage"]), "scopes[0]"),
        (json!("usage:read"), "scopes"),
        (Value::Null, "scopes"),
    ] {
        let input = json!({"name": "Renderer", "scopes": scopes});
        let reply = fixture.owner.post(&path, input).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "{scopes}");
        assert_eq!(reply.body["field"], field, "{scopes}");
    }
}

#[tokio::test]
async fn api_key_sees_itself_its_organization_and_its_credits() {
    let fixture = Fixture::new().await;
    let seen = async |path: &str| fixture.api_client.get(path).await.expect("200");
    let before = seen("/v1/api-key").await;
    assert_eq!(
        before,
        json!({
            "id": fixture.key.id,
            "name": before["name"],
            "scopes": ["usage:read", "usage:write"],
            "expires_at": null,
            "organization": {"id": fixture.organization_id(), "name": before["organization"]["name"]},
            "plan": {"id": "free", "name": "Free", "monthly_credits": 50, "price": null},
            "credits": {
                "allowed": 50, "remaining": 50, "is_estimate": false,
                "period_end": "2026-04-01T00:00:00Z",
            },
        })
    );
    for (key, credits, left) in [("a", 39, 11), ("b", 2, 9), ("c", 9, 0)] {
        render(&fixture.api_client, key, credits)
            .await
            .expect("200");
        assert_eq!(seen("/v1/api-key").await["credits"]["remaining"], left);
    }
    fixture.change_plan("scale", "now").await;
    let credits = &seen("/v1/api-key").await["credits"];
    assert_eq!(credits["is_estimate"], true);
    let left = credits["remaining"].as_u64().unwrap();
    assert!(left.abs_diff(99_950) < 50, "{left}");
}

/// Makes an organization whose uses are limited to 3 a second, and 1 with one key.
async fn with_usage_rates() -> Fixture {
    let limits = Limits {
        usage: UsageRates {
            organization: RateLimit(3),
            api_key: RateLimit(1),
        },
        ..Limits::NONE
    };
    Fixture::in_world(World::start_with_limits(limits).await).await
}

/// Uses credits until a request is refused for its rate. Returns how many were not.
async fn uses_until_limited(api_client: &Session, name: &str) -> usize {
    for n in 0..100 {
        let reply = render(api_client, &format!("{name}-{n}"), 1).await;
        if reply.status == 429 {
            assert_eq!(
                reply.refused("429 rate_limit_exceeded"),
                "too many requests by this organization or API key; wait a few seconds"
            );
            return n;
        }
        reply.expect("200");
    }
    panic!("no limit")
}

/// A window has 10 requests with a key and 30 of the organization; besides, a process
/// grants 5 without counting.
#[tokio::test]
async fn rate_of_one_key_leaves_room_for_the_others() {
    let fixture = with_usage_rates().await;
    fixture.change_plan("basic", "now").await;
    let second = fixture
        .owner
        .create_key(&fixture.organization, "Second")
        .await;
    let second = fixture.world.api_client(&second);
    let third = fixture
        .owner
        .create_key(&fixture.organization, "Third")
        .await;
    let third = fixture.world.api_client(&third);
    assert_eq!(uses_until_limited(&fixture.api_client, "a").await, 15);
    assert_eq!(uses_until_limited(&second, "b").await, 15);
    // 35 by the organization, with the two that were refused for their key.
    let uses = uses_until_limited(&third, "c").await;
    assert!((3..=5).contains(&uses), "{uses}");
    // Another organization has its own.
    let elsewhere = fixture.elsewhere().await;
    let outside = fixture.outsider.create_key(&elsewhere, "Outside").await;
    let outside = fixture.world.api_client(&outside);
    assert_eq!(uses_until_limited(&outside, "d").await, 15);

    let refused = render(&third, "e", 1).await;
    let wait: i64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    fixture.world.clock.advance(TimeDelta::seconds(wait));
    render(&third, "e", 1).await.expect("200");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn request_above_the_rate_reads_nothing() {
    let fixture = with_usage_rates().await;
    uses_until_limited(&fixture.api_client, "a").await;
    fixture.world.wire.take();
    render(&fixture.api_client, "b", 1)
        .await
        .expect("429 rate_limit_exceeded");
    assert_eq!(fixture.world.wire.take().len(), 0);
}

#[tokio::test]
async fn rate_that_cannot_be_counted_refuses_nothing() {
    let fixture = with_usage_rates().await;
    for fault in Fault::ALL {
        fixture.world.clock.advance(TimeDelta::seconds(10));
        fixture
            .world
            .wire
            .fail_action("UpdateItem", 0, usize::MAX, fault);
        for n in 0..7 {
            render(&fixture.api_client, &format!("{fault:?}-{n}"), 1)
                .await
                .expect("200");
        }
        fixture.world.wire.heal();
    }
}

#[tokio::test]
async fn used_up_credits_are_refused_by_one_small_read() {
    let fixture = Fixture::new().await;
    let api_client = &fixture.api_client;
    render(api_client, "a", 49).await.expect("200");
    render(api_client, "b", 2)
        .await
        .expect("429 credits_used_up");
    fixture.world.wire.take();
    let reply = render(api_client, "c", 2).await;
    assert_eq!(counted(&reply), (50, 0, 49));
    assert_eq!(
        reply.refused("429 credits_used_up"),
        "You've used 49 of your 50 image credits, and this takes 2 more."
    );
    let read = fixture.world.wire.take();
    let units: f64 = read.iter().map(|exchange| exchange.capacity).sum();
    assert_eq!(
        (read.len(), units),
        (1, 2.0),
        "the idempotency record and the billing"
    );
    // A repeated request gets its response, and fewer credits are not refused.
    assert_eq!(counted(&render(api_client, "a", 49).await), (50, 49, 49));
    assert_eq!(counted(&render(api_client, "d", 1).await), (50, 1, 50));
    render(api_client, "e", 1)
        .await
        .expect("429 credits_used_up");
    // Another plan is known at once.
    fixture.change_plan("basic", "now").await;
    assert_eq!(counted(&render(api_client, "e", 1).await), (3000, 1, 51));
}
