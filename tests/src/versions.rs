//! The versions of items, and changes on the condition of one (`If-Match`).

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Fixture, Reply, Session, audit_kinds};

/// An item with a version, a change of it, and its end.
struct Item {
    /// Its path.
    path: String,
    /// The path to read it at, and where the response has it.
    read: (String, fn(&Value, &str) -> Value),
    /// Two bodies for a PATCH, each of which changes it.
    changes: [Value; 2],
    /// Whether a DELETE ends it.
    has_end: bool,
}

impl Item {
    fn all(fixture: &Fixture) -> Vec<Self> {
        let organization = &fixture.organization;
        let of_list: fn(&Value, &str) -> Value = |list, path| {
            let items = list["items"].as_array().unwrap();
            let id = path.rsplit('/').next().unwrap();
            let found = items
                .iter()
                .find(|item| item["id"] == id || item["user_id"] == id);
            found.cloned().unwrap_or_default()
        };
        let whole: fn(&Value, &str) -> Value = |view, _| view.clone();
        let listed = |part: &str, id: &str, changes| Self {
            path: format!("{organization}/{part}/{id}"),
            read: (format!("{organization}/{part}"), of_list),
            changes,
            has_end: true,
        };
        let roles = [json!({"role": "admin"}), json!({"role": "owner"})];
        let names = [json!({"name": "First"}), json!({"name": "Second"})];
        vec![
            listed("members", &fixture.user.user_id, roles.clone()),
            listed("invites", &fixture.invite_id, roles),
            listed("api-keys", &fixture.key.id, names.clone()),
            Self {
                path: format!("{organization}/billing"),
                read: (format!("{organization}/billing"), whole),
                changes: [json!({"tax_id": "DE1"}), json!({"tax_id": "DE2"})],
                has_end: false,
            },
            // Its end is the end of all others.
            Self {
                path: organization.clone(),
                read: (organization.clone(), whole),
                changes: names,
                has_end: true,
            },
        ]
    }

    async fn present(&self, session: &Session) -> Value {
        let (path, part) = &self.read;
        part(&session.get(path).await.expect("200"), &self.path)
    }

    async fn change(&self, session: &Session, change: &Value, version: &Value) -> Reply {
        let tag = tag(version);
        let body = Some(change.to_string());
        session
            .send_with(Method::PATCH, &self.path, body, &[("if-match", &tag)])
            .await
    }

    async fn end(&self, session: &Session, version: &Value) -> Reply {
        let tag = tag(version);
        session
            .send_with(Method::DELETE, &self.path, None, &[("if-match", &tag)])
            .await
    }
}

fn tag(version: &Value) -> String {
    format!("\"{}\"", version.as_str().unwrap())
}

#[tokio::test]
async fn stale_version_is_refused_with_the_present_state() {
    let fixture = Fixture::new().await;
    let owner = &fixture.creator;
    for item in Item::all(&fixture) {
        let path = &item.path;
        let [first, second] = &item.changes;
        let seen = item.present(owner).await["version"].clone();

        let changed = item.change(owner, first, &seen).await.expect("200");
        let present = item.present(owner).await;
        assert_ne!(present["version"], seen, "{path}");
        assert_eq!(changed["version"], present["version"], "{path}");

        let before = audit_kinds(owner, &fixture.organization).await;
        let late = item.change(owner, second, &seen).await;
        assert_eq!(late.outcome(), "412 version_mismatch", "{path}");
        assert_eq!(late.body["current"], present, "{path}");
        if item.has_end {
            let late = item.end(owner, &seen).await;
            assert_eq!(late.outcome(), "412 version_mismatch", "{path}");
            assert_eq!(late.body["current"], present, "{path}");
        }
        assert_eq!(item.present(owner).await, present, "{path}");
        assert_eq!(audit_kinds(owner, &fixture.organization).await, before);

        let present = item.change(owner, second, &present["version"]).await;
        let present = present.expect("200");
        if item.has_end {
            let end = item.end(owner, &present["version"]).await;
            assert!((200..300).contains(&end.status), "{}", end.body);
        }
    }
}

#[tokio::test]
async fn change_that_was_made_succeeds_when_repeated() {
    let fixture = Fixture::new().await;
    let owner = &fixture.creator;
    for item in Item::all(&fixture) {
        let [change, _] = &item.changes;
        let seen = item.present(owner).await["version"].clone();
        let first = item.change(owner, change, &seen).await.expect("200");
        let again = item.change(owner, change, &seen).await.expect("200");
        assert_eq!(first, again, "{}", item.path);
    }
}

#[tokio::test]
async fn any_version_matches_a_star_and_a_list() {
    let fixture = Fixture::new().await;
    let (owner, path) = (&fixture.owner, &fixture.organization);
    let version = owner.get(path).await.expect("200")["version"].clone();
    for (name, header, outcome) in [
        ("A", "*".to_owned(), "200"),
        ("B", tag(&version), "412 version_mismatch"),
        ("C", format!("{}, \"2\"", tag(&version)), "200"),
        ("D", "W/\"3\"".to_owned(), "412 version_mismatch"),
        ("E", "3".to_owned(), "400 invalid_request"),
        ("F", "\"3\"".to_owned(), "200"),
    ] {
        let body = Some(json!({ "name": name }).to_string());
        let reply = owner
            .send_with(Method::PATCH, path, body, &[("if-match", &header)])
            .await;
        if outcome.starts_with("400") {
            assert_eq!(reply.body["field"], "if-match");
        }
        assert_eq!(reply.outcome(), outcome, "{header}");
    }
}

#[tokio::test]
async fn member_who_joins_again_has_another_version() {
    let fixture = Fixture::new().await;
    let (owner, user) = (&fixture.owner, &fixture.user);
    let path = format!("{}/members/{}", fixture.organization, user.user_id);
    let version = async || {
        let list = format!("{}/members", fixture.organization);
        let members = owner.get(&list).await.expect("200");
        let members = members["items"].as_array().unwrap();
        let user = members
            .iter()
            .find(|member| member["user_id"] == *user.user_id);
        user.unwrap()["version"].clone()
    };
    let before = version().await;
    owner.delete(&path).await.expect("200");
    fixture.world.clock.advance(chrono::TimeDelta::minutes(2));
    owner.add_member(&fixture.organization, user, "user").await;
    assert_ne!(version().await, before);
    let late = owner
        .send_with(Method::DELETE, &path, None, &[("if-match", &tag(&before))])
        .await;
    assert_eq!(late.outcome(), "412 version_mismatch");
}

#[tokio::test]
async fn one_of_many_changes_of_a_version_is_made() {
    let fixture = Fixture::new().await;
    let (owner, path) = (&fixture.owner, &fixture.organization);
    let version = owner.get(path).await.expect("200")["version"].clone();
    let mut replies = JoinSet::new();
    for n in 0..12 {
        let (owner, path, tag) = (owner.clone(), path.clone(), tag(&version));
        replies.spawn(async move {
            let body = Some(json!({ "name": format!("Name {n}") }).to_string());
            let headers = [("if-match", tag.as_str())];
            owner.send_with(Method::PATCH, &path, body, &headers).await
        });
    }
    let replies = replies.join_all().await;
    let mut outcomes: Vec<_> = replies.iter().map(Reply::outcome).collect();
    outcomes.sort();
    let mut expected = vec!["412 version_mismatch"; 11];
    expected.insert(0, "200");
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn created_items_have_the_version_of_the_next_read() {
    let fixture = Fixture::new().await;
    let (owner, organization) = (&fixture.owner, &fixture.organization);
    let read = async |path: String, id: &Value| {
        let list = owner.get(&path).await.expect("200");
        let items = list["items"].as_array().unwrap();
        let found = items.iter().find(|item| item["id"] == *id).unwrap();
        found["version"].clone()
    };
    let invite = json!({"email": "nia@example.com", "role": "user"});
    let invites = format!("{organization}/invites");
    let invite = owner.post(&invites, invite).await.expect("201");
    assert_eq!(read(invites, &invite["id"]).await, invite["version"]);

    let keys = format!("{organization}/api-keys");
    let key = owner.post(&keys, json!({"name": "Second"})).await;
    let key = &key.expect("201")["api_key"];
    assert_eq!(read(keys.clone(), &key["id"]).await, key["version"]);
    let rotate = format!("{keys}/{}/rotate", key["id"].as_str().unwrap());
    let rotated = owner.post_empty(&rotate).await.expect("200");
    let rotated = &rotated["api_key"];
    assert_ne!(rotated["version"], key["version"]);
    assert_eq!(read(keys, &key["id"]).await, rotated["version"]);

    let made = owner.post("/v1/organizations", json!({"name": "New"}));
    let made = made.await.expect("201");
    let found = read("/v1/organizations".to_owned(), &made["id"]).await;
    assert_eq!(found, made["version"]);
}

#[tokio::test]
async fn server_gets_its_own_view_of_a_changed_organization() {
    let fixture = Fixture::new().await;
    let server = &fixture.world.server();
    let path = format!("/v1/server/organizations/{}", fixture.organization_id());
    let metadata = json!({"private_metadata": {"crm": "17"}});
    let present = server.patch(&path, metadata).await.expect("200");
    let stale = [("if-match", "\"1\"")];
    let rename = Some(json!({"name": "New"}).to_string());
    let late = server.send_with(Method::PATCH, &path, rename, &stale).await;
    assert_eq!(late.outcome(), "412 version_mismatch");
    assert_eq!(late.body["current"], present);
    let late = server.send_with(Method::DELETE, &path, None, &stale).await;
    assert_eq!(late.body["current"], present);
}
