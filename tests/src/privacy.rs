//! Erasing a person leaves no trace of them but their id.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    harness::{Fixture, audit_kinds},
    invariants,
};

#[tokio::test]
async fn erased_person_leaves_only_their_id() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    // The admin, anna, has a key here and an invite sent, was invited elsewhere, and has
    // left an organization that has a key of hers.
    let other = fixture.elsewhere().await;
    fixture
        .outsider
        .add_member(&other, &fixture.admin, "admin")
        .await;
    fixture.admin.create_key(&other, "Left behind").await;
    let member = format!("{other}/members/{}", fixture.admin.user_id);
    fixture.admin.delete(&member).await.expect("200");
    let third = fixture.stranger.create_organization("Third").await;
    fixture
        .stranger
        .invite(&third, "anna@example.com", "user")
        .await;
    fixture
        .admin
        .invite(&fixture.organization, "guest@example.com", "user")
        .await;
    fixture.admin.get("/v1/account").await.expect("200");
    fixture.world.drain().await;

    let path = format!("/v1/server/people/{}", fixture.admin.user_id);
    for _ in 0..2 {
        server.delete(&path).await.expect("204");
    }
    fixture
        .admin
        .get(&fixture.organization)
        .await
        .expect("404 organization_not_found");
    let keys = format!("{}/api-keys", fixture.organization);
    let keys = fixture.owner.get(&keys).await.expect("200");
    assert_eq!(
        keys["items"][0]["created_by"],
        json!({"id": fixture.admin.user_id, "name": "former member"})
    );
    let kinds = audit_kinds(&fixture.owner, &fixture.organization).await;
    assert_eq!(kinds.last().unwrap(), "member.removed");
    invariants::hold(&fixture.world).await;

    let traces = async || {
        let items = fixture.world.items().await;
        let items = items.into_iter().map(|item| item.to_string());
        let named = items.filter(|item| {
            item.contains("anna") || item.to_lowercase().contains("anna@example.com")
        });
        named.collect::<Vec<String>>()
    };
    // Only the invite that she sent still names her.
    for trace in traces().await {
        assert!(trace.contains("guest@example.com"), "{trace}");
    }
    fixture.world.clock.advance(TimeDelta::days(15));
    fixture.world.stack.run_schedule("expire-invites").await;
    fixture.world.clock.advance(TimeDelta::days(31));
    fixture.world.stack.sweep_ttl().unwrap();
    assert_eq!(traces().await, Vec::<String>::new());
}

#[tokio::test]
async fn creator_is_erased_after_a_hand_over() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let path = format!("/v1/server/people/{}", fixture.creator.user_id);
    let refusal = server
        .delete(&path)
        .await
        .expect("409 creator_of_organizations");
    assert_eq!(
        refusal["organization_ids"],
        json!([fixture.organization_id()])
    );
    // Nothing was removed by then.
    fixture
        .creator
        .get(&fixture.organization)
        .await
        .expect("200");
    let creator = format!("{}/creator", fixture.managed());
    let to = json!({"user_id": fixture.owner.user_id});
    server.put(&creator, to).await.expect("200");
    server.delete(&path).await.expect("204");
    let members = format!("{}/members", fixture.managed());
    let members = server.get(&members).await.expect("200");
    let left = members["items"].as_array().unwrap();
    assert!(
        left.iter()
            .all(|member| member["user_id"] != json!(fixture.creator.user_id))
    );
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn unknown_person_is_erased_already() {
    let fixture = Fixture::new().await;
    let server = fixture.world.server();
    let before: Vec<Value> = fixture.world.items().await;
    server
        .delete("/v1/server/people/nobody")
        .await
        .expect("204");
    assert_eq!(fixture.world.items().await.len(), before.len());
}
