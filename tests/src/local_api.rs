//! The local stack's API for tests of a product, as `docs/local-api.md` describes it.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    completeness::repository,
    harness::{Session, World},
};

const FORTNIGHT: i64 = 14 * 24 * 3600;

/// Sends a request to the local stack's own routes, and returns the status and the body.
async fn send(world: &World, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}{path}", world.stack.url());
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(body) = body {
        request = request.body(body.to_string());
        request = request.header("content-type", "application/json");
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

async fn get(world: &World, path: &str) -> Value {
    let (status, body) = send(world, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    send(world, Method::POST, path, Some(body)).await
}

async fn sign_in(world: &World, person: Value) -> Session {
    let (status, body) = post(world, "/local/sign-in", person).await;
    assert_eq!(status, 200, "{body}");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    world.with_token(Some(text("token")), text("user_id"), String::new())
}

#[tokio::test]
async fn moved_clock_expires_an_invite() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "ben@example.com", "user").await;

    let moved = post(
        &world,
        "/local/clock",
        json!({ "advance_seconds": FORTNIGHT }),
    );
    let moved = moved.await;
    assert_eq!(moved, (200, json!({ "now": "2026-03-15T12:00:00Z" })));
    assert_eq!(get(&world, "/local/clock").await, moved.1);

    // Tokens expire, too.
    let refused = ada.get(&organization).await;
    assert_eq!(refused.status, 401);
    let ada = world.sign_in("ada@example.com");
    let pending = ada.get(&format!("{organization}/invites")).await;
    assert_eq!(pending.expect("200")["items"], json!([]));
    let ran = post(&world, "/local/run/expire-invites", Value::Null).await;
    assert_eq!(ran, (200, json!({ "operation": "expire-invites" })));
    let log = ada.get(&format!("{organization}/audit-events")).await;
    assert_eq!(log.expect("200")["items"][0]["kind"], "invite.expired");
}

#[tokio::test]
async fn time_that_is_past_is_refused() {
    let world = World::start().await;
    let later = json!({ "now": "2026-03-02T00:00:00Z" });
    let (status, body) = post(&world, "/local/clock", later.clone()).await;
    assert_eq!((status, body), (200, later));
    for (wish, said) in [
        (
            json!({ "now": "2026-03-01T12:00:00Z" }),
            "the clock cannot go back",
        ),
        (json!({ "advance_seconds": -1 }), "the clock cannot go back"),
        (
            json!({ "advance_seconds": i64::MAX }),
            "at most 100 years ahead",
        ),
        (json!({ "advance": 1 }), "unknown field `advance`"),
        (json!({ "now": "tomorrow" }), "invalid characters"),
        (json!({}), "either `now`, a time, or `advance_seconds`"),
        (
            json!({ "now": "2026-03-03T00:00:00Z", "advance_seconds": 1 }),
            "either `now`",
        ),
    ] {
        let (status, body) = post(&world, "/local/clock", wish.clone()).await;
        let message = body["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(said), "{wish}: {message}");
    }
}

#[tokio::test]
async fn operation_without_a_schedule_is_not_run() {
    let world = World::start().await;
    let schedules = &world.stack.template().schedules;
    assert!(schedules.len() > 2);
    let (status, body) = post(&world, "/local/run/create-invite", Value::Null).await;
    let message = body["message"].as_str().unwrap();
    assert_eq!(status, 404);
    for schedule in schedules {
        assert!(message.contains(&schedule.operation), "{message}");
        let path = format!("/local/run/{}", schedule.operation);
        assert_eq!(post(&world, &path, Value::Null).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn email_is_found_by_its_recipient_at_once() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    for email in ["ben@example.com", "cleo@example.com"] {
        ada.invite(&organization, email, "user").await;
    }
    let found = get(&world, "/local/emails?to=BEN@example.com").await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["to"], json!(["ben@example.com"]));
    let link = found[0]["links"][0].as_str().unwrap();
    let prefix = format!("{}/invites/", world.stack.url());
    assert!(link.starts_with(&prefix), "{link}");
    let all = get(&world, "/local/emails").await;
    assert_eq!(all.as_array().unwrap().len(), 2);

    let (status, body) = send(&world, Method::GET, "/local/emails?for=ben", None).await;
    let message = body["message"].as_str().unwrap();
    assert!(
        status == 400 && message.contains("unknown field `for`"),
        "{message}"
    );
}

#[tokio::test]
async fn email_that_bounces_is_reported_at_once() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "bounce@simulator.amazonses.com", "user")
        .await;
    get(&world, "/local/emails").await;
    let invites = ada.get(&format!("{organization}/invites")).await;
    let invites = invites.expect("200");
    assert_eq!(invites["items"][0]["delivery"]["state"], "bounced");
}

#[tokio::test]
async fn person_signs_in_with_a_given_id() {
    let world = World::start().await;
    let person = json!({ "user_id": "auth0|7", "email": "ada+test@example.com", "name": "Ada" });
    let ada = sign_in(&world, person).await;
    let account = ada.get("/v1/account").await.expect("200");
    assert_eq!(account["user_id"], "auth0|7");
    assert_eq!(account["email"], "ada+test@example.com");
    let unknown = json!({ "sub": "auth0|7", "email": "ada@example.com" });
    let (status, _) = post(&world, "/local/sign-in", unknown).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn reset_stack_is_as_at_the_start() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "ben@example.com", "user").await;
    let forward = json!({ "advance_seconds": 60 });
    assert_eq!(post(&world, "/local/clock", forward).await.0, 200);
    assert_eq!(post(&world, "/local/reset", Value::Null).await.0, 204);

    assert_eq!(world.items().await, Vec::<Value>::new());
    assert_eq!(get(&world, "/local/emails").await, json!([]));
    assert_eq!(world.stack.people(), []);
    let now = get(&world, "/local/clock").await;
    assert_eq!(now, json!({ "now": "2026-03-01T12:00:00Z" }));
    // The keys are the same, so a token goes on.
    let organizations = ada.get("/v1/organizations").await.expect("200");
    assert_eq!(organizations["items"], json!([]));
    let organization = ada.create_organization("Acme again").await;
    ada.invite(&organization, "ben@example.com", "user").await;
    let emails = get(&world, "/local/emails?to=ben@example.com").await;
    assert_eq!(emails.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn health_is_ready_after_the_start() {
    let world = World::start().await;
    let health = get(&world, "/local/health").await;
    assert_eq!(health, json!({ "status": "ready" }));
}

#[test]
fn examples_of_the_page_are_those_that_ci_runs() {
    let page = fs::read_to_string(repository("docs/local-api.md")).unwrap();
    for (language, file) in [("js", "expiry.test.mjs"), ("python", "test_expiry.py")] {
        let example = fs::read_to_string(repository(&format!("docs/example/{file}"))).unwrap();
        let block = format!("```{language}\n{example}```\n");
        assert!(page.contains(&block), "docs/local-api.md lacks {file}");
    }
}
