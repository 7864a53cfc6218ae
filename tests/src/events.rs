//! Every sample event, passed to its function's own entry point.

use std::fs;

use functions::docs;
use local::SignIn;
use serde_json::{Value, json};

use crate::{completeness::repository, harness::World, usage::render};

/// The key in the authorizer's sample: well-formed, with the sample ids, but invalid.
const SAMPLE_KEY: &str = "osk_02yAdIlYMGQr9qMFIKJStN02yAdIlYMGQr9qMFIKJStP\
                          0DG9mkOv2l6AkSp3WsPxY70DG9mkOv2l6AkSp3WsPxY73JcA3e";

/// Returns the sample event with its ids replaced by those of items that exist.
async fn sample(world: &World, name: &str) -> Value {
    let person = |user_id: &str, email: &str| {
        world.sign_in_as(SignIn {
            user_id: user_id.into(),
            email: Some(email.into()),
            email_verified: true,
            name: None,
        })
    };
    let owner = person("sample-owner", "owner@example.com");
    let invitee = person("sample-invitee", "invitee@example.com");
    let organization = owner.create_organization("Sample Studio").await;
    let key = owner.create_key(&organization, "Sample").await;
    let text = fs::read_to_string(repository(&format!("events/{name}.json"))).unwrap();
    let mut invite_id = String::new();
    let (mut token, mut opt_out_token) = (String::new(), String::new());
    if text.contains("/members/sample-invitee") {
        owner.add_member(&organization, &invitee, "user").await;
    } else if name != "create-invite" {
        // The sample of create-invite creates the first one.
        invite_id = owner
            .invite(&organization, "invitee@example.com", "user")
            .await;
        if name != "deliver-email" {
            world.drain().await;
            token = world.link_token("invitee@example.com");
            opt_out_token = world.opt_out_token("invitee@example.com");
        }
    }
    if name == "refund-usage" {
        let client = world.api_client(&key);
        render(&client, "render-1", 1).await.expect("200");
    }
    world.clock.advance(chrono::TimeDelta::minutes(1));
    let text = text
        .replace(
            "01930000-0000-7000-8000-000000000001",
            organization.rsplit('/').next().unwrap(),
        )
        .replace("01930000-0000-7000-8000-000000000002", &invite_id)
        .replace("01930000-0000-7000-8000-000000000003", &key.id)
        .replace(SAMPLE_KEY, &key.secret)
        .replace("sample-opt-out-token", &opt_out_token)
        .replace("sample-token", &token);
    serde_json::from_str(&text).unwrap()
}

async fn invoke(world: &World, name: &str, event: Value) -> Value {
    let operation = functions::operation(name).unwrap();
    functions::invoke(world.stack.app(), operation, event, Default::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn every_request_sample_gets_the_documented_status() {
    let operations = functions::OPERATIONS.iter();
    let http: Vec<_> = operations
        .filter(|operation| operation.is_http())
        .map(|operation| operation.name)
        .collect();
    assert!(http.len() >= 20, "{}", http.len());
    for name in http {
        let world = World::start().await;
        let event = sample(&world, name).await;
        let answer = invoke(&world, name, event).await;
        // The pages are not part of the API.
        let status = docs::status(name).unwrap_or(200);
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
    }
}

#[tokio::test]
async fn stream_sample_sends_one_email() {
    let world = World::start().await;
    let event = sample(&world, "deliver-email").await;
    let answer = invoke(&world, "deliver-email", event).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(world.stack.emails().len(), 1);
}

#[tokio::test]
async fn expire_invites_sample_ends_expired_invites() {
    let world = World::start().await;
    let event = sample(&world, "expire-invites").await;
    assert_eq!(
        invoke(&world, "expire-invites", event.clone()).await,
        json!({"expired": 0})
    );
    world.clock.advance(chrono::TimeDelta::days(14));
    assert_eq!(
        invoke(&world, "expire-invites", event).await,
        json!({"expired": 1})
    );
}

#[tokio::test]
async fn apply_plan_changes_sample_applies_due_changes() {
    let world = World::start().await;
    let mut event = sample(&world, "update-billing").await;
    event["body"] = json!(json!({"plan": "basic", "when": "period_end"}).to_string());
    invoke(&world, "update-billing", event).await;
    let event = sample(&world, "apply-plan-changes").await;
    assert_eq!(
        invoke(&world, "apply-plan-changes", event.clone()).await,
        json!({"changed": 0})
    );
    world.clock.advance(chrono::TimeDelta::days(31));
    assert_eq!(
        invoke(&world, "apply-plan-changes", event).await,
        json!({"changed": 1})
    );
}

#[tokio::test]
async fn authorizer_sample_is_authorized() {
    let world = World::start().await;
    let event = sample(&world, "authorize-api-key").await;
    let answer = invoke(&world, "authorize-api-key", event).await;
    assert_eq!(answer["isAuthorized"], true, "{answer}");
}

#[tokio::test]
async fn email_delivery_sample_marks_the_invite_bounced() {
    let world = World::start().await;
    let event = sample(&world, "record-email-delivery").await;
    let answer = invoke(&world, "record-email-delivery", event.clone()).await;
    assert_eq!(answer["recorded"], "bounced");
    let rules = &world.stack.template().rules;
    let mut rules = rules
        .iter()
        .filter(|rule| rule.operation == "record-email-delivery");
    assert!(rules.any(|rule| rule.pattern.matches(Some(&event))));
}

#[tokio::test]
async fn event_of_another_shape_returns_an_error() {
    let world = World::start().await;
    let operation = functions::operation("deliver-email").unwrap();
    let app = world.stack.app();
    assert!(
        functions::invoke(app, operation, json!({"x": 1}), Default::default())
            .await
            .is_err()
    );
    let broken = json!({"Records": [{"nothing": "of a record"}]});
    assert!(
        functions::invoke(app, operation, broken, Default::default())
            .await
            .is_err()
    );
}
