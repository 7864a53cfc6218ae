//! Several invites at once, and repeated requests that create invites.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{harness::Fixture, invariants, limits::emails_to, wire::Fault};

fn rows(emails: &[&str]) -> Value {
    let rows = emails.iter();
    let rows = rows.map(|email| json!({"email": email, "role": "user"}));
    json!({ "invites": rows.collect::<Vec<_>>() })
}

fn batch(fixture: &Fixture) -> String {
    format!("{}/invites/batch", fixture.organization)
}

/// Returns the outcome of each row, with its code.
fn outcomes(view: &Value) -> Vec<String> {
    let items = view["items"].as_array().unwrap().iter();
    let texts = items.map(|row| {
        let code = row["code"].as_str().unwrap_or_default();
        format!("{} {code}", row["outcome"].as_str().unwrap())
    });
    texts.map(|text| text.trim().to_owned()).collect()
}

fn ids(view: &Value) -> Vec<&Value> {
    let items = view["items"].as_array().unwrap().iter();
    items.map(|row| &row["invite"]["id"]).collect()
}

#[tokio::test]
async fn each_row_of_a_batch_has_its_own_result() {
    let fixture = Fixture::new().await;
    let body = json!({"invites": [
        {"email": "New.Person@Example.com", "role": "admin", "receives_billing_emails": true},
        {"email": "not an address", "role": "user"},
        {"email": "ulla@example.com", "role": "user"},
        {"email": "dana@example.com", "role": "user"},
        {"email": "boss@example.com", "role": "owner"},
        {"email": "new.person@example.com", "role": "user"},
        {"email": "last@example.com", "role": "user"},
    ]});
    let view = fixture
        .admin
        .post(&batch(&fixture), body)
        .await
        .expect("200");
    assert_eq!(
        outcomes(&view),
        [
            "created",
            "refused invalid_request",
            "refused already_member",
            "refused invite_outstanding",
            "refused owner_required",
            "refused invite_outstanding",
            "created",
        ]
    );
    let first = &view["items"][0];
    assert_eq!(first["email"], "New.Person@Example.com");
    assert_eq!(first["invite"]["role"], "admin");
    assert_eq!(first["invite"]["receives_billing_emails"], true);
    let detail = view["items"][1]["detail"].as_str().unwrap();
    assert!(detail.starts_with("`email` "), "{detail}");
    for (email, count) in [
        ("new.person@example.com", 1),
        ("last@example.com", 1),
        ("boss@example.com", 0),
    ] {
        assert_eq!(emails_to(&fixture.world, email).await, count, "{email}");
    }
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn repeated_batch_returns_the_same_invites_and_sends_nothing() {
    let fixture = Fixture::new().await;
    let path = batch(&fixture);
    let few = rows(&["a@example.com"]);
    let all = rows(&["a@example.com", "b@example.com", "B@example.com"]);
    let first = fixture
        .owner
        .post_once(&path, "one", few)
        .await
        .expect("200");
    let second = fixture
        .owner
        .post_once(&path, "one", all.clone())
        .await
        .expect("200");
    let third = fixture
        .owner
        .post_once(&path, "one", all.clone())
        .await
        .expect("200");
    assert_eq!(outcomes(&second), ["created"; 3]);
    assert_eq!(ids(&first)[0], ids(&second)[0]);
    assert_eq!(ids(&second), ids(&third));
    assert_ne!(ids(&second)[0], ids(&second)[1]);
    assert_eq!(ids(&second)[1], ids(&second)[2]);
    // Another key or another caller is another request.
    let other = fixture
        .owner
        .post_once(&path, "two", all.clone())
        .await
        .expect("200");
    assert_eq!(outcomes(&other), ["refused invite_outstanding"; 3]);
    let other = fixture
        .admin
        .post_once(&path, "one", all)
        .await
        .expect("200");
    assert_eq!(outcomes(&other), ["refused invite_outstanding"; 3]);
    for email in ["a@example.com", "b@example.com"] {
        assert_eq!(emails_to(&fixture.world, email).await, 1, "{email}");
    }
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn repeated_invite_with_an_idempotency_key_is_the_same() {
    let fixture = Fixture::new().await;
    let path = format!("{}/invites", fixture.organization);
    let body = json!({"email": "new@example.com", "role": "user"});
    let first = fixture
        .owner
        .post_once(&path, "k", body.clone())
        .await
        .expect("201");
    let again = fixture
        .owner
        .post_once(&path, "k", body.clone())
        .await
        .expect("201");
    assert_eq!(first, again);
    fixture
        .owner
        .post_once(&path, "l", body.clone())
        .await
        .expect("409 invite_outstanding");
    fixture
        .owner
        .post(&path, body.clone())
        .await
        .expect("409 invite_outstanding");
    let day = TimeDelta::hours(24) - TimeDelta::milliseconds(1);
    fixture.world.clock.advance(day);
    let owner = fixture.world.sign_in("olga@example.com");
    owner
        .post_once(&path, "k", body.clone())
        .await
        .expect("201");
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    let late = owner.post_once(&path, "k", body).await;
    late.expect("409 invite_outstanding");
    let invalid = owner.post_once(
        &path,
        "a b",
        json!({"email": "x@example.com", "role": "user"}),
    );
    let invalid = invalid.await;
    assert_eq!(invalid.outcome(), "400 invalid_request");
    assert_eq!(invalid.body["field"], "idempotency-key");
}

#[tokio::test]
async fn limits_count_each_row_of_a_batch() {
    let fixture = Fixture::new().await;
    let emails: Vec<String> = (0..100).map(|n| format!("guest{n}@example.com")).collect();
    let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
    let view = fixture
        .owner
        .post(&batch(&fixture), rows(&emails))
        .await
        .expect("200");
    let outcomes = outcomes(&view);
    let created = outcomes.iter().take_while(|outcome| *outcome == "created");
    // The fixture has sent four emails of the 50 on the first day.
    let created = created.count();
    assert_eq!(created, 46);
    assert!(
        outcomes[created..]
            .iter()
            .all(|outcome| outcome == "refused email_limit_reached")
    );
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn batch_stopped_by_a_fault_is_completed_by_repeating_it() {
    let fixture = Fixture::new().await;
    let body = rows(&["a@example.com", "b@example.com", "c@example.com"]);
    let path = batch(&fixture);
    let internal = Fault::Cancelled(&["ValidationError"]);
    fixture
        .world
        .wire
        .fail_action("TransactWriteItems", 1, 1, internal);
    let view = fixture
        .owner
        .post_once(&path, "k", body.clone())
        .await
        .expect("200");
    assert_eq!(
        outcomes(&view),
        [
            "created",
            "not_tried internal_error",
            "not_tried internal_error"
        ]
    );
    fixture.world.wire.heal();
    let view = fixture
        .owner
        .post_once(&path, "k", body.clone())
        .await
        .expect("200");
    assert_eq!(outcomes(&view), ["created"; 3]);
    assert_eq!(emails_to(&fixture.world, "a@example.com").await, 1);

    // If nothing was created, the request fails as a whole.
    let fixture = Fixture::new().await;
    fixture
        .world
        .wire
        .fail_action("TransactWriteItems", 0, 1, internal);
    let failed = fixture.owner.post_once(&batch(&fixture), "k", body).await;
    failed.expect("500 internal_error");
}

#[tokio::test]
async fn invalid_batch_is_refused_with_the_field() {
    let fixture = Fixture::new().await;
    let many: Vec<String> = (0..101).map(|n| format!("guest{n}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (body, field) in [
        (json!({}), "invites"),
        (rows(&[]), "invites"),
        (rows(&many), "invites"),
        (json!({"invites": "a@example.com"}), "invites"),
        (
            json!({"invites": [{"email": "a@example.com"}]}),
            "invites[0].role",
        ),
        (
            json!({"invites": [{"email": 1, "role": "user"}]}),
            "invites[0].email",
        ),
        (
            json!({"invites": [{"email": "a@example.com", "role": "king"}]}),
            "invites[0].role",
        ),
        (
            json!({"invites": [{"email": "a@example.com", "role": "user", "x": 1}]}),
            "invites[0].x",
        ),
    ] {
        let reply = fixture.owner.post(&batch(&fixture), body.clone()).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "{body}");
        assert_eq!(reply.body["field"], field, "{body}");
    }
}

#[tokio::test]
async fn server_invites_several_people() {
    let fixture = Fixture::new().await;
    let path = format!("{}/invites/batch", fixture.managed());
    let server = fixture.world.server();
    let body = rows(&["a@example.com", "b@example.com"]);
    for _ in 0..2 {
        let view = server
            .post_once(&path, "import-1", body.clone())
            .await
            .expect("200");
        assert_eq!(outcomes(&view), ["created"; 2]);
        assert_eq!(view["items"][0]["invite"]["invited_by"], Value::Null);
    }
}
