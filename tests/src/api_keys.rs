//! API keys: management, authorization and lifetime.

use std::{collections::BTreeSet, error::Error, fs, future::Future};

use chrono::TimeDelta;
use functions::openapi::Caller;
use local::{Options, Template};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    completeness::repository,
    harness::{Fixture, Key, Reply, Session, World, audit_kinds},
    invariants,
    races::{assert_outcomes, interleave, request},
    wire::Fault,
};

/// Invokes the authorizer with a key, bypassing the gateway and its cache.
pub async fn authorize(world: &World, key: &Key) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let sample = fs::read_to_string(repository("events/authorize-api-key.json")).unwrap();
    let mut event: Value = serde_json::from_str(&sample).unwrap();
    event["identitySource"] = json!([format!("Bearer {}", key.secret)]);
    let operation = functions::operation("authorize-api-key").unwrap();
    functions::invoke(world.stack.app(), operation, event, Default::default()).await
}

/// Returns the reason of a key's refusal, which the authorizer's log has.
pub async fn reason(fixture: &Fixture, key: &Key) -> String {
    let answer = authorize(&fixture.world, key).await.unwrap();
    assert_eq!(answer["isAuthorized"], false);
    let context = &answer["context"];
    assert_eq!(context["organization_id"], fixture.organization_id());
    assert_eq!(context["api_key_id"], json!(key.id));
    context["reason"].as_str().unwrap().to_owned()
}

/// A route for API clients.
const ROUTE: &str = "/v1/usage";
/// The outcome for an authorized client.
const AUTHORIZED: &str = "200";
/// The gateway's outcome for an unauthorized client.
const REFUSED: &str = "403";

async fn show(fixture: &Fixture, authorization: &str) -> Reply {
    let header = [("authorization", authorization)];
    let nobody = fixture.world.nobody();
    nobody.send_with(Method::GET, ROUTE, None, &header).await
}

async fn bearer(fixture: &Fixture, key: &Key) -> String {
    show(fixture, &format!("Bearer {}", key.secret))
        .await
        .outcome()
}

fn basic(user: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn key_as_bearer_or_basic_password_is_authorized() {
    let fixture = Fixture::new().await;
    assert_eq!(bearer(&fixture, &fixture.key).await, AUTHORIZED);
    let header = basic(fixture.organization_id(), &fixture.key.secret);
    assert_eq!(show(&fixture, &header).await.outcome(), AUTHORIZED);
}

#[tokio::test]
async fn invalid_credentials_get_the_same_refusal() {
    let fixture = Fixture::new().await;
    let elsewhere = fixture
        .outsider
        .get("/v1/organizations")
        .await
        .expect("200");
    let elsewhere = elsewhere["items"][0]["id"].as_str().unwrap();
    let secret = &fixture.key.secret;
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
    let token = fixture
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
        basic(fixture.organization_id(), ""),
        basic(fixture.organization_id(), &typo),
        "Basic %%%".to_owned(),
        "Bearer".to_owned(),
    ] {
        let reply = show(&fixture, &header).await;
        assert_eq!(reply.outcome(), REFUSED, "{header}");
        bodies.push(reply.body);
    }
    assert!(
        bodies
            .iter()
            .all(|body| *body == json!({"message": "Forbidden"})),
        "{bodies:?}"
    );
    // Without the header, API Gateway does not call the authorizer.
    fixture.world.wire.take();
    let reply = fixture.world.nobody().get(ROUTE).await;
    assert_eq!(
        (reply.outcome().as_str(), &reply.body["message"]),
        ("401", &json!("Unauthorized"))
    );
    assert_eq!(fixture.world.wire.take().len(), 0);
}

#[tokio::test]
async fn key_with_typo_is_refused_without_a_database_read() {
    let fixture = Fixture::new().await;
    let typo = fixture.key.secret.replace("osk_0", "osk_1");
    assert_eq!(
        show(&fixture, &format!("Bearer {typo}")).await.outcome(),
        REFUSED
    );
    assert_eq!(fixture.world.wire.take().len(), 0);
}

#[tokio::test]
async fn key_at_its_expiry_is_unauthorized() {
    let fixture = Fixture::new().await;
    let expires_at = fixture.world.clock.now() + TimeDelta::days(1);
    let input = json!({"name": "For a day", "expires_at": expires_at});
    let path = format!("{}/api-keys", fixture.organization);
    let created = fixture.admin.post(&path, input).await.expect("201");
    assert_eq!(created["api_key"]["expires_at"], json!(expires_at));
    let key = Key {
        id: created["api_key"]["id"].as_str().unwrap().to_owned(),
        secret: created["secret"].as_str().unwrap().to_owned(),
    };
    fixture
        .world
        .clock
        .advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert_eq!(
        authorize(&fixture.world, &key).await.unwrap()["isAuthorized"],
        true
    );
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(reason(&fixture, &key).await, "it has expired");
}

#[tokio::test]
async fn refused_key_is_logged_with_its_reason() {
    let fixture = Fixture::new().await;
    let path = format!("{}/api-keys/{}", fixture.organization, fixture.key.id);
    let body = json!({"grace_period_seconds": 0});
    let rotated = fixture.owner.post(&format!("{path}/rotate"), body).await;
    rotated.expect("200");
    assert_eq!(
        reason(&fixture, &fixture.key).await,
        "it is not the key's secret, or one from before a rotation"
    );
    fixture.owner.delete(&path).await.expect("204");
    assert_eq!(
        reason(&fixture, &fixture.key).await,
        "it was revoked, or never existed"
    );
}

#[tokio::test]
async fn authorizer_response_is_cached_for_thirty_seconds() {
    let fixture = Fixture::new().await;
    fixture.world.wire.take();
    // The first use also writes the hour of use.
    for (wait, requests) in [(0, 3), (29, 1), (1, 2), (29, 1)] {
        fixture.world.clock.advance(TimeDelta::seconds(wait));
        assert_eq!(bearer(&fixture, &fixture.key).await, AUTHORIZED);
        let exchanges = fixture.world.wire.take();
        // The route itself sends one of them.
        assert_eq!(exchanges.len(), requests, "after {wait} s more");
    }
}

#[tokio::test]
async fn authorizer_context_has_organization_key_and_scopes() {
    let fixture = Fixture::new().await;
    let answer = authorize(&fixture.world, &fixture.key).await.unwrap();
    let context = json!({
        "organization_id": fixture.organization_id(), "api_key_id": fixture.key.id,
        "scopes": "usage:read usage:write",
    });
    assert_eq!(answer, json!({"isAuthorized": true, "context": context}));
}

#[tokio::test]
async fn failed_key_read_returns_500_and_is_not_cached() {
    for fault in Fault::ALL {
        let fixture = Fixture::new().await;
        fixture.world.wire.fail(0, 3, fault);
        assert_eq!(bearer(&fixture, &fixture.key).await, "500", "{fault:?}");
        fixture.world.wire.heal();
        assert_eq!(
            bearer(&fixture, &fixture.key).await,
            AUTHORIZED,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn failed_last_use_write_does_not_refuse_the_key() {
    for fault in Fault::ALL {
        let fixture = Fixture::new().await;
        fixture.world.wire.fail(1, 3, fault);
        assert_eq!(
            bearer(&fixture, &fixture.key).await,
            AUTHORIZED,
            "{fault:?}"
        );
        fixture.world.wire.heal();
        invariants::hold(&fixture.world).await;
    }
    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("UpdateItem");
    assert_eq!(bearer(&fixture, &fixture.key).await, AUTHORIZED);
    held.arrived().await;
}

#[tokio::test]
async fn table_holds_the_key_hash_and_no_secret() {
    let fixture = Fixture::new().await;
    let items = fixture.world.items().await;
    let stored = items
        .iter()
        .find(|item| item["id"]["S"] == json!(fixture.key.id))
        .unwrap();
    assert_eq!(stored["secret_hash"]["S"].as_str().unwrap().len(), 43);
    // No block of the secret's random half is stored.
    let all = json!(items).to_string();
    for part in 0..4 {
        let block = fixture
            .key
            .secret
            .get(48 + part * 11..48 + (part + 1) * 11)
            .unwrap();
        assert!(!all.contains(block), "{block}");
    }
}

impl Fixture {
    fn keys(&self) -> String {
        format!("{}/api-keys", self.organization)
    }

    fn key_path(&self) -> String {
        format!("{}/{}", self.keys(), self.key.id)
    }

    /// Returns the fixture's key as members see it.
    async fn key_view(&self) -> Value {
        let list = self.user.get(&self.keys()).await.expect("200");
        let mut items = list["items"].as_array().unwrap().iter();
        items
            .find(|key| key["id"] == json!(self.key.id))
            .unwrap()
            .clone()
    }

    async fn rotate(&self, grace_period_seconds: u32) -> Key {
        let body = json!({ "grace_period_seconds": grace_period_seconds });
        let path = format!("{}/rotate", self.key_path());
        let rotated = self.admin.post(&path, body).await.expect("200");
        assert_eq!(rotated["api_key"]["id"], json!(self.key.id));
        Key {
            id: self.key.id.clone(),
            secret: rotated["secret"].as_str().unwrap().to_owned(),
        }
    }

    async fn is_authorized(&self, key: &Key) -> bool {
        let answer = authorize(&self.world, key).await.unwrap();
        answer["isAuthorized"].as_bool().unwrap()
    }
}

#[tokio::test]
async fn key_list_shows_hint_creator_and_allowed_actions() {
    let fixture = Fixture::new().await;
    let now = fixture.world.clock.now() - TimeDelta::minutes(2);
    let key = fixture.key_view().await;
    let (_, last) = fixture.key.secret.split_at(94);
    let refused =
        json!({"allowed": false, "reason": "only an owner or an admin can manage API keys"});
    assert_eq!(
        key,
        json!({
            "id": fixture.key.id,
            "scopes": ["usage:read", "usage:write"],
            "name": "Rendering",
            "hint": format!("osk_…{last}"),
            "created_by": {"id": fixture.admin.user_id, "name": "anna"},
            "created_at": now,
            "expires_at": null,
            "last_used_at": null,
            "rotated_at": null,
            "previous_secret_valid_until": null,
            "version": "1",
            "may": {"update": refused, "rotate": refused, "revoke": refused},
        })
    );
    let seen = fixture.user.get(&fixture.keys()).await.expect("200");
    assert_eq!(seen, json!({"items": [key], "next_cursor": null}));
    let list = fixture.admin.get(&fixture.keys()).await.expect("200");
    let allowed = json!({"allowed": true});
    let may = json!({"update": allowed, "rotate": allowed, "revoke": allowed});
    assert_eq!(list["items"][0]["may"], may);
}

#[tokio::test]
async fn key_update_changes_name_and_sets_or_clears_expiry() {
    let fixture = Fixture::new().await;
    let soon = fixture.world.clock.now() + TimeDelta::hours(1);
    let change = json!({"name": " Nightly ", "expires_at": soon});
    let key = fixture
        .owner
        .patch(&fixture.key_path(), change)
        .await
        .expect("200");
    assert_eq!(
        (&key["name"], &key["expires_at"]),
        (&json!("Nightly"), &json!(soon))
    );
    // The same values again change nothing, and no event is recorded.
    let change = json!({"name": "Nightly", "expires_at": soon});
    fixture
        .owner
        .patch(&fixture.key_path(), change)
        .await
        .expect("200");
    let key = fixture
        .owner
        .patch(&fixture.key_path(), json!({"expires_at": null}))
        .await
        .expect("200");
    assert_eq!(
        (&key["name"], &key["expires_at"]),
        (&json!("Nightly"), &Value::Null)
    );
    let log = format!("{}/audit-events?limit=2", fixture.organization);
    let log = fixture.owner.get(&log).await.expect("200");
    let change = json!({"field": "expires_at", "from": soon});
    assert_eq!(log["items"][0]["kind"], "api_key.updated");
    assert_eq!(log["items"][0]["changes"], json!([change]));
    let subject = json!({"kind": "api_key", "id": fixture.key.id, "name": "Nightly"});
    assert_eq!(log["items"][1]["subject"], subject);
    assert_eq!(
        log["items"][1]["changes"],
        json!([
            {"field": "name", "from": "Rendering", "to": "Nightly"},
            {"field": "expires_at", "to": soon},
        ])
    );
    assert!(
        fixture.is_authorized(&fixture.key).await,
        "the secret stays valid"
    );
}

#[tokio::test]
async fn invalid_key_request_names_the_field() {
    let fixture = Fixture::new().await;
    let now = fixture.world.clock.now();
    let (create, change) = (fixture.keys(), fixture.key_path());
    let rotate = format!("{change}/rotate");
    for (method, path, body, field, detail) in [
        (
            Method::POST,
            &create,
            json!({}),
            "name",
            "`name` is missing",
        ),
        (
            Method::POST,
            &create,
            json!({"name": " "}),
            "name",
            "`name` must not be empty",
        ),
        (
            Method::POST,
            &create,
            json!({"name": "x", "expires_at": now}),
            "expires_at",
            "`expires_at` must be in the future",
        ),
        (
            Method::POST,
            &create,
            json!({"name": "x", "expires_at": "tomorrow"}),
            "expires_at",
            "`expires_at` must be a time such as `2026-03-01T12:00:00Z`",
        ),
        (
            Method::POST,
            &create,
            json!({"name": "x", "expires_at": 5}),
            "expires_at",
            "`expires_at` must be a string",
        ),
        (
            Method::PATCH,
            &change,
            json!({"name": null}),
            "name",
            "`name` must be a string",
        ),
        (
            Method::PATCH,
            &change,
            json!({"expires_at": now}),
            "expires_at",
            "`expires_at` must be in the future",
        ),
        (
            Method::PATCH,
            &change,
            json!({"secret": "x"}),
            "secret",
            "`secret` is not a field of this request",
        ),
        (
            Method::POST,
            &rotate,
            json!({"grace_period_seconds": 604_801}),
            "grace_period_seconds",
            "`grace_period_seconds` must be a whole number of seconds from 0 to 604800",
        ),
        (
            Method::POST,
            &rotate,
            json!({"grace_period_seconds": -1}),
            "grace_period_seconds",
            "`grace_period_seconds` must be a whole number of seconds from 0 to 604800",
        ),
    ] {
        let reply = fixture.admin.send(method, path, Some(body.clone())).await;
        let problem = reply.expect("400 invalid_request");
        assert_eq!(problem["field"], field, "{body}");
        let words = problem["detail"].as_str().unwrap();
        assert!(words.starts_with(detail), "{body}: {words}");
    }
    for id in ["nothing", "01930000-0000-7000-8000-000000000003"] {
        let path = format!("{}/{id}", fixture.keys());
        fixture
            .admin
            .delete(&path)
            .await
            .expect("404 api_key_not_found");
    }
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn rotated_secret_is_valid_until_its_grace_period_ends() {
    let fixture = Fixture::new().await;
    let now = fixture.world.clock.now();
    let new = fixture.rotate(3600).await;
    assert_ne!(new.secret, fixture.key.secret);
    let view = fixture.key_view().await;
    assert_eq!(view["rotated_at"], json!(now));
    let end = now + TimeDelta::hours(1);
    assert_eq!(view["previous_secret_valid_until"], json!(end));
    fixture
        .world
        .clock
        .advance(TimeDelta::hours(1) - TimeDelta::milliseconds(1));
    assert!(fixture.is_authorized(&fixture.key).await && fixture.is_authorized(&new).await);
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    assert!(!fixture.is_authorized(&fixture.key).await && fixture.is_authorized(&new).await);
    assert!(fixture.key_view().await["previous_secret_valid_until"].is_null());
}

#[tokio::test]
async fn rotation_grace_is_one_day_by_default_and_can_be_zero() {
    let fixture = Fixture::new().await;
    let rotate = format!("{}/rotate", fixture.key_path());
    let rotated = fixture.owner.post_empty(&rotate).await.expect("200");
    let end = fixture.world.clock.now() + TimeDelta::days(1);
    assert_eq!(
        rotated["api_key"]["previous_secret_valid_until"],
        json!(end)
    );
    assert!(fixture.is_authorized(&fixture.key).await);
    let newest = fixture.rotate(0).await;
    let between = Key {
        id: fixture.key.id.clone(),
        secret: rotated["secret"].as_str().unwrap().to_owned(),
    };
    for ended in [&fixture.key, &between] {
        assert!(!fixture.is_authorized(ended).await);
    }
    assert!(fixture.is_authorized(&newest).await);
    assert!(fixture.key_view().await["previous_secret_valid_until"].is_null());
}

/// A caller that loses the response of a rotation rotates again. The secret that its
/// clients still use must stay valid.
#[tokio::test]
async fn second_rotation_keeps_the_original_secret_valid() {
    let fixture = Fixture::new().await;
    let lost = fixture.rotate(3600).await;
    let newest = fixture.rotate(7200).await;
    for valid in [&fixture.key, &lost, &newest] {
        assert!(fixture.is_authorized(valid).await);
    }
    fixture.world.clock.advance(TimeDelta::hours(1));
    assert!(
        !fixture.is_authorized(&fixture.key).await,
        "the first grace period ends as promised"
    );
    assert!(fixture.is_authorized(&lost).await && fixture.is_authorized(&newest).await);
    // A shorter grace period shortens those of all earlier secrets.
    fixture.rotate(60).await;
    fixture.world.clock.advance(TimeDelta::seconds(60));
    assert!(!fixture.is_authorized(&lost).await && !fixture.is_authorized(&newest).await);
}

#[tokio::test]
async fn expired_key_rotation_is_refused_until_expiry_is_extended() {
    let fixture = Fixture::new().await;
    let expires_at = fixture.world.clock.now() + TimeDelta::hours(1);
    let end = json!({ "expires_at": expires_at });
    fixture
        .admin
        .patch(&fixture.key_path(), end)
        .await
        .expect("200");
    fixture.world.clock.advance(TimeDelta::hours(1));
    assert!(!fixture.is_authorized(&fixture.key).await);
    let rotate = format!("{}/rotate", fixture.key_path());
    fixture
        .admin
        .post_empty(&rotate)
        .await
        .expect("409 api_key_expired");
    let list = fixture.admin.get(&fixture.keys()).await.expect("200");
    let reason = "this API key has expired; set a later expiry first";
    let may = json!({"allowed": false, "reason": reason});
    assert_eq!(list["items"][0]["may"]["rotate"], may);
    let later = json!({ "expires_at": expires_at + TimeDelta::hours(1) });
    fixture
        .admin
        .patch(&fixture.key_path(), later)
        .await
        .expect("200");
    assert!(fixture.is_authorized(&fixture.key).await);
    fixture.admin.post_empty(&rotate).await.expect("200");
}

#[tokio::test]
async fn revoked_key_is_refused_after_the_cache_expires() {
    let fixture = Fixture::new().await;
    assert_eq!(bearer(&fixture, &fixture.key).await, AUTHORIZED);
    fixture
        .admin
        .delete(&fixture.key_path())
        .await
        .expect("204");
    assert!(!fixture.is_authorized(&fixture.key).await);
    fixture.world.clock.advance(TimeDelta::seconds(29));
    assert_eq!(bearer(&fixture, &fixture.key).await, AUTHORIZED);
    fixture.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(bearer(&fixture, &fixture.key).await, REFUSED);
    fixture
        .admin
        .delete(&fixture.key_path())
        .await
        .expect("404 api_key_not_found");
    let list = fixture.user.get(&fixture.keys()).await.expect("200");
    assert_eq!(list["items"], json!([]));
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn key_beyond_fifty_is_refused_until_one_is_revoked() {
    let fixture = Fixture::new().await;
    for n in 1..50 {
        fixture
            .admin
            .create_key(&fixture.organization, &format!("Key {n}"))
            .await;
    }
    let input = json!({"name": "One too many"});
    let refusal = fixture.owner.post(&fixture.keys(), input.clone()).await;
    let words = refusal.refused("409 too_many_api_keys");
    assert!(words.contains("at most 50 API keys"), "{words}");
    fixture
        .owner
        .delete(&fixture.key_path())
        .await
        .expect("204");
    fixture
        .owner
        .post(&fixture.keys(), input)
        .await
        .expect("201");
    invariants::hold(&fixture.world).await;
    // The list spans two pages without loss or repetition.
    let path = format!("{}?limit=49", fixture.keys());
    let first = fixture.user.get(&path).await.expect("200");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = fixture
        .user
        .get(&format!("{path}&cursor={cursor}"))
        .await
        .expect("200");
    assert_eq!(first["items"].as_array().unwrap().len(), 49);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["name"], "One too many");
}

#[tokio::test]
async fn keys_of_demoted_or_removed_members_stay_valid() {
    let named = |fixture: &Fixture| json!([{"id": fixture.key.id, "name": "Rendering"}]);
    let fixture = Fixture::new().await;
    fixture
        .owner
        .create_key(&fixture.organization, "Another's")
        .await;
    let admin = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
    let kept = fixture
        .owner
        .patch(&admin, json!({"receives_billing_emails": true}))
        .await;
    assert_eq!(kept.expect("200")["api_keys"], json!([]));
    let demoted = fixture
        .owner
        .patch(&admin, json!({"role": "user"}))
        .await
        .expect("200");
    assert_eq!(
        (&demoted["role"], &demoted["api_keys"]),
        (&json!("user"), &named(&fixture))
    );
    assert!(fixture.is_authorized(&fixture.key).await);
    let removed = fixture.owner.delete(&admin).await.expect("200");
    assert_eq!(removed, json!({ "api_keys": named(&fixture) }));
    assert!(fixture.is_authorized(&fixture.key).await);
    assert_eq!(fixture.key_view().await["created_by"]["name"], "anna");

    let fixture = Fixture::new().await;
    let left = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
    let left = fixture.admin.delete(&left).await.expect("200");
    assert_eq!(left["api_keys"], named(&fixture));
    let user = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    let removed = fixture.owner.delete(&user).await.expect("200");
    assert_eq!(removed, json!({"api_keys": []}));
}

#[tokio::test]
async fn last_use_is_recorded_once_per_hour() {
    let fixture = Fixture::new().await;
    fixture.world.clock.advance(TimeDelta::minutes(40));
    fixture.world.wire.take();
    let updates = || {
        let exchanges = fixture.world.wire.take();
        let updates = exchanges
            .iter()
            .filter(|exchange| exchange.action == "UpdateItem");
        updates.count()
    };
    for (wait, hour, written) in [
        (0, "2026-03-01T12:00:00Z", 1),
        (17, "2026-03-01T12:00:00Z", 0),
        (1, "2026-03-01T13:00:00Z", 1),
        (59, "2026-03-01T13:00:00Z", 0),
    ] {
        fixture.world.clock.advance(TimeDelta::minutes(wait));
        assert!(fixture.is_authorized(&fixture.key).await);
        assert_eq!(updates(), written, "at {}", fixture.world.clock.now());
        assert_eq!(fixture.key_view().await["last_used_at"], hour);
    }
    // A rotation keeps the hour, and a refused secret does not write it.
    let new = fixture.rotate(0).await;
    fixture.world.clock.advance(TimeDelta::hours(1));
    updates();
    assert!(!fixture.is_authorized(&fixture.key).await);
    assert_eq!(updates(), 0);
    assert_eq!(
        fixture.key_view().await["last_used_at"],
        "2026-03-01T13:00:00Z"
    );
    assert!(fixture.is_authorized(&new).await);
    assert_eq!(updates(), 1);
}

#[tokio::test]
async fn audit_log_has_key_events_without_secrets() {
    let fixture = Fixture::new().await;
    let new = fixture.rotate(3600).await;
    fixture
        .owner
        .patch(&fixture.key_path(), json!({"name": "Nightly"}))
        .await
        .expect("200");
    fixture
        .owner
        .delete(&fixture.key_path())
        .await
        .expect("204");
    let kinds = audit_kinds(&fixture.owner, &fixture.organization).await;
    let keys = kinds.iter().filter(|kind| kind.starts_with("api_key."));
    let keys: Vec<&str> = keys.map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "api_key.created",
            "api_key.rotated",
            "api_key.updated",
            "api_key.revoked"
        ]
    );
    let log = format!("{}/audit-events?limit=100", fixture.organization);
    let log = fixture.owner.get(&log).await.expect("200").to_string();
    for secret in [&fixture.key.secret, &new.secret] {
        assert!(!log.contains(secret.get(48..70).unwrap()), "{log}");
    }
    invariants::hold(&fixture.world).await;
}

#[test]
fn api_key_routes_match_the_permissions_page() {
    let page = fs::read_to_string(repository("docs/permissions.md")).unwrap();
    let mut sections = page.split("\n## ");
    let section = sections.find(|section| section.starts_with("What an API key may do"));
    let quoted = section.unwrap().split('`').skip(1).step_by(2);
    // A scope has a colon.
    let documented: BTreeSet<&str> = quoted.filter(|name| !name.contains(':')).collect();
    let template = Template::read(&Options::shipped_template()).unwrap();
    let routes = template.routes.iter();
    let declared: BTreeSet<&str> = routes
        .filter(|route| route.caller == Caller::ApiClient)
        .map(|route| route.operation.as_str())
        .collect();
    assert_eq!(documented, declared);
}

// Concurrent requests.

impl Fixture {
    fn creating(&self, name: &str) -> impl Future<Output = Reply> + Send + 'static {
        let body = Some(json!({ "name": name }));
        request(&self.admin, Method::POST, self.keys(), body)
    }

    fn rotating(&self) -> impl Future<Output = Reply> + Send + 'static {
        let body = Some(json!({"grace_period_seconds": 60}));
        let path = format!("{}/rotate", self.key_path());
        request(&self.admin, Method::POST, path, body)
    }

    fn revoking(&self) -> impl Future<Output = Reply> + Send + 'static {
        request(&self.owner, Method::DELETE, self.key_path(), None)
    }
}

#[tokio::test]
async fn concurrent_fiftieth_key_is_created_once() {
    let fixture = Fixture::new().await;
    for n in 1..49 {
        fixture
            .admin
            .create_key(&fixture.organization, &format!("Key {n}"))
            .await;
    }
    let owner = request(
        &fixture.owner,
        Method::POST,
        fixture.keys(),
        Some(json!({"name": "Other"})),
    );
    let outcomes = interleave(&fixture.world, fixture.creating("One"), owner).await;
    assert_outcomes(outcomes, "409 too_many_api_keys", "201");
}

#[tokio::test]
async fn concurrent_rotations_act_as_sequential_ones() {
    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let late = tokio::spawn(fixture.rotating());
    held.arrived().await;
    let early = fixture.rotating().await.expect("200");
    held.release();
    let late = late.await.unwrap().expect("200");
    let key = |reply: &Value| Key {
        id: fixture.key.id.clone(),
        secret: reply["secret"].as_str().unwrap().to_owned(),
    };
    assert!(fixture.is_authorized(&key(&early)).await && fixture.is_authorized(&key(&late)).await);
    fixture.world.clock.advance(TimeDelta::seconds(60));
    assert!(!fixture.is_authorized(&key(&early)).await && fixture.is_authorized(&key(&late)).await);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn key_revoked_during_rotation_is_unauthorized() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(&fixture.world, fixture.rotating(), fixture.revoking()).await;
    assert_outcomes(outcomes, "404 api_key_not_found", "204");
    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    let revoking = tokio::spawn(fixture.revoking());
    held.arrived().await;
    let rotated = fixture.rotate(60).await;
    held.release();
    assert_eq!(revoking.await.unwrap().outcome(), "204");
    assert!(!fixture.is_authorized(&rotated).await && !fixture.is_authorized(&fixture.key).await);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn key_revoked_during_last_use_write_stays_revoked() {
    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("UpdateItem");
    let key = fixture.key.clone();
    let header = format!("Bearer {}", key.secret);
    let nobody = fixture.world.nobody();
    let using = tokio::spawn(async move {
        let header = [("authorization", header.as_str())];
        nobody.send_with(Method::GET, ROUTE, None, &header).await
    });
    held.arrived().await;
    fixture.revoking().await.expect("204");
    held.release();
    assert_eq!(using.await.unwrap().outcome(), AUTHORIZED);
    assert!(!fixture.is_authorized(&key).await);
    let list = fixture.user.get(&fixture.keys()).await.expect("200");
    assert_eq!(list["items"], json!([]));
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn key_created_during_removal_is_refused_or_named() {
    let fixture = Fixture::new().await;
    let removing = fixture.removing(&fixture.owner, &fixture.admin);
    let outcomes = interleave(&fixture.world, fixture.creating("Late"), removing).await;
    assert_outcomes(outcomes, "404 organization_not_found", "200");

    let fixture = Fixture::new().await;
    let demoting = fixture.giving_role(&fixture.owner, &fixture.admin, "user");
    let outcomes = interleave(&fixture.world, fixture.creating("Late"), demoting).await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");

    for demoted in [false, true] {
        let fixture = Fixture::new().await;
        let mut held = fixture.world.wire.hold("TransactWriteItems");
        let ending = if demoted {
            tokio::spawn(fixture.giving_role(&fixture.owner, &fixture.admin, "user"))
        } else {
            tokio::spawn(fixture.removing(&fixture.owner, &fixture.admin))
        };
        held.arrived().await;
        fixture.creating("Late").await.expect("201");
        held.release();
        let ended = ending.await.unwrap().expect("200");
        let names = ended["api_keys"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|key| key["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Rendering", "Late"]);
        invariants::hold(&fixture.world).await;
    }
}

#[tokio::test]
async fn repeated_creation_returns_the_same_key_with_a_new_secret() {
    let fixture = Fixture::new().await;
    let keys = &fixture.keys();
    let body = json!({"name": "Website", "scopes": ["usage:read"]});
    let create = async |session: &Session, once: &str| {
        let created = session.post_once(keys, once, body.clone()).await;
        let created = created.expect("201");
        let secret = created["secret"].as_str().unwrap().to_owned();
        (created["api_key"]["id"].clone(), secret)
    };
    let (id, first) = create(&fixture.admin, "deploy-1").await;
    let (again, second) = create(&fixture.admin, "deploy-1").await;
    assert_eq!(again, id);
    assert_ne!(second, first);
    for secret in [&first, &second] {
        let key = Key {
            id: String::new(),
            secret: secret.clone(),
        };
        let client = fixture.world.api_client(&key);
        client.get("/v1/usage").await.expect("200");
    }
    // Another caller, another key and another day are other requests.
    assert_ne!(create(&fixture.owner, "deploy-1").await.0, id);
    assert_ne!(create(&fixture.admin, "deploy-2").await.0, id);
    fixture.world.clock.advance(TimeDelta::days(1));
    let admin = fixture.world.sign_in("anna@example.com");
    assert_ne!(create(&admin, "deploy-1").await.0, id);
}

#[tokio::test]
async fn concurrent_creations_with_one_idempotency_key_make_one_key() {
    let fixture = Fixture::new().await;
    let mut replies = JoinSet::new();
    for _ in 0..8 {
        let (admin, keys) = (fixture.admin.clone(), fixture.keys());
        replies.spawn(async move {
            let body = json!({"name": "Website"});
            admin.post_once(&keys, "deploy-1", body).await.expect("201")
        });
    }
    let replies = replies.join_all().await;
    let first = &replies[0]["api_key"]["id"];
    assert!(replies.iter().all(|reply| reply["api_key"]["id"] == *first));
    let list = fixture.admin.get(&fixture.keys()).await.expect("200");
    // The fixture has one key of its own.
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}
