//! API keys: what they let in, and for how long.

use std::{error::Error, fs};

use chrono::TimeDelta;
use local::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    completeness::repository,
    harness::{Cast, Key, Reply, World},
    invariants,
    wire::Fault,
};

/// What the authorizer answers about a key, past the gateway and what it keeps.
pub async fn authorize(world: &World, key: &Key) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let sample = fs::read_to_string(repository("events/authorize-api-key.json")).unwrap();
    let mut event: Value = serde_json::from_str(&sample).unwrap();
    event["identitySource"] = json!([format!("Bearer {}", key.secret)]);
    let operation = functions::operation("authorize-api-key").unwrap();
    functions::invoke(world.stack.app(), operation, event, Default::default()).await
}

/// A route that machines call, in a template where they do.
const ROUTE: &str = "/v1/account";
/// What it answers whoever is let through: it is for people, after all.
const LET_IN: &str = "401 not_signed_in";
/// What the gateway answers whoever is not.
const REFUSED: &str = "403";

async fn cast() -> Cast {
    let shipped = fs::read_to_string(Options::shipped_template()).unwrap();
    let people = format!("Path: {ROUTE}\n");
    assert_eq!(shipped.matches(&people).count(), 1);
    let machines = format!("{people}            Auth:\n              Authorizer: ApiKey\n");
    let template = std::env::temp_dir().join(format!("machines-{}.yaml", uuid::Uuid::now_v7()));
    fs::write(&template, shipped.replace(&people, &machines)).unwrap();
    let world = World::start_from(template.clone()).await;
    fs::remove_file(template).unwrap();
    Cast::gather_in(world).await
}

async fn show(cast: &Cast, authorization: &str) -> Reply {
    let header = [("authorization", authorization)];
    let nobody = cast.world.nobody();
    nobody.send_with(Method::GET, ROUTE, None, &header).await
}

async fn bearer(cast: &Cast, key: &Key) -> String {
    show(cast, &format!("Bearer {}", key.secret))
        .await
        .outcome()
}

fn basic(user: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn a_key_lets_in_as_password_and_as_bearer() {
    let cast = cast().await;
    assert_eq!(bearer(&cast, &cast.key).await, LET_IN);
    let header = basic(cast.organization_id(), &cast.key.secret);
    assert_eq!(show(&cast, &header).await.outcome(), LET_IN);
}

#[tokio::test]
async fn whatever_is_no_good_is_refused_alike() {
    let cast = cast().await;
    let elsewhere = cast.outsider.get("/v1/organizations").await.expect("200");
    let elsewhere = elsewhere["items"][0]["id"].as_str().unwrap();
    let secret = &cast.key.secret;
    let mut typo = secret.clone();
    typo.replace_range(
        60..61,
        if secret.get(60..61) == Some("a") {
            "b"
        } else {
            "a"
        },
    );
    let unknown = "osk_02yAdIlYMGQr9qMFIKJStN02yAdIlYMGQr9qMFIKJStP\
                   0DG9mkOv2l6AkSp3WsPxY70DG9mkOv2l6AkSp3WsPxY73JcA3e";
    let token = cast
        .world
        .stack
        .sign_in(&local::SignIn::with_email("olga@example.com"));
    let mut bodies = Vec::new();
    for header in [
        format!("Bearer {typo}"),
        format!("Bearer {unknown}"),
        format!("Bearer {token}"),
        format!("Token {secret}"),
        secret.clone(),
        basic(elsewhere, secret),
        basic("", secret),
        basic(cast.organization_id(), ""),
        basic(cast.organization_id(), &typo),
        "Basic %%%".to_owned(),
        "Bearer".to_owned(),
    ] {
        let reply = show(&cast, &header).await;
        assert_eq!(reply.outcome(), REFUSED, "{header}");
        bodies.push(reply.body);
    }
    assert!(
        bodies
            .iter()
            .all(|body| *body == json!({"message": "Forbidden"})),
        "{bodies:?}"
    );
    // Without the header API Gateway does not ask.
    cast.world.wire.take();
    let reply = cast.world.nobody().get(ROUTE).await;
    assert_eq!(
        (reply.outcome().as_str(), &reply.body["message"]),
        ("401", &json!("Unauthorized"))
    );
    assert_eq!(cast.world.wire.take().len(), 0);
}

#[tokio::test]
async fn a_typo_is_told_without_a_look_up() {
    let cast = cast().await;
    let typo = cast.key.secret.replace("osk_0", "osk_1");
    assert_eq!(
        show(&cast, &format!("Bearer {typo}")).await.outcome(),
        REFUSED
    );
    assert_eq!(cast.world.wire.take().len(), 0);
}

#[tokio::test]
async fn a_key_is_no_good_from_its_expiry_on() {
    let cast = cast().await;
    let expires_at = cast.world.clock.now() + TimeDelta::days(1);
    let wish = json!({"name": "For a day", "expires_at": expires_at});
    let path = format!("{}/api-keys", cast.organization);
    let made = cast.admin.post(&path, wish).await.expect("201");
    assert_eq!(made["api_key"]["expires_at"], json!(expires_at));
    let key = Key {
        id: made["api_key"]["id"].as_str().unwrap().to_owned(),
        secret: made["secret"].as_str().unwrap().to_owned(),
    };
    cast.world
        .clock
        .advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert_eq!(
        authorize(&cast.world, &key).await.unwrap()["isAuthorized"],
        true
    );
    cast.world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(
        authorize(&cast.world, &key).await.unwrap(),
        json!({"isAuthorized": false})
    );
}

#[tokio::test]
async fn an_answer_is_kept_for_thirty_seconds_and_no_longer() {
    let cast = cast().await;
    cast.world.wire.take();
    for (wait, requests) in [(0, 2), (29, 0), (1, 1), (29, 0)] {
        cast.world.clock.advance(TimeDelta::seconds(wait));
        assert_eq!(bearer(&cast, &cast.key).await, LET_IN);
        assert_eq!(
            cast.world.wire.take().len(),
            requests,
            "after {wait} s more"
        );
    }
}

#[tokio::test]
async fn what_a_key_is_told_by_is_its_organization_and_itself() {
    let cast = cast().await;
    let answer = authorize(&cast.world, &cast.key).await.unwrap();
    let context = json!({"organization_id": cast.organization_id(), "api_key_id": cast.key.id});
    assert_eq!(answer, json!({"isAuthorized": true, "context": context}));
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_not_let_in_and_not_refused_for_good() {
    for fault in Fault::ALL {
        let cast = cast().await;
        cast.world.wire.fail(0, 3, fault);
        assert_eq!(bearer(&cast, &cast.key).await, "500", "{fault:?}");
        cast.world.wire.heal();
        assert_eq!(bearer(&cast, &cast.key).await, LET_IN, "{fault:?}");
    }
}

#[tokio::test]
async fn a_use_that_cannot_be_noted_is_let_in_all_the_same() {
    for fault in Fault::ALL {
        let cast = cast().await;
        cast.world.wire.fail(1, 3, fault);
        assert_eq!(bearer(&cast, &cast.key).await, LET_IN, "{fault:?}");
        cast.world.wire.heal();
        invariants::hold(&cast.world).await;
    }
    let cast = cast().await;
    let mut held = cast.world.wire.hold("UpdateItem");
    assert_eq!(bearer(&cast, &cast.key).await, LET_IN);
    held.arrived().await;
}

#[tokio::test]
async fn the_table_has_a_hash_and_no_secret() {
    let cast = Cast::gather().await;
    let items = cast.world.items().await;
    let stored = items
        .iter()
        .find(|item| item["id"]["S"] == json!(cast.key.id))
        .unwrap();
    assert_eq!(stored["secret_hash"]["S"].as_str().unwrap().len(), 43);
    // Neither as text nor as the random half in any block of it.
    let all = json!(items).to_string();
    for part in 0..4 {
        let block = cast
            .key
            .secret
            .get(48 + part * 11..48 + (part + 1) * 11)
            .unwrap();
        assert!(!all.contains(block), "{block}");
    }
}
