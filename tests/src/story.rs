//! The main scenario over HTTP, from an organization's creation to its audit log.

use chrono::TimeDelta;
use local::SignIn;
use serde_json::json;

use crate::{
    harness::{World, audit_kinds},
    invariants,
};

#[tokio::test]
async fn story_over_http_has_every_expected_outcome() {
    let world = World::start().await;
    let (a, b, c) = ("ada@example.com", "Bob@Example.com", "carol@example.com");
    let ada = world.sign_in(a);

    // 1. A creates an organization and invites B as admin, with billing emails.
    let acme = ada.create_organization("Acme Images").await;
    let input = json!({"email": b, "role": "admin", "receives_billing_emails": true});
    let invite = ada
        .post(&format!("{acme}/invites"), input)
        .await
        .expect("201");
    assert_eq!(invite["delivery"]["state"], "queued");
    world.drain().await;
    let email = world.stack.emails().pop().unwrap();
    assert!(email.subject.contains("Acme Images"), "{}", email.subject);
    let link = format!("/v1/invites/{}", world.link_token(b));
    let preview = world.nobody().get(&link).await.expect("200");
    assert_eq!(preview["organization_name"], "Acme Images");
    assert_eq!(preview["inviter_name"], "ada");
    assert_eq!(preview["role"], "admin");
    assert_eq!(preview["masked_email"], "b…@example.com");
    assert_eq!(preview["expires_at"], "2026-03-15T12:00:00Z");
    assert!(
        !preview.to_string().to_lowercase().contains("bob@"),
        "{preview}"
    );

    // 2. B cannot accept with an unverified address; verified, B becomes an admin with
    // billing emails.
    let bob = SignIn {
        name: Some("Bob".into()),
        ..SignIn::with_email("bob@example.com")
    };
    let unverified = world.sign_in_as(SignIn {
        email_verified: false,
        ..bob.clone()
    });
    let accept = format!(
        "/v1/account/invites/{}/accept",
        preview["invite_id"].as_str().unwrap()
    );
    let detail = unverified
        .post_empty(&accept)
        .await
        .refused("403 email_not_verified");
    assert!(detail.contains("verify your email address"), "{detail}");
    let bob = world.sign_in_as(bob);
    let mine = bob.get("/v1/account/invites").await.expect("200");
    assert_eq!(mine["items"][0]["organization"]["name"], "Acme Images");
    let accepted = bob.post_empty(&accept).await.expect("200");
    assert_eq!(accepted["member"]["role"], "admin");
    assert_eq!(accepted["member"]["receives_billing_emails"], true);
    let account = bob.get("/v1/account").await.expect("200");
    assert_eq!(account["current_organization"]["name"], "Acme Images");
    world
        .nobody()
        .get(&link)
        .await
        .expect("410 invite_accepted");

    // 3. C declines from the link. A second invite to D's address in another letter case
    // is refused, naming the first.
    bob.invite(&acme, c, "user").await;
    world.drain().await;
    let decline = format!("/v1/invites/{}/decline", world.link_token(c));
    world.nobody().post_empty(&decline).await.expect("204");
    let first = bob.invite(&acme, "dana@example.com", "user").await;
    let again = json!({"email": " DANA@example.COM ", "role": "user"});
    let refusal = bob
        .post(&format!("{acme}/invites"), again)
        .await
        .expect("409 invite_outstanding");
    assert_eq!(refusal["invite_id"], first);
    bob.delete(&format!("{acme}/invites/{first}"))
        .await
        .expect("204");
    let at_once = json!({"email": "Dana@Example.com", "role": "user"});
    bob.post(&format!("{acme}/invites"), at_once)
        .await
        .expect("429 email_limit_reached");
    world.clock.advance(TimeDelta::minutes(1));
    let second = bob.invite(&acme, "Dana@Example.com", "user").await;
    assert_ne!(first, second);

    // 4. The limits of B's authority, as an admin and as an owner.
    let bob_path = format!("{acme}/members/{}", bob.user_id);
    let ada_path = format!("{acme}/members/{}", ada.user_id);
    bob.patch(&bob_path, json!({"role": "owner"}))
        .await
        .refused("403 owner_required");
    let owner_invite = json!({"email": "eve@example.com", "role": "owner"});
    bob.post(&format!("{acme}/invites"), owner_invite)
        .await
        .refused("403 owner_required");
    bob.patch(&acme, json!({"name": "Bob's"}))
        .await
        .refused("403 owner_required");
    ada.patch(&bob_path, json!({"role": "owner"}))
        .await
        .expect("200");
    for input in [
        json!({"role": "admin"}),
        json!({"receives_billing_emails": false}),
    ] {
        bob.patch(&ada_path, input)
            .await
            .refused("403 creator_protected");
    }
    bob.delete(&ada_path).await.refused("403 creator_protected");
    ada.delete(&ada_path).await.refused("403 creator_protected");

    // 5. D accepts, reads the settings, can change nothing, and leaves.
    let dana = world.sign_in("dana@example.com");
    dana.accept(&second).await.expect("200");
    let settings = dana.get(&format!("{acme}/settings")).await.expect("200");
    assert_eq!(settings["may"]["update_organization"]["allowed"], false);
    assert_eq!(settings["may"]["invite"]["roles"], json!([]));
    let members = settings["members"]["items"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    for member in members {
        let is_dana = member["user_id"] == dana.user_id;
        assert_eq!(member["may"]["remove"]["allowed"], is_dana);
        assert_eq!(member["may"]["change_role"]["roles"], json!([]));
    }
    dana.delete(&format!("{acme}/members/{}", dana.user_id))
        .await
        .expect("200");
    dana.get(&acme).await.expect("404 organization_not_found");

    // 6. Two weeks later, unanswered invites have expired.
    ada.invite(&acme, "frank@example.com", "user").await;
    world.drain().await;
    let link = format!("/v1/invites/{}", world.link_token("frank@example.com"));
    world.clock.advance(TimeDelta::days(14));
    let (ada, bob) = (world.sign_in(a), world.sign_in("bob@example.com"));
    let invites = ada.get(&format!("{acme}/invites")).await.expect("200");
    assert_eq!(invites["items"], json!([]));
    world.nobody().get(&link).await.expect("410 invite_expired");
    world.stack.run_schedules().await;
    world.nobody().get(&link).await.expect("410 invite_expired");
    bob.invite(&acme, "frank@example.com", "user").await;

    // 7. The audit log records all of it, in order.
    let expected = [
        "organization.created",
        "member.added",
        "invite.created",
        "invite.accepted",
        "member.added",
        "invite.created",
        "invite.declined",
        "invite.created",
        "invite.cancelled",
        "invite.created",
        "member.role_changed",
        "invite.accepted",
        "member.added",
        "member.removed",
        "invite.created",
        "invite.expired",
        // B's sign-in has a name by now.
        "member.name_changed",
        "invite.created",
    ];
    assert_eq!(audit_kinds(&ada, &acme).await, expected);
    let log = ada
        .get(&format!("{acme}/audit-events?limit=100"))
        .await
        .expect("200");
    let change = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["kind"] == "member.role_changed");
    let change = change.unwrap();
    assert_eq!(change["actor"]["name"], "ada");
    assert_eq!(change["subject"]["id"], bob.user_id);
    assert_eq!(
        change["changes"],
        json!([{"field": "role", "from": "admin", "to": "owner"}])
    );
    invariants::hold(&world).await;
}

/// Point 8: the product's own backend, the creator's hand-over, and the ends.
#[tokio::test]
async fn story_of_the_server_and_of_every_end() {
    let world = World::start().await;
    let server = world.server();
    let (ada, bob) = (
        world.sign_in("ada@example.com"),
        world.sign_in("bob@example.com"),
    );
    let acme = ada.create_organization("Acme Images").await;
    ada.add_member(&acme, &bob, "owner").await;
    let key = ada.create_key(&acme, "Renderer").await;
    let managed = acme.replace("/v1/", "/v1/server/");

    // The server finds the organization by its own id, and reads B's role.
    server
        .patch(&managed, json!({"external_id": "team_42"}))
        .await
        .expect("200");
    let found = server
        .get("/v1/server/organizations?external_id=team_42")
        .await
        .expect("200");
    let id = found["items"][0]["id"].as_str().unwrap();
    assert!(acme.ends_with(id), "{found}");
    let role = server
        .get(&format!("{managed}/members/{}", bob.user_id))
        .await
        .expect("200");
    assert_eq!(role["role"], "owner");

    // It adds E, and sets the plan after a payment.
    let erin = world.sign_in("erin@example.com");
    let row = json!({"user_id": erin.user_id, "email": "erin@example.com", "name": "Erin", "role": "user"});
    let added = server
        .post(&format!("{managed}/members"), json!({"members": [row]}))
        .await;
    assert_eq!(added.expect("200")["items"][0]["outcome"], "added");
    erin.get(&acme).await.expect("200");
    let plan = json!({"plan": "basic", "when": "now"});
    server
        .patch(&format!("{managed}/billing"), plan)
        .await
        .expect("200");

    // Credits are used, and those of a failed render given back.
    let renderer = world.api_client(&key);
    let seen = renderer.get("/v1/api-key").await.expect("200");
    assert_eq!(seen["organization"]["name"], "Acme Images");
    let used = renderer
        .post_once("/v1/usage", "render-1", json!({"credits": 7}))
        .await;
    assert_eq!(used.expect("200")["remaining"], 2993);
    let failed = json!({"idempotency_key": "render-1"});
    renderer
        .post("/v1/usage/refunds", failed)
        .await
        .expect("200");
    let uses = format!("{managed}/usage");
    let clicked = server
        .post_once(&uses, "click-1", json!({"credits": 2}))
        .await;
    assert_eq!(clicked.expect("200")["used"], 2);

    // A hands the creator's place to B and leaves.
    let to = json!({"user_id": bob.user_id});
    ada.put(&format!("{acme}/creator"), to).await.expect("200");
    ada.delete(&format!("{acme}/members/{}", ada.user_id))
        .await
        .expect("200");
    ada.get(&acme).await.expect("404 organization_not_found");

    // B deletes the organization and restores it.
    bob.delete(&acme).await.expect("200");
    erin.get(&acme).await.expect("404 organization_not_found");
    bob.post_empty(&format!("{acme}/restore"))
        .await
        .expect("200");
    erin.get(&acme).await.expect("200");

    // E is erased, and the log names E no more.
    server
        .delete(&format!("/v1/server/people/{}", erin.user_id))
        .await
        .expect("204");
    let log = bob
        .get(&format!("{acme}/audit-events?limit=100"))
        .await
        .expect("200")
        .to_string();
    assert!(
        log.contains(&erin.user_id) && !log.contains("Erin") && !log.contains("erin@"),
        "{log}"
    );
    invariants::hold(&world).await;
}
