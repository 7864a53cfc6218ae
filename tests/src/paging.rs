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

/// DynamoDB ends a page at one megabyte, regardless of the number of items.
#[tokio::test]
async fn page_of_large_items_loses_nothing() {
    let fixture = Fixture::new().await;
    for round in 0..70 {
        let entries = (0..50).map(|n| (format!("{}{round:02}{n:02}", "€".repeat(36)), json!("x")));
        let metadata: serde_json::Map<String, Value> = entries.collect();
        fixture
            .creator
            .patch(&fixture.organization, json!({"metadata": metadata}))
            .await
            .expect("200");
    }
    let path = format!("{}/audit-events", fixture.organization);
    let all = page_through(&fixture.creator, &path, "id", 100).await;
    assert_eq!(all, page_through(&fixture.creator, &path, "id", 7).await);
    assert!(all.len() > 70 + 10);
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
