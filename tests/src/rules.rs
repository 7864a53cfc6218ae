//! Rules that no other module tests.

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    harness::{Fixture, World},
    invariants,
};

#[tokio::test]
async fn existing_member_accepting_an_invite_keeps_their_role() {
    let fixture = Fixture::new().await;
    // The same person now signs in with the invited address.
    let ulla = fixture.world.sign_in_as(local::SignIn {
        user_id: fixture.user.user_id.clone(),
        ..local::SignIn::with_email("dana@example.com")
    });
    let path = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    fixture
        .owner
        .patch(&path, json!({"role": "owner"}))
        .await
        .expect("200");
    let detail = ulla
        .accept(&fixture.invite_id)
        .await
        .refused("409 already_member");
    assert!(detail.contains("your role stays as it is"), "{detail}");
    let me = ulla.get(&fixture.organization).await.expect("200");
    assert_eq!(me["role"], "user");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn invite_to_a_member_in_any_spelling_is_refused() {
    let fixture = Fixture::new().await;
    let path = format!("{}/invites", fixture.organization);
    for email in ["ulla@example.com", " ULLA@Example.COM", "Ada@example.com"] {
        let input = json!({"email": email, "role": "user"});
        let detail = fixture
            .owner
            .post(&path, input)
            .await
            .refused("409 already_member");
        assert!(
            detail.contains('…') && !detail.to_lowercase().contains("ulla@"),
            "{detail}"
        );
    }
    // A former member can be invited again and returns with the role of the new invite.
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.user.delete(&member).await.expect("200");
    fixture
        .owner
        .add_member(&fixture.organization, &fixture.user, "admin")
        .await;
    assert_eq!(
        fixture.user.get(&fixture.organization).await.expect("200")["role"],
        "admin"
    );
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn idn_and_punycode_domains_are_the_same_address() {
    let fixture = Fixture::new().await;
    fixture
        .owner
        .invite(&fixture.organization, "jo@bücher.example", "user")
        .await;
    let input = json!({"email": "JO@XN--BCHER-KVA.example", "role": "user"});
    let path = format!("{}/invites", fixture.organization);
    fixture
        .owner
        .post(&path, input)
        .await
        .refused("409 invite_outstanding");
    fixture.world.drain().await;
    let sent = fixture.world.stack.emails().pop().unwrap();
    assert_eq!(sent.to, ["jo@xn--bcher-kva.example"]);
    let list = fixture.owner.get(&path).await.expect("200");
    assert_eq!(list["items"][1]["email"], "jo@bücher.example");
}

#[tokio::test]
async fn invite_of_a_demoted_inviter_needs_resend() {
    let fixture = Fixture::new().await;
    let id = fixture
        .admin
        .invite(&fixture.organization, "fred@example.com", "admin")
        .await;
    let fred = fixture.world.sign_in("fred@example.com");
    let anna = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
    fixture
        .owner
        .patch(&anna, json!({"role": "user"}))
        .await
        .expect("200");
    fred.accept(&id).await.refused("409 invite_needs_resend");
    fixture.world.clock.advance(TimeDelta::minutes(1));
    fixture
        .owner
        .post_empty(&format!("{}/invites/{id}/resend", fixture.organization))
        .await
        .expect("200");
    let accepted = fred.accept(&id).await.expect("200");
    assert_eq!(accepted["member"]["role"], "admin");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn admin_may_cancel_but_not_change_an_owner_invite() {
    let fixture = Fixture::new().await;
    let id = fixture
        .owner
        .invite(&fixture.organization, "boss@example.com", "owner")
        .await;
    fixture.world.clock.advance(TimeDelta::minutes(1));
    let path = format!("{}/invites/{id}", fixture.organization);
    fixture
        .admin
        .post_empty(&format!("{path}/resend"))
        .await
        .refused("403 owner_required");
    fixture
        .admin
        .patch(&path, json!({"role": "user"}))
        .await
        .refused("403 owner_required");
    fixture
        .admin
        .patch(&path, json!({"receives_billing_emails": true}))
        .await
        .refused("403 owner_required");
    fixture.admin.delete(&path).await.expect("204");
    // Cancelling is idempotent.
    fixture.admin.delete(&path).await.expect("204");
}

#[tokio::test]
async fn partly_forbidden_member_update_changes_nothing() {
    let fixture = Fixture::new().await;
    let path = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    let input = json!({"receives_billing_emails": true, "role": "owner"});
    fixture
        .admin
        .patch(&path, input)
        .await
        .refused("403 owner_required");
    let members = fixture
        .admin
        .get(&format!("{}/members", fixture.organization))
        .await
        .expect("200");
    let ulla = members["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["user_id"] == fixture.user.user_id);
    assert_eq!(ulla.unwrap()["receives_billing_emails"], false);
}

#[tokio::test]
async fn update_without_a_change_records_no_event() {
    let fixture = Fixture::new().await;
    let log = format!("{}/audit-events?limit=100", fixture.organization);
    let before = fixture.owner.get(&log).await.expect("200");
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture
        .owner
        .patch(&member, json!({"role": "user"}))
        .await
        .expect("200");
    fixture
        .owner
        .patch(&fixture.organization, json!({"name": "Acme"}))
        .await
        .expect("200");
    let invite = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    fixture
        .owner
        .patch(&invite, json!({"role": "user"}))
        .await
        .expect("200");
    assert_eq!(fixture.owner.get(&log).await.expect("200"), before);
}

#[tokio::test]
async fn current_organization_follows_switch_and_leave() {
    let fixture = Fixture::new().await;
    let account = fixture.user.get("/v1/account").await.expect("200");
    assert_eq!(account["current_organization"]["name"], "Acme");
    fixture.user.create_organization("Ulla's").await;
    let account = fixture.user.get("/v1/account").await.expect("200");
    assert_eq!(account["current_organization"]["name"], "Ulla's");
    let switch = json!({"organization_id": fixture.organization_id()});
    let account = fixture
        .user
        .put("/v1/account/current-organization", switch)
        .await
        .expect("200");
    assert_eq!(account["current_organization"]["role"], "user");
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.user.delete(&member).await.expect("200");
    let account = fixture.user.get("/v1/account").await.expect("200");
    assert!(account["current_organization"].is_null(), "{account}");
    let mine = fixture.user.get("/v1/organizations").await.expect("200");
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn authority_comes_from_the_path_not_the_current_organization() {
    let fixture = Fixture::new().await;
    // Ulla owns her current organization and is a user of the one in the path.
    fixture.user.create_organization("Ulla's").await;
    fixture
        .user
        .patch(&fixture.organization, json!({"name": "Mine"}))
        .await
        .refused("403 owner_required");
}

#[tokio::test]
async fn idempotency_key_is_valid_per_person_for_one_day() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let create = async |person: &crate::harness::Session| {
        let body = json!({"name": "Acme"}).to_string();
        let key = [("idempotency-key", "k-1")];
        person
            .send_with(reqwest::Method::POST, "/v1/organizations", Some(body), &key)
            .await
            .expect("201")
    };
    let first = create(&ada).await;
    assert_eq!(create(&ada).await, first);
    let bob = world.sign_in("bob@example.com");
    assert_ne!(create(&bob).await["id"], first["id"]);
    world.clock.advance(TimeDelta::hours(24));
    let ada = world.sign_in("ada@example.com");
    assert_ne!(create(&ada).await["id"], first["id"]);
    invariants::hold(&world).await;
}

#[tokio::test]
async fn billing_emails_of_the_creator_cannot_be_turned_off() {
    let fixture = Fixture::new().await;
    let path = format!("{}/members/{}", fixture.organization, fixture.owner.user_id);
    let changed = fixture
        .admin
        .patch(&path, json!({"receives_billing_emails": true}))
        .await
        .expect("200");
    assert_eq!(changed["receives_billing_emails"], true);
    let ada = format!(
        "{}/members/{}",
        fixture.organization, fixture.creator.user_id
    );
    let off = json!({"receives_billing_emails": false});
    for caller in [&fixture.creator, &fixture.owner, &fixture.admin] {
        let detail = caller
            .patch(&ada, off.clone())
            .await
            .refused("403 creator_protected");
        assert!(
            detail.contains("always receives billing emails"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn stored_log_has_no_addresses_and_the_table_no_links() {
    let fixture = Fixture::new().await;
    let token = fixture.world.link_token("dana@example.com");
    let items = fixture.world.items().await;
    assert!(!items.is_empty());
    for item in items {
        let json = item.to_string();
        assert!(!json.contains(&token), "the table holds a link: {json}");
        let is_logged = item["pk"]["S"].as_str().unwrap().starts_with("AUDIT#");
        assert!(!is_logged || !json.contains('@'), "an address: {json}");
    }
}

#[tokio::test]
async fn person_without_an_email_is_refused() {
    let world = World::start().await;
    let nameless = local::SignIn {
        user_id: "x".into(),
        email: None,
        email_verified: false,
        name: None,
    };
    let nameless = world.sign_in_as(nameless);
    nameless.get("/v1/account").await.expect("200");
    let input = json!({"name": "Acme"});
    nameless
        .post("/v1/organizations", input)
        .await
        .refused("403 email_required");
    nameless
        .get("/v1/account/invites")
        .await
        .refused("403 email_required");
}
