//! The server: the product's own backend, with the server key.

use std::{collections::BTreeSet, error::Error};

use chrono::TimeDelta;
use functions::openapi::Caller;
use local::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    completeness::{repository, template},
    harness::{Fixture, Reply, Session, World},
    invariants,
};

/// Calls the authorizer of the server's routes as API Gateway does.
pub async fn authorize(
    world: &World,
    server: &Session,
) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let sample = std::fs::read_to_string(repository("events/authorize-server.json")).unwrap();
    let mut event: Value = serde_json::from_str(&sample).unwrap();
    event["identitySource"] = json!([format!("Bearer {}", server.token())]);
    let operation = functions::operation("authorize-server").unwrap();
    functions::invoke(world.stack.app(), operation, event, Default::default()).await
}

impl Fixture {
    /// Returns the server's path of the organization.
    pub fn managed(&self) -> String {
        format!("/v1/server/organizations/{}", self.organization_id())
    }
}

async fn get_with(fixture: &Fixture, headers: &[(&str, &str)]) -> Reply {
    let nobody = fixture.world.nobody();
    let path = fixture.managed();
    nobody.send_with(Method::GET, &path, None, headers).await
}

#[tokio::test]
async fn only_the_server_key_opens_the_servers_routes() {
    let fixture = Fixture::new().await;
    let key = fixture.world.stack.secrets().server_key();
    let wrong_last = format!("{}!", key.get(..key.len() - 1).unwrap());
    for (authorization, outcome) in [
        (format!("Bearer {key}"), "200"),
        (format!("bearer {key}"), "200"),
        (key.clone(), "403"),
        (format!("Basic {key}"), "403"),
        (format!("Bearer {}", key.trim_start_matches("oss_")), "403"),
        (format!("Bearer {wrong_last}"), "403"),
        ("Bearer oss_".to_owned(), "403"),
        (format!("Bearer {}", fixture.key.secret), "403"),
        (format!("Bearer {}", fixture.creator.token()), "403"),
    ] {
        let reply = get_with(&fixture, &[("authorization", &authorization)]).await;
        assert_eq!(reply.outcome(), outcome, "{authorization}");
    }
    get_with(&fixture, &[]).await.expect("401");
}

#[tokio::test]
async fn key_before_the_last_rotation_stays_valid() {
    let fixture = Fixture::new().await;
    let older = fixture.world.server();
    for outcome in ["200", "403"] {
        let secrets = fixture.world.stack.secrets();
        secrets.rotate(Secret::ServerKey).unwrap();
        // The functions read a rotation within five minutes, the gateway within 30 seconds.
        fixture.world.clock.advance(TimeDelta::minutes(6));
        let current = fixture.world.server();
        current.get(&fixture.managed()).await.expect("200");
        let reply = older.get(&fixture.managed()).await;
        assert_eq!(reply.outcome(), outcome);
    }
}

#[tokio::test]
async fn unknown_organization_is_not_found() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let unknown = "01930000-0000-7000-8000-000000000001";
    for id in [unknown, "x", ""] {
        let path = format!("/v1/server/organizations/{id}/members");
        let outcome = server.get(&path).await.outcome();
        assert!(outcome.starts_with("404"), "{id}: {outcome}");
    }
}

/// Returns a path of a route, with ids of the fixture.
fn path_of(route: &str, fixture: &Fixture) -> String {
    route
        .replace("{organization_id}", fixture.organization_id())
        .replace("{user_id}", &fixture.user.user_id)
        .replace("{invite_id}", &fixture.invite_id)
        .replace("{api_key_id}", &fixture.key.id)
}

#[tokio::test]
async fn malformed_on_behalf_of_is_refused_by_every_route() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let routes = template().routes.into_iter();
    let routes: Vec<_> = routes
        .filter(|route| route.caller == Caller::Server)
        .collect();
    assert!(routes.len() >= 20, "{}", routes.len());
    for route in routes {
        let method: Method = route.method.parse().unwrap();
        let path = path_of(&route.path, &fixture);
        let header = [("on-behalf-of", "a\tb")];
        let reply = server.send_with(method, &path, None, &header).await;
        let refusal = reply.expect("400 invalid_request");
        assert_eq!(refusal["field"], "on-behalf-of", "{path}");
    }
}

#[tokio::test]
async fn invite_of_the_server_names_no_member() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let managed = fixture.managed();
    let input = json!({"email": "erin@example.com", "role": "owner"});
    let invite = server
        .post(&format!("{managed}/invites"), input)
        .await
        .expect("201");
    assert_eq!(invite["invited_by"], Value::Null);
    fixture.world.drain().await;
    let emails = fixture.world.stack.emails();
    let email = emails.last().unwrap();
    assert_eq!(email.subject, "You’re invited to join “Acme”");
    let link = fixture.world.link_token("erin@example.com");
    let path = format!("/v1/invites/{link}");
    let preview = fixture.world.nobody().get(&path).await.expect("200");
    assert_eq!(preview["inviter_name"], Value::Null);

    let erin = fixture.world.sign_in("erin@example.com");
    let mine = erin.get("/v1/account/invites").await.expect("200");
    assert_eq!(mine["items"][0]["invited_by"], Value::Null);
    erin.accept(invite["id"].as_str().unwrap())
        .await
        .expect("200");
    let member = erin.get(&fixture.organization).await.expect("200");
    assert_eq!(member["role"], "owner");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn log_names_the_server_and_the_person_it_acted_for() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let member = format!("{}/members/{}", fixture.managed(), fixture.user.user_id);
    let body = Some(json!({"role": "admin"}).to_string());
    let header = [("on-behalf-of", "support-7")];
    let changed = server.send_with(Method::PATCH, &member, body, &header);
    assert_eq!(changed.await.expect("200")["role"], "admin");
    server.delete(&member).await.expect("200");

    let log = format!("{}/audit-events", fixture.managed());
    let log = server.get(&log).await.expect("200");
    let (removed, changed) = (&log["items"][0], &log["items"][1]);
    let actor = |on_behalf_of: Value| json!({"kind": "server", "on_behalf_of": on_behalf_of});
    assert_eq!(removed["kind"], "member.removed");
    assert_eq!(removed["actor"], actor(Value::Null));
    assert_eq!(changed["kind"], "member.role_changed");
    assert_eq!(changed["actor"], actor(json!("support-7")));
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn creator_is_protected_from_the_server() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let creator = format!("{}/members/{}", fixture.managed(), fixture.creator.user_id);
    server
        .delete(&creator)
        .await
        .expect("403 creator_protected");
    for change in [
        json!({"role": "admin"}),
        json!({"receives_billing_emails": false}),
    ] {
        server
            .patch(&creator, change)
            .await
            .expect("403 creator_protected");
    }
}

#[tokio::test]
async fn plan_is_the_servers_in_either_mode() {
    for world in [
        World::start().await,
        World::start_with_plans_by_server("https://pay.example").await,
    ] {
        let fixture = Fixture::in_world(world).await;
        let server = fixture.world.server();
        let billing = format!("{}/billing", fixture.managed());
        let changed = server.patch(&billing, json!({"plan": "pro"})).await;
        assert_eq!(changed.expect("200")["plan"]["id"], "pro");
    }
}

#[tokio::test]
async fn settings_of_the_server_have_no_membership() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let settings = server.get(&format!("{}/settings", fixture.managed())).await;
    let settings = settings.expect("200");
    assert_eq!(settings["organization"]["name"], "Acme");
    assert_eq!(settings["organization"]["role"], Value::Null);
    assert_eq!(settings["me"], Value::Null);
    assert_eq!(settings["members"]["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn api_key_of_the_server_works() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let keys = format!("{}/api-keys", fixture.managed());
    let created = server.post(&keys, json!({"name": "Theirs"})).await;
    let created = created.expect("201");
    assert_eq!(created["api_key"]["created_by"], Value::Null);
    let secret = created["secret"].as_str().unwrap().to_owned();
    let client = fixture
        .world
        .with_token(Some(secret), String::new(), String::new());
    client.get("/v1/usage").await.expect("200");
    let path = format!("{}/api-keys", fixture.organization);
    let listed = fixture.user.get(&path).await.expect("200");
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}

/// Creates an organization for Grace as the server, with an idempotency key.
async fn provision_once(server: &Session, key: &str, body: Value) -> Reply {
    let mut input = json!({
        "name": "Bakery",
        "creator": {"user_id": "grace", "email": "grace@example.com"},
    });
    for (field, value) in body.as_object().unwrap() {
        input[field] = value.clone();
    }
    server
        .post_once("/v1/server/organizations", key, input)
        .await
}

#[tokio::test]
async fn repeated_provisioning_makes_one_organization() {
    let world = World::start().await;
    for body in [json!({}), json!({"external_id": "team_1"})] {
        let key = body.to_string().replace('"', "'");
        let first = provision_once(&world.server(), &key, body.clone())
            .await
            .expect("201");
        let again = provision_once(&world.server(), &key, body.clone())
            .await
            .expect("201");
        assert_eq!(again, first);
        let other = json!({"name": "Other"});
        let other = provision_once(&world.server(), "other", other)
            .await
            .expect("201");
        assert_ne!(other["id"], first["id"]);
    }
    let created = world.server().get("/v1/server/organizations").await;
    let created = created.expect("200");
    assert_eq!(created["items"].as_array().unwrap().len(), 3);

    // A day later the key is free, and a deleted organization is not found by it.
    let first = provision_once(&world.server(), "day", json!({}))
        .await
        .expect("201");
    let path = format!("/v1/server/organizations/{}", first["id"].as_str().unwrap());
    world.server().delete(&path).await.expect("200");
    let second = provision_once(&world.server(), "day", json!({}))
        .await
        .expect("201");
    assert_ne!(second["id"], first["id"]);
    world.clock.advance(TimeDelta::hours(24));
    let third = provision_once(&world.server(), "day", json!({}))
        .await
        .expect("201");
    assert_ne!(third["id"], second["id"]);
    invariants::hold(&world).await;
}

#[tokio::test]
async fn provisioning_ignores_the_keys_of_the_creator() {
    let world = World::start().await;
    let grace = world.sign_in("grace@example.com");
    let own = grace
        .post_once("/v1/organizations", "once", json!({"name": "Own"}))
        .await
        .expect("201");
    let creator = json!({"user_id": grace.user_id, "email": "grace@example.com"});
    let creator = json!({"creator": creator});
    let provisioned = provision_once(&world.server(), "once", creator).await;
    let provisioned = provisioned.expect("201");
    assert_ne!(provisioned["id"], own["id"]);
    let again = grace
        .post_once("/v1/organizations", "once", json!({"name": "Own"}))
        .await
        .expect("201");
    assert_eq!(again["id"], own["id"]);
}

#[tokio::test]
async fn concurrent_provisioning_with_one_key_makes_one_organization() {
    let world = World::start().await;
    let mut replies = JoinSet::new();
    for _ in 0..8 {
        let server = world.server();
        replies.spawn(async move { provision_once(&server, "once", json!({})).await });
    }
    let replies = replies.join_all().await.into_iter();
    let ids = replies.map(|reply| reply.expect("201")["id"].to_string());
    let ids: BTreeSet<String> = ids.collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    invariants::hold(&world).await;
}
