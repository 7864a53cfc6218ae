//! Suspension, deletion, restoration and purge of an organization, and how the server
//! finds organizations.

use chrono::TimeDelta;
use functions::openapi::Caller;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    access::{self, ACCESS},
    api_keys,
    completeness::template,
    harness::{Fixture, World, audit_kinds},
    invariants,
};

impl Fixture {
    pub async fn suspend(&self, reason: &str) {
        let path = format!("{}/suspension", self.managed());
        let body = json!({ "reason": reason });
        let suspended = self.world.server().put(&path, body).await.expect("200");
        assert_eq!(suspended["suspension"]["reason"], reason);
    }

    pub async fn delete(&self) {
        let deleted = self.owner.delete(&self.organization).await.expect("200");
        assert_eq!(deleted["restorable_until"], "2026-03-31T12:02:00Z");
    }
}

#[tokio::test]
async fn suspended_organization_reads_but_changes_nothing() {
    let routes = template().routes;
    let is_of_members = |operation: &str| {
        let mut routes = routes.iter();
        routes.any(|route| {
            route.operation == operation
                && route.caller == Caller::Person
                && route.path.contains("{organization_id}")
        })
    };
    let mut refused = 0;
    for access in ACCESS {
        if !is_of_members(access.operation) {
            continue;
        }
        let fixture = Fixture::new().await;
        fixture.suspend("The last invoice is not paid.").await;
        let reply = access.send_as_permitted(&fixture).await;
        let is_read = access.operation.starts_with("get-") || access.operation.starts_with("list-");
        if is_read {
            reply.expect("200");
            continue;
        }
        refused += 1;
        let detail = reply.refused("403 organization_suspended");
        assert_eq!(
            detail, "the organization is suspended: The last invoice is not paid.",
            "{}",
            access.operation
        );
    }
    assert!(refused >= 14, "{refused}");
}

#[tokio::test]
async fn member_of_a_suspended_organization_sees_why_and_can_leave() {
    let fixture = Fixture::new().await;
    fixture.suspend("Too many complaints.").await;
    fixture.suspend("Too many complaints.").await;
    let seen = fixture.user.get(&fixture.organization).await.expect("200");
    assert_eq!(seen["suspension"]["reason"], "Too many complaints.");
    let settings = format!("{}/settings", fixture.organization);
    let may = fixture.owner.get(&settings).await.expect("200")["may"].clone();
    assert_eq!(may["update_organization"]["allowed"], false);
    assert_eq!(may["invite"]["roles"], json!([]));
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.user.delete(&member).await.expect("200");

    let path = format!("{}/suspension", fixture.managed());
    let server = fixture.world.server();
    server.delete(&path).await.expect("200");
    server.delete(&path).await.expect("200");
    fixture
        .owner
        .patch(&fixture.organization, json!({"name": "Better"}))
        .await
        .expect("200");
    let kinds = audit_kinds(&fixture.owner, &fixture.organization).await;
    let of_standing: Vec<&String> = kinds
        .iter()
        .filter(|kind| kind.contains("suspended"))
        .collect();
    assert_eq!(
        of_standing,
        ["organization.suspended", "organization.unsuspended"]
    );
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn keys_of_a_suspended_or_deleted_organization_are_refused() {
    for is_deleted in [false, true] {
        let fixture = Fixture::new().await;
        fixture.api_client.get("/v1/usage").await.expect("200");
        if is_deleted {
            fixture.delete().await;
        } else {
            fixture.suspend("Abuse.").await;
        }
        assert_eq!(
            api_keys::reason(&fixture, &fixture.key).await,
            "the organization is suspended or deleted"
        );
        // The gateway's cache is over by then.
        fixture.world.clock.advance(TimeDelta::seconds(30));
        fixture.api_client.get("/v1/usage").await.expect("403");
    }
}

#[tokio::test]
async fn deleted_organization_exists_for_nobody() {
    let fixture = Fixture::new().await;
    let link = fixture.world.link_token("dana@example.com");
    fixture.delete().await;
    for (operation, caller) in [
        ("get-organization", "admin"),
        ("update-organization", "owner"),
        ("list-members", "admin"),
        ("create-invite", "owner"),
        ("record-usage", "creator"),
        ("delete-organization", "creator"),
        ("switch-organization", "user"),
        ("accept-invite", "dana"),
    ] {
        let session = access::session(&fixture, caller);
        let reply = access::access(operation).send_as(&fixture, &session).await;
        let is_hidden = matches!(reply.status, 403 | 404);
        assert!(is_hidden, "{operation}: {}", reply.outcome());
    }
    let nobody = fixture.world.nobody();
    nobody
        .get(&format!("/v1/invites/{link}"))
        .await
        .expect("404 invite_not_found");
    let account = fixture.user.get("/v1/account").await.expect("200");
    assert_eq!(account["current_organization"], Value::Null);
    for (session, path) in [
        (&fixture.user, "/v1/organizations"),
        (&fixture.dana, "/v1/account/invites"),
    ] {
        let list = session.get(path).await.expect("200");
        assert_eq!(list["items"], json!([]), "{path}");
    }
    let server = fixture.world.server();
    let seen = server.get(&fixture.managed()).await.expect("200");
    assert_eq!(seen["deleted_at"], "2026-03-01T12:02:00Z");
    server
        .get(&format!("{}/members", fixture.managed()))
        .await
        .expect("404 organization_not_found");
}

#[tokio::test]
async fn deletion_is_told_to_owners_and_billing_recipients() {
    let fixture = Fixture::new().await;
    let user = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    let on = json!({"receives_billing_emails": true});
    fixture.owner.patch(&user, on).await.expect("200");
    fixture
        .creator
        .invite(&fixture.organization, "late@example.com", "user")
        .await;
    let before = fixture.world.stack.emails().len();
    fixture.delete().await;
    fixture.world.drain().await;
    let emails = fixture.world.stack.emails();
    let mut to: Vec<&str> = emails
        .iter()
        .skip(before)
        .flat_map(|email| email.to.iter().map(String::as_str))
        .collect();
    to.sort_unstable();
    assert_eq!(
        to,
        ["ada@example.com", "olga@example.com", "ulla@example.com"]
    );
    let email = emails.last().unwrap();
    assert_eq!(email.subject, "“Acme” was deleted");
    assert!(
        email.text.contains("until 31 March 2026, 12:02 UTC"),
        "{}",
        email.text
    );
}

#[tokio::test]
async fn deleted_organization_is_seen_by_those_who_can_restore_it() {
    let fixture = Fixture::new().await;
    let path = &fixture.organization;
    let before = fixture.owner.get(path).await.expect("200");
    assert_eq!(before["restorable_until"], Value::Null);
    fixture.delete().await;
    for owner in [&fixture.creator, &fixture.owner] {
        let seen = owner.get(path).await.expect("200");
        assert_eq!(seen["restorable_until"], "2026-03-31T12:02:00Z");
    }
    for other in [
        &fixture.admin,
        &fixture.user,
        &fixture.stranger,
        &fixture.outsider,
    ] {
        let refused = other.get(path).await;
        refused.expect("404 organization_not_found");
    }
    fixture.world.clock.advance(TimeDelta::days(30));
    let olga = fixture.world.sign_in("olga@example.com");
    olga.get(path).await.expect("404 organization_not_found");
}

#[tokio::test]
async fn restored_organization_is_complete() {
    let fixture = Fixture::new().await;
    let settings = format!("{}/settings", fixture.organization);
    let mut before = fixture.owner.get(&settings).await.expect("200");
    fixture.delete().await;
    fixture.world.clock.advance(TimeDelta::days(13));
    let restore = format!("{}/restore", fixture.organization);
    let olga = fixture.world.sign_in("olga@example.com");
    let anna = fixture.world.sign_in("anna@example.com");
    anna.post_empty(&restore).await.expect("403 owner_required");
    olga.post_empty(&restore).await.expect("200");
    olga.post_empty(&restore).await.expect("200");
    let mut after = olga.get(&settings).await.expect("200");
    for settings in [&mut before, &mut after] {
        settings["organization"]["version"].take();
    }
    for part in ["organization", "members", "invites", "counts"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    fixture.api_client.get("/v1/usage").await.expect("200");
    let dana = fixture.world.sign_in("dana@example.com");
    dana.accept(&fixture.invite_id).await.expect("200");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn purge_leaves_a_tombstone_only() {
    let fixture = Fixture::new().await;
    let managed = fixture.managed();
    let server = fixture.world.server();
    server
        .patch(&managed, json!({"external_id": "team_1"}))
        .await
        .expect("200");
    crate::usage::render(&fixture.api_client, "once", 1)
        .await
        .expect("200");
    fixture.delete().await;
    fixture
        .world
        .clock
        .advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    let run = async || {
        fixture
            .world
            .stack
            .run_schedule("purge-organizations")
            .await
    };
    run().await;
    let restored = format!("{managed}/restore");
    server.get(&managed).await.expect("200");
    fixture.world.clock.advance(TimeDelta::seconds(1));
    server
        .post_empty(&restored)
        .await
        .expect("404 organization_not_found");
    run().await;
    run().await;
    server
        .get(&managed)
        .await
        .expect("404 organization_not_found");
    server
        .get("/v1/server/organizations?external_id=team_1")
        .await
        .expect("200");

    fixture.world.stack.sweep_ttl().unwrap();
    let id = fixture.organization_id();
    let left: Vec<Value> = fixture
        .world
        .items()
        .await
        .into_iter()
        .filter(|item| item.to_string().contains(id) && item["sk"]["S"] != "ACCOUNT")
        .collect();
    let [tombstone] = left.as_slice() else {
        panic!("{left:#?}");
    };
    assert_eq!(tombstone["kind"]["S"], "organization.purged");
    assert!(!tombstone.to_string().contains("Acme"), "{tombstone}");
}

#[tokio::test]
async fn interrupted_purge_is_completed_by_the_next_run() {
    let fixture = Fixture::new().await;
    fixture.delete().await;
    fixture.world.clock.advance(TimeDelta::days(31));
    let run = async || {
        fixture
            .world
            .stack
            .run_schedule("purge-organizations")
            .await
    };
    for step in 0..4 {
        fixture
            .world
            .wire
            .fail(step, 3, crate::wire::Fault::Throttled);
        run().await;
    }
    run().await;
    fixture.world.stack.sweep_ttl().unwrap();
    let items = fixture.world.items().await;
    let id = fixture.organization_id();
    let members = items.iter().filter(|item| {
        let pk = item["pk"]["S"].as_str().unwrap();
        pk.contains(id) && !pk.starts_with("AUDIT#")
    });
    assert_eq!(members.count(), 0);
}

#[tokio::test]
async fn server_finds_organizations() {
    let world = World::start().await;
    let server = world.server();
    let mut ids = Vec::new();
    for n in 0..3 {
        let body = json!({
            "name": format!("Team {n}"),
            "creator": {"user_id": "auth0|ada", "email": "Ada@example.com", "name": "Ada"},
            "external_id": format!("team_{n}"),
            "private_metadata": {"stripe_customer": format!("cus_{n}")},
        });
        let created = server.post("/v1/server/organizations", body).await;
        ids.push(created.expect("201")["id"].clone());
        world.clock.advance(TimeDelta::milliseconds(2));
    }
    let found = async |query: &str| {
        let path = format!("/v1/server/organizations{query}");
        let list = server.get(&path).await.expect("200");
        let items = list["items"].as_array().unwrap().clone();
        let ids: Vec<Value> = items.iter().map(|item| item["id"].clone()).collect();
        (ids, list["next_cursor"].clone())
    };
    ids.reverse();
    let (first, cursor) = found("?limit=2").await;
    assert_eq!(first, ids[..2]);
    let query = format!("?limit=2&cursor={}", cursor.as_str().unwrap());
    assert_eq!(found(&query).await, (vec![ids[2].clone()], Value::Null));
    assert_eq!(found("?external_id=team_1").await.0, [ids[1].clone()]);
    assert!(found("?external_id=Team_1").await.0.is_empty());
    let by_email = found("?email=ada%40example.com").await.0;
    assert_eq!(by_email.len(), 3);
    let both = server.get("/v1/server/organizations?external_id=a&email=a@b.example");
    both.await.expect("400 invalid_request");

    let ada = world.sign_in_as(local::SignIn {
        user_id: "auth0|ada".to_owned(),
        ..local::SignIn::with_email("ada@example.com")
    });
    let path = format!("/v1/organizations/{}", ids[0].as_str().unwrap());
    let seen = ada.get(&path).await.expect("200");
    assert_eq!(seen["role"], "owner");
    assert_eq!(seen.get("private_metadata"), None);
    assert_eq!(seen.get("external_id"), None);
    let log = ada.get(&format!("{path}/audit-events")).await.expect("200");
    assert_eq!(log["items"][0]["actor"]["kind"], "server");
    invariants::hold(&world).await;
}

#[tokio::test]
async fn external_id_is_unique_and_moves_with_its_organization() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let managed = fixture.managed();
    let other = json!({
        "name": "Other",
        "creator": {"user_id": "otto", "email": "otto@example.org"},
        "external_id": "taken",
    });
    let other = server.post("/v1/server/organizations", other).await;
    let other = other.expect("201")["id"].as_str().unwrap().to_owned();
    let set = async |id: Value| {
        let body = json!({ "external_id": id, "private_metadata": {"a": "b"} });
        server.patch(&managed, body).await
    };
    set(json!("taken")).await.expect("409 external_id_taken");
    assert_eq!(
        set(json!("mine")).await.expect("200")["external_id"],
        "mine"
    );
    set(json!("mine")).await.expect("200");
    set(json!("also mine")).await.expect("400 invalid_request");
    set(json!("next")).await.expect("200");
    // The first one is free again.
    let path = format!("/v1/server/organizations/{other}");
    server
        .patch(&path, json!({"external_id": "mine"}))
        .await
        .expect("200");
    assert_eq!(
        set(Value::Null).await.expect("200")["external_id"],
        Value::Null
    );
    let field = fixture
        .owner
        .patch(&fixture.organization, json!({"external_id": "x"}))
        .await
        .expect("400 invalid_request");
    assert_eq!(field["field"], "external_id");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn concurrent_external_ids_name_one_organization() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let create = |n: usize| {
        let server = server.clone();
        async move {
            let body = json!({
                "name": format!("Team {n}"),
                "creator": {"user_id": "ada", "email": "ada@example.com"},
                "external_id": "same",
            });
            server
                .send(Method::POST, "/v1/server/organizations", Some(body))
                .await
                .status
        }
    };
    let mut all = tokio::task::JoinSet::new();
    for n in 0..8 {
        all.spawn(create(n));
    }
    let created = all.join_all().await;
    let made = created.iter().filter(|status| **status == 201).count();
    assert_eq!(made, 1, "{created:?}");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn creator_hands_over_and_leaves() {
    let fixture = Fixture::new().await;
    let path = format!("{}/creator", fixture.organization);
    let to = json!({"user_id": fixture.owner.user_id});
    let before = fixture.world.stack.emails().len();
    let changed = fixture.creator.put(&path, to.clone()).await.expect("200");
    assert_eq!(changed["creator_id"], json!(fixture.owner.user_id));
    fixture
        .creator
        .put(&path, to)
        .await
        .expect("403 creator_required");
    fixture.world.drain().await;
    let emails = fixture.world.stack.emails();
    let mut told: Vec<&str> = emails
        .iter()
        .skip(before)
        .flat_map(|email| email.to.iter().map(String::as_str))
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["ada@example.com", "olga@example.com"]);
    assert_eq!(emails.last().unwrap().subject, "“Acme” has a new creator");

    let former = format!(
        "{}/members/{}",
        fixture.organization, fixture.creator.user_id
    );
    let new = format!("{}/members/{}", fixture.organization, fixture.owner.user_id);
    fixture
        .owner
        .delete(&new)
        .await
        .expect("403 creator_protected");
    fixture.creator.delete(&former).await.expect("200");
    let member = fixture.owner.get(&new).await.expect("200");
    assert_eq!(member["is_creator"], true);
    assert_eq!(member["receives_billing_emails"], true);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn server_hands_over_for_a_lost_creator() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let path = format!("{}/creator", fixture.managed());
    let to = json!({"user_id": fixture.owner.user_id});
    for _ in 0..2 {
        let changed = server.put(&path, to.clone()).await.expect("200");
        assert_eq!(changed["creator_id"], json!(fixture.owner.user_id));
    }
    let former = format!("{}/members/{}", fixture.managed(), fixture.creator.user_id);
    server.delete(&former).await.expect("200");
    let kinds = audit_kinds(&fixture.owner, &fixture.organization).await;
    let changes = kinds
        .iter()
        .filter(|kind| *kind == "organization.creator_changed");
    assert_eq!(changes.count(), 1);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn concurrent_hand_overs_leave_one_creator() {
    let fixture = Fixture::new().await;
    let promoted = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
    let owner = json!({"role": "owner"});
    fixture.creator.patch(&promoted, owner).await.expect("200");
    let path = format!("{}/creator", fixture.organization);
    let to = |person: &crate::harness::Session| {
        let (creator, path) = (fixture.creator.clone(), path.clone());
        let body = json!({"user_id": person.user_id});
        async move { creator.put(&path, body).await.status }
    };
    let (first, second) = tokio::join!(to(&fixture.owner), to(&fixture.admin));
    let mut statuses = [first, second];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    let server = fixture.world.server();
    let members = server.get(&format!("{}/members", fixture.managed())).await;
    let members = members.expect("200")["items"].as_array().unwrap().clone();
    let creators = members.iter().filter(|member| member["is_creator"] == true);
    assert_eq!(creators.count(), 1);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn server_adds_people_once_each() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let path = format!("{}/members", fixture.managed());
    let body = json!({"members": [
        {"user_id": "auth0|erin", "email": "Erin@example.com", "name": "Erin", "role": "admin"},
        {"user_id": fixture.user.user_id, "email": "other@example.com", "role": "owner"},
        {"user_id": "auth0|twin", "email": "anna@example.com", "role": "user"},
        {"user_id": fixture.dana.user_id, "email": "dana@example.com", "role": "user",
         "receives_billing_emails": true},
    ]});
    let emails = fixture.world.stack.emails().len();
    for outcomes in [
        ["added", "present", "refused", "added"],
        ["present", "present", "refused", "present"],
    ] {
        let added = server.post(&path, body.clone()).await.expect("200");
        let items = added["items"].as_array().unwrap();
        let given: Vec<&str> = items
            .iter()
            .map(|item| item["outcome"].as_str().unwrap())
            .collect();
        assert_eq!(given, outcomes);
        assert_eq!(items[1]["member"]["role"], "user");
        assert_eq!(items[2]["code"], "already_member");
    }
    fixture.world.drain().await;
    assert_eq!(fixture.world.stack.emails().len(), emails);
    // The invite to the address has ended, and its link says so.
    fixture
        .dana
        .accept(&fixture.invite_id)
        .await
        .expect("410 invite_cancelled");
    let seen = fixture.dana.get(&fixture.organization).await.expect("200");
    assert_eq!(seen["role"], "user");
    let too_many = vec![json!({"user_id": "u", "email": "u@example.com", "role": "user"}); 101];
    let refused = server.post(&path, json!({ "members": too_many })).await;
    assert_eq!(refused.expect("400 invalid_request")["field"], "members");
    let wrong = json!({"members": [{"user_id": "u", "email": "x", "role": "user"}]});
    let refused = server
        .post(&path, wrong)
        .await
        .expect("400 invalid_request");
    assert_eq!(refused["field"], "members[0].email");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn hundred_people_are_added_in_one_request() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let people: Vec<Value> = (0..100)
        .map(|n| {
            json!({
                "user_id": format!("auth0|{n}"),
                "email": format!("person{n}@example.com"),
                "role": "user",
            })
        })
        .collect();
    let path = format!("{}/members", fixture.managed());
    let added = server.post(&path, json!({ "members": people })).await;
    let added = added.expect("200");
    let items = added["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["outcome"] == "added"));
    invariants::hold(&fixture.world).await;
}
