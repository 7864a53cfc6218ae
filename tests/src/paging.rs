//! Paging through long lists.

use std::collections::BTreeSet;

use local::SignIn;
use serde_json::{Value, json};

use crate::{
    costs::crowd,
    harness::{Fixture, Session},
};

/// Returns all ids of a list, read page by page.
async fn page_through(reader: &Session, path: &str, id: &str, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let from = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page = reader
            .get(&format!("{path}?limit={limit}{from}"))
            .await
            .expect("200");
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        ids.extend(
            items
                .iter()
                .map(|item| item[id].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn ten_thousand_members_page_without_loss_or_repetition() {
    let fixture = Fixture::new().await;
    let mut members: BTreeSet<String> = crowd(&fixture, 9_996).await.into_iter().collect();
    for member in [
        &fixture.creator,
        &fixture.owner,
        &fixture.admin,
        &fixture.user,
    ] {
        members.insert(member.user_id.clone());
    }
    let path = format!("{}/members", fixture.organization);
    let paged = page_through(&fixture.user, &path, "user_id", 100).await;
    assert_eq!(paged.len(), 10_000);
    assert_eq!(paged.into_iter().collect::<BTreeSet<_>>(), members);
}

#[tokio::test]
async fn page_size_does_not_change_the_list() {
    let fixture = Fixture::new().await;
    for n in 0..9 {
        fixture
            .creator
            .invite(
                &fixture.organization,
                &format!("guest{n}@example.com"),
                "user",
            )
            .await;
    }
    for (path, id) in [
        ("members", "user_id"),
        ("invites", "id"),
        ("audit-events", "id"),
    ] {
        let path = format!("{}/{path}", fixture.organization);
        let whole = page_through(&fixture.creator, &path, id, 100).await;
        for limit in [1, 2, 3, whole.len() - 1, whole.len()] {
            assert_eq!(
                page_through(&fixture.creator, &path, id, limit).await,
                whole,
                "{path} by {limit}"
            );
        }
    }
    let mut mine = Vec::new();
    for n in 0..5 {
        mine.push(
            fixture
                .stranger
                .create_organization(&format!("Number {n}"))
                .await,
        );
    }
    let paged = page_through(&fixture.stranger, "/v1/organizations", "id", 2).await;
    let paged: Vec<String> = paged
        .into_iter()
        .map(|id| format!("/v1/organizations/{id}"))
        .collect();
    assert_eq!(paged, mine);
}

/// Lambda's limit for a response, in bytes.
const MAX_RESPONSE: usize = 6 * 1024 * 1024;

/// Returns metadata of the most bytes that are allowed, in characters that JSON escapes.
fn largest_metadata(first: char) -> Value {
    let key = |n: u8| format!("{first}{n:02}{}", "\u{1}".repeat(37));
    let entries = (0..50).map(|n| (key(n), json!("\u{1}".repeat(16))));
    let metadata = Value::Object(entries.collect());
    let bytes = metadata.to_string().len();
    assert!((16_300..=16_384).contains(&bytes), "{bytes}");
    metadata
}

#[tokio::test]
async fn longest_page_of_a_list_fits_lambdas_response() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    let name = "\u{10FFFD}".repeat(200);
    let longest = |start: &str| {
        let domain = format!(
            "{}.{}.{}.example",
            "d".repeat(63),
            "e".repeat(63),
            "f".repeat(49)
        );
        format!("{start}{}@{domain}", "x".repeat(62))
    };
    let person = |start: &str| {
        world.sign_in_as(SignIn {
            name: Some(name.clone()),
            user_id: format!("{start}{}", "\"".repeat(127)),
            ..SignIn::with_email(&longest(start))
        })
    };
    let owner = person("a");
    let input = json!({ "name": name, "metadata": largest_metadata('a') });
    let created = owner.post("/v1/organizations", input).await.expect("201");
    let organization = format!("/v1/organizations/{}", created["id"].as_str().unwrap());
    let metadata = json!({ "metadata": largest_metadata('b') });
    owner.patch(&organization, metadata).await.expect("200");
    let invited = person("b");
    owner.invite(&organization, &invited.email, "owner").await;
    owner.create_key(&organization, &name).await;

    let list = |name: &str| format!("{organization}/{name}");
    for (reader, path) in [
        (&owner, "/v1/organizations".to_owned()),
        (&owner, list("members")),
        (&owner, list("invites")),
        (&owner, list("api-keys")),
        (&owner, list("audit-events")),
        (&invited, "/v1/account/invites".to_owned()),
    ] {
        let page = reader.get(&format!("{path}?limit=100")).await.expect("200");
        // The response holds the body as a string, so it is escaped twice.
        let bytes = |item: &Value| Value::String(item.to_string()).to_string().len();
        let largest = page["items"].as_array().unwrap().iter().map(bytes).max();
        let largest = largest.unwrap();
        assert!(100 * largest < MAX_RESPONSE, "{path}: {largest} bytes");
    }
    let settings = owner.get(&list("settings")).await.expect("200");
    let bytes = Value::String(settings.to_string()).to_string().len();
    assert!(100 * bytes < MAX_RESPONSE, "{bytes}");
}

#[tokio::test]
async fn audit_log_keeps_the_beginning_of_a_long_value() {
    let fixture = Fixture::new().await;
    let metadata = json!({ "metadata": largest_metadata('a') });
    let creator = &fixture.creator;
    creator
        .patch(&fixture.organization, metadata)
        .await
        .expect("200");
    let log = format!("{}/audit-events?limit=1", fixture.organization);
    let event = creator.get(&log).await.expect("200");
    let kept = event["items"][0]["changes"][0]["to"].as_str().unwrap();
    assert_eq!(kept.len(), 1024);
    assert!(kept.starts_with("a00") && kept.ends_with('…'), "{kept:?}");
}

#[tokio::test]
async fn cursor_of_another_list_reveals_nothing() {
    let fixture = Fixture::new().await;
    let members = format!("{}/members", fixture.organization);
    let page = fixture
        .creator
        .get(&format!("{members}?limit=1"))
        .await
        .expect("200");
    let cursor = page["next_cursor"].as_str().unwrap();
    fixture.stranger.create_organization("Mine").await;
    let mine = fixture
        .stranger
        .get("/v1/organizations")
        .await
        .expect("200");
    let mine = format!(
        "/v1/organizations/{}/members",
        mine["items"][0]["id"].as_str().unwrap()
    );
    // Wherever the cursor leads, this member comes after it.
    let last = fixture.world.sign_in_as(SignIn {
        user_id: "~last".to_owned(),
        ..SignIn::with_email("last@example.com")
    });
    let organization = mine.trim_end_matches("/members");
    fixture
        .stranger
        .add_member(organization, &last, "user")
        .await;
    let page = fixture
        .stranger
        .get(&format!("{mine}?cursor={cursor}"))
        .await
        .expect("200");
    let items = page["items"].as_array().unwrap();
    let mut user_ids = items.iter().map(|item| item["user_id"].as_str().unwrap());
    assert_eq!(user_ids.next_back(), Some("~last"));
    assert!(user_ids.all(|id| id == fixture.stranger.user_id));
    fixture
        .stranger
        .get(&format!("{members}?cursor={cursor}"))
        .await
        .expect("404 organization_not_found");
}
