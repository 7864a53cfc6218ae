//! API keys of an earlier system, imported by their hashes.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Fixture, Key, Reply, Session, World, audit_kinds};

const TEXT: &str = "img_live_fC94kdKq0zXb7Rw2MnT5";

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn row(text: &str) -> Value {
    json!({
        "name": "Old website",
        "secret_hash": hash(text),
        "hint": format!("img_live_…{}", &text[text.len() - 4..]),
    })
}

async fn import(fixture: &Fixture, rows: Value) -> Reply {
    import_into(fixture, fixture.organization_id(), rows).await
}

async fn import_into(fixture: &Fixture, organization_id: &str, rows: Value) -> Reply {
    let path = format!("/v1/server/organizations/{organization_id}/api-keys/import");
    let body = json!({ "api_keys": rows });
    fixture.world.server().post(&path, body).await
}

/// Imports a key and returns its view.
pub async fn imported(fixture: &Fixture, row: Value) -> Value {
    let result = import(fixture, json!([row])).await.expect("200");
    assert_eq!(result["items"][0]["outcome"], "imported", "{result}");
    result["items"][0]["api_key"].clone()
}

pub fn client(world: &World, text: &str) -> Session {
    world.api_client(&Key {
        id: String::new(),
        secret: text.to_owned(),
    })
}

async fn usage_with_basic(world: &World, user: &str, password: &str) -> String {
    let pair = STANDARD.encode(format!("{user}:{password}"));
    let headers = [("authorization", format!("Basic {pair}"))];
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let nobody = world.nobody();
    let reply = nobody
        .send_with(Method::GET, "/v1/usage", None, &headers)
        .await;
    reply.outcome()
}

#[tokio::test]
async fn imported_key_works_as_any_other() {
    let fixture = Fixture::new().await;
    client(&fixture.world, TEXT)
        .get("/v1/usage")
        .await
        .expect("403");
    let key = imported(&fixture, row(TEXT)).await;
    assert_eq!(key["hint"], "img_live_…MnT5");
    assert_eq!(key["created_by"], Value::Null);
    fixture.world.clock.advance(TimeDelta::seconds(31));

    let client = client(&fixture.world, TEXT);
    let own = client.get("/v1/api-key").await.expect("200");
    assert_eq!(own["id"], key["id"]);
    assert_eq!(own["organization"]["id"], *fixture.organization_id());
    let used = client.post_once("/v1/usage", "render-1", json!({"credits": 2}));
    assert_eq!(used.await.expect("200")["api_key_id"], key["id"]);
    // The user name was another one in the earlier system.
    let world = &fixture.world;
    assert_eq!(usage_with_basic(world, "old-user-17", TEXT).await, "200");
    assert_eq!(
        usage_with_basic(world, fixture.organization_id(), TEXT).await,
        "200"
    );

    let keys = format!("{}/api-keys", fixture.organization);
    let listed = fixture.user.get(&keys).await.expect("200");
    let listed = listed["items"].as_array().unwrap();
    let listed = listed
        .iter()
        .find(|listed| listed["id"] == key["id"])
        .unwrap();
    assert_eq!(listed["name"], "Old website");
    assert_eq!(listed["last_used_at"], "2026-03-01T12:00:00Z");
    let kinds = audit_kinds(&fixture.owner, &fixture.organization).await;
    assert!(kinds.contains(&"api_key.created".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn imported_key_stays_valid_for_the_grace_period_of_a_rotation() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    let key = imported(&fixture, row(TEXT)).await;
    let id = key["id"].as_str().unwrap();
    let rotate = format!("{}/api-keys/{id}/rotate", fixture.organization);
    let rotated = fixture
        .owner
        .post(&rotate, json!({"grace_period_seconds": 3600}));
    let rotated = rotated.await.expect("200");
    let fresh = rotated["secret"].as_str().unwrap();
    assert!(fresh.starts_with("osk_"), "a secret of this system");
    for text in [TEXT, fresh] {
        client(world, text).get("/v1/usage").await.expect("200");
    }
    world.clock.advance(TimeDelta::hours(1));
    client(world, TEXT).get("/v1/usage").await.expect("403");
    client(world, fresh).get("/v1/usage").await.expect("200");
    // The old text cannot become a key of its own again.
    let again = import(&fixture, json!([row(TEXT)])).await.expect("200");
    assert_eq!(again["items"][0]["outcome"], "present");
    client(world, TEXT).get("/v1/usage").await.expect("403");
}

#[tokio::test]
async fn repeated_import_changes_nothing() {
    let fixture = Fixture::new().await;
    let first = import(
        &fixture,
        json!([row(TEXT), row("img_live_0123456789abcdef")]),
    );
    let first = first.await.expect("200");
    let before = fixture.world.items().await;
    let again = import(
        &fixture,
        json!([row(TEXT), row("img_live_0123456789abcdef")]),
    );
    let again = again.await.expect("200");
    for (first, again) in [0, 1].map(|n| (&first["items"][n], &again["items"][n])) {
        assert_eq!(again["outcome"], "present");
        assert_eq!(again["api_key"], first["api_key"]);
    }
    assert_eq!(fixture.world.items().await, before);
}

#[tokio::test]
async fn key_of_another_organization_is_refused() {
    let fixture = Fixture::new().await;
    imported(&fixture, row(TEXT)).await;
    let elsewhere = fixture.elsewhere().await;
    let elsewhere = elsewhere.rsplit('/').next().unwrap();
    let rows = json!([row(TEXT), row("img_live_0123456789abcdef")]);
    let result = import_into(&fixture, elsewhere, rows).await.expect("200");
    assert_eq!(result["items"][0]["code"], "api_key_taken");
    assert_eq!(result["items"][1]["outcome"], "imported");
    let own = client(&fixture.world, TEXT).get("/v1/api-key").await;
    assert_eq!(
        own.expect("200")["organization"]["id"],
        *fixture.organization_id()
    );
}

#[tokio::test]
async fn revoked_imported_key_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    let key = imported(&fixture, row(TEXT)).await;
    let path = format!(
        "{}/api-keys/{}",
        fixture.organization,
        key["id"].as_str().unwrap()
    );
    fixture.owner.delete(&path).await.expect("204");
    client(&fixture.world, TEXT)
        .get("/v1/usage")
        .await
        .expect("403");
    let left = fixture.world.items().await;
    assert!(
        !left
            .iter()
            .any(|item| item.to_string().contains("API_KEY_HASH"))
    );
    // So it can move to another organization.
    let elsewhere = fixture.elsewhere().await;
    let elsewhere = elsewhere.rsplit('/').next().unwrap();
    let moved = import_into(&fixture, elsewhere, json!([row(TEXT)]))
        .await
        .expect("200");
    assert_eq!(moved["items"][0]["outcome"], "imported");
}

#[tokio::test]
async fn purged_organization_takes_its_imported_keys_along() {
    let fixture = Fixture::new().await;
    imported(&fixture, row(TEXT)).await;
    fixture
        .owner
        .delete(&fixture.organization)
        .await
        .expect("200");
    client(&fixture.world, TEXT)
        .get("/v1/usage")
        .await
        .expect("403");
    fixture.world.clock.advance(TimeDelta::days(31));
    let stack = &fixture.world.stack;
    stack.run_schedule("purge-organizations").await;
    let left = fixture.world.items().await;
    assert!(
        !left
            .iter()
            .any(|item| item.to_string().contains("API_KEY_HASH"))
    );
}

#[tokio::test]
async fn hashes_of_keys_are_exported_to_the_server_alone() {
    let fixture = Fixture::new().await;
    imported(&fixture, row(TEXT)).await;
    let path = format!("{}/api-keys", fixture.managed());
    let seen = fixture.world.server().get(&path).await.expect("200");
    let mut hashes: Vec<&str> = seen["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["secret_hash"].as_str().unwrap())
        .collect();
    let mut expected = [hash(TEXT), hash(&fixture.key.secret)];
    hashes.sort_unstable();
    expected.sort_unstable();
    assert_eq!(hashes, expected);
    for part in ["api-keys", "settings"] {
        let path = format!("{}/{part}", fixture.organization);
        for person in [&fixture.creator, &fixture.admin, &fixture.user] {
            let seen = person.get(&path).await.expect("200").to_string();
            assert!(!seen.contains("secret_hash"), "{seen}");
        }
    }
}

#[tokio::test]
async fn rows_are_checked_one_by_one() {
    let fixture = Fixture::new().await;
    let with = |field: &str, value: Value| {
        let mut row = row(TEXT);
        row[field] = value;
        row
    };
    for (row, field) in [
        (with("hint", json!("img_test_…MnT5")), "api_keys[1].hint"),
        (with("hint", json!(TEXT)), "api_keys[1].hint"),
        (with("hint", json!("img_live_ 1")), "api_keys[1].hint"),
        (
            with("hint", json!("img_live_".repeat(6))),
            "api_keys[1].hint",
        ),
        (with("secret_hash", json!(TEXT)), "api_keys[1].secret_hash"),
        (
            with("secret_hash", json!("4f".repeat(31))),
            "api_keys[1].secret_hash",
        ),
        (with("scopes", json!([])), "api_keys[1].scopes"),
        (with("secret", json!(TEXT)), "api_keys[1].secret"),
    ] {
        let other = self::row("img_live_0123456789abcdef");
        let reply = import(&fixture, json!([other, row])).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "{row}");
        assert_eq!(reply.body["field"], field, "{}", reply.body);
        assert!(!reply.body.to_string().contains(TEXT), "{}", reply.body);
    }
    let ended = with("expires_at", json!("2026-03-01T11:00:00Z"));
    let rows = json!([ended, self::row("img_live_0123456789abcdef")]);
    let result = import(&fixture, rows).await.expect("200");
    assert_eq!(result["items"][0]["code"], "invalid_request", "{result}");
    assert_eq!(result["items"][1]["outcome"], "imported");
}

#[tokio::test]
async fn organization_gets_no_more_keys_than_the_limit() {
    let fixture = Fixture::new().await;
    let texts: Vec<_> = (0..50)
        .map(|n| format!("img_live_0123456789abcde{n:02}"))
        .collect();
    let rows: Vec<_> = texts.iter().map(|text| row(text)).collect();
    let result = import(&fixture, json!(rows)).await.expect("200");
    let outcomes: Vec<_> = result["items"].as_array().unwrap().iter().collect();
    assert_eq!(outcomes.len(), 50);
    // The fixture has one key of its own.
    assert_eq!(outcomes[48]["outcome"], "imported");
    assert_eq!(outcomes[49]["code"], "too_many_api_keys");
}

#[tokio::test]
async fn deployment_without_prefixes_imports_and_looks_up_nothing() {
    let world = World::start_without_imported_keys().await;
    let fixture = Fixture::in_world(world).await;
    let reply = import(&fixture, json!([row(TEXT)])).await;
    assert_eq!(reply.body["field"], "api_keys[0].hint");
    fixture.world.wire.take();
    client(&fixture.world, TEXT)
        .get("/v1/usage")
        .await
        .expect("403");
    assert_eq!(fixture.world.wire.take().len(), 0);
}
