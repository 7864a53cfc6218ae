//! People as the identity provider describes them: their addresses, names and ids.

use chrono::TimeDelta;
use local::SignIn;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    access,
    costs::{Cost, cost_of},
    harness::{Fixture, Session, World, audit_kinds},
    invariants, races,
};

/// Puts records of a member's and of an invite's address in 600 organizations into the
/// table, as if the address was in all of them, now or earlier.
async fn elsewhere(fixture: &Fixture, email: &str) {
    let disabled = json!({"StreamSpecification": {"StreamEnabled": false}});
    fixture.world.dynamodb("UpdateTable", disabled).await;
    let records: Vec<Value> = (0..300)
        .flat_map(|n| {
            let id = |kind: u8| format!("0192{kind:04}-0000-7000-8000-{n:012}");
            let record = |kind: u8, sk: String, holder: Value| {
                json!({"PutRequest": {"Item": {
                    "pk": {"S": format!("EMAIL#{email}")},
                    "sk": {"S": sk},
                    "organization_id": {"S": id(kind)},
                    "invite_id": {"S": id(9)},
                    "email": {"S": email},
                    "ended_at": {"S": "2026-03-01T12:00:00Z"},
                    "holder": {"M": holder},
                    "version": {"N": "1"},
                }}})
            };
            let member = json!({"kind": {"S": "member"}, "user_id": {"S": "somebody"}});
            let ended = json!({
                "kind": {"S": "ended"},
                "invite_id": {"S": id(9)},
                "outcome": {"S": "cancelled"},
                "at": {"S": "2026-03-01T12:00:00Z"},
            });
            [
                record(1, format!("ORG#{}", id(1)), member),
                record(2, format!("ORG#{}", id(2)), ended),
                record(2, format!("ENDED_INVITE#{}", id(9)), json!({})),
            ]
        })
        .collect();
    for chunk in records.chunks(25) {
        let request = json!({"RequestItems": {"organizations": chunk}});
        fixture.world.dynamodb("BatchWriteItem", request).await;
    }
    fixture.world.wire.take();
}

#[tokio::test]
async fn invite_is_listed_first_in_600_other_organizations() {
    let fixture = Fixture::new().await;
    elsewhere(&fixture, "dana@example.com").await;
    let mine = fixture
        .dana
        .get("/v1/account/invites?limit=1")
        .await
        .expect("200");
    assert_eq!(mine["items"][0]["id"], fixture.invite_id, "{mine}");
    assert_eq!(mine["next_cursor"], Value::Null);
}

#[tokio::test]
async fn answer_costs_the_same_in_600_other_organizations() {
    for operation in ["list-my-invites", "accept-invite", "decline-invite"] {
        let alone = cost_of(access::access(operation), &Fixture::new().await).await;
        let fixture = Fixture::new().await;
        elsewhere(&fixture, "dana@example.com").await;
        let among_others = cost_of(access::access(operation), &fixture).await;
        assert_eq!(among_others, alone, "{operation}");
    }
}

#[tokio::test]
async fn unknown_invite_costs_two_reads_in_600_organizations() {
    let fixture = Fixture::new().await;
    elsewhere(&fixture, "dana@example.com").await;
    let unknown = "01930000-0000-7000-8000-00000000ffff";
    let reply = fixture.dana.accept(unknown).await;
    reply.expect("404 invite_not_found");
    let cost = Cost::of(&fixture.world.wire.take());
    assert_eq!((cost.rounds, cost.units), (2, 2.0));
}

#[tokio::test]
async fn invite_resent_by_another_member_can_be_accepted() {
    let fixture = Fixture::new().await;
    let resend = format!(
        "{}/invites/{}/resend",
        fixture.organization, fixture.invite_id
    );
    fixture.owner.post_empty(&resend).await.expect("200");
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
}

#[tokio::test]
async fn earlier_invite_tells_its_outcome_after_a_newer_one() {
    let fixture = Fixture::new().await;
    let invite = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    fixture.creator.delete(&invite).await.expect("204");
    let newer = fixture
        .creator
        .invite(&fixture.organization, "dana@example.com", "user")
        .await;
    let refused = fixture.dana.accept(&fixture.invite_id).await;
    refused.expect("410 invite_cancelled");
    fixture.dana.accept(&newer).await.expect("200");
    let refused = fixture.dana.accept(&fixture.invite_id).await;
    refused.expect("410 invite_cancelled");
    fixture.dana.accept(&newer).await.expect("200");
}

impl Fixture {
    /// Signs the creator in a second later, with another verified address.
    fn creator_as(&self, email: &str) -> Session {
        self.world.clock.advance(TimeDelta::seconds(1));
        self.world.with_address(&self.creator, email)
    }

    /// Reads the caller's membership in the settings.
    async fn settings(&self, caller: &Session) -> Value {
        let path = format!("{}/settings", self.organization);
        caller.get(&path).await.expect("200")
    }

    /// Counts the events of a kind in the audit log.
    async fn count(&self, kind: &str) -> usize {
        let kinds = audit_kinds(&self.owner, &self.organization).await;
        kinds.iter().filter(|logged| *logged == kind).count()
    }
}

#[tokio::test]
async fn changed_address_takes_over_at_the_next_visit() {
    let fixture = Fixture::new().await;
    let ada = fixture.creator_as("ada.new@example.com");
    let settings = fixture.settings(&ada).await;
    assert_eq!(settings["me"]["email"], "ada.new@example.com");
    assert_eq!(settings["email_in_use"], Value::Null);
    let members = settings["members"]["items"].as_array().unwrap();
    let listed = members
        .iter()
        .filter(|m| m["email"] == "ada.new@example.com");
    assert_eq!(listed.count(), 1);
    assert_eq!(fixture.count("member.email_changed").await, 1);
    invariants::hold(&fixture.world).await;

    // The old address is free, and the new one is taken.
    let invite = |email| json!({"email": email, "role": "user"});
    let path = format!("{}/invites", fixture.organization);
    let refused = ada.post(&path, invite("ada.new@example.com")).await;
    refused.expect("409 already_member");
    let free = ada.post(&path, invite("ada@example.com")).await;
    free.expect("201");

    let before = fixture.world.stack.emails().len();
    fixture
        .payment_event("billing.payment_failed", json!({}))
        .await;
    fixture.world.drain().await;
    let emails = fixture.world.stack.emails();
    let recipients: Vec<&String> = emails[before..].iter().flat_map(|sent| &sent.to).collect();
    assert!(recipients.contains(&&"ada.new@example.com".to_owned()));
    let last = emails.iter().filter(|sent| sent.subject.contains("ayment"));
    assert!(
        last.flat_map(|sent| &sent.to)
            .all(|to| to != "ada@example.com")
    );
}

#[tokio::test]
async fn changed_address_takes_over_with_any_request() {
    let lists = [
        "",
        "/members",
        "/invites",
        "/api-keys",
        "/audit-events",
        "/billing",
        "/usage",
    ];
    for path in lists {
        let fixture = Fixture::new().await;
        let ada = fixture.creator_as("ada.new@example.com");
        let path = format!("{}{path}", fixture.organization);
        let answer = ada.get(&path).await.expect("200");
        if path.ends_with("/members") {
            assert!(answer.to_string().contains("ada.new@example.com"));
        }
        assert_eq!(fixture.count("member.email_changed").await, 1, "{path}");
    }
}

#[tokio::test]
async fn unverified_new_address_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.world.clock.advance(TimeDelta::seconds(1));
    let unverified = fixture.world.sign_in_as(SignIn {
        user_id: fixture.creator.user_id.clone(),
        email_verified: false,
        ..SignIn::with_email("victim@example.com")
    });
    let settings = fixture.settings(&unverified).await;
    assert_eq!(settings["me"]["email"], "ada@example.com");
    assert_eq!(settings["me"]["name"], "ada");
    assert_eq!(fixture.count("member.email_changed").await, 0);
}

#[tokio::test]
async fn changed_name_takes_over_and_a_missing_one_does_not() {
    let fixture = Fixture::new().await;
    fixture.world.clock.advance(TimeDelta::seconds(1));
    let renamed = fixture.world.sign_in_as(SignIn {
        name: Some("Ada Lovelace".to_owned()),
        ..SignIn::with_email("ada@example.com")
    });
    let settings = fixture.settings(&renamed).await;
    assert_eq!(settings["me"]["name"], "Ada Lovelace");
    let nameless = fixture.creator_as("ada@example.com");
    let settings = fixture.settings(&nameless).await;
    assert_eq!(settings["me"]["name"], "Ada Lovelace");
    assert_eq!(fixture.count("member.name_changed").await, 1);
    assert_eq!(fixture.count("member.email_changed").await, 0);
}

#[tokio::test]
async fn earlier_token_never_takes_back_the_address() {
    let fixture = Fixture::new().await;
    let ada = fixture.creator_as("ada.new@example.com");
    fixture.settings(&ada).await;
    for _ in 0..3 {
        let settings = fixture.settings(&fixture.creator).await;
        assert_eq!(settings["me"]["email"], "ada.new@example.com");
        assert_eq!(settings["email_in_use"], Value::Null);
        fixture.settings(&ada).await;
    }
    assert_eq!(fixture.count("member.email_changed").await, 1);
}

#[tokio::test]
async fn address_of_another_member_is_not_taken_over() {
    let fixture = Fixture::new().await;
    let ada = fixture.creator_as("olga@example.com");
    let settings = fixture.settings(&ada).await;
    assert_eq!(settings["me"]["email"], "ada@example.com");
    assert_eq!(settings["email_in_use"], "olga@example.com");
    // The same token does not try again.
    fixture.world.wire.take();
    fixture.settings(&ada).await;
    assert_eq!(Cost::of(&fixture.world.wire.take()).rounds, 1);
    invariants::hold(&fixture.world).await;

    let member = format!("{}/members/{}", fixture.organization, fixture.owner.user_id);
    fixture.owner.delete(&member).await.expect("200");
    let ada = fixture.creator_as("olga@example.com");
    let settings = fixture.settings(&ada).await;
    assert_eq!(settings["me"]["email"], "olga@example.com");
    assert_eq!(settings["email_in_use"], Value::Null);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn invite_to_the_own_new_address_ends_declined() {
    let fixture = Fixture::new().await;
    let ada = fixture.creator_as("dana@example.com");
    let settings = fixture.settings(&ada).await;
    assert_eq!(settings["me"]["email"], "dana@example.com");
    assert_eq!(settings["me"]["role"], "owner");
    assert_eq!(settings["invites"]["items"], json!([]));
    let mine = ada.get("/v1/account/invites").await.expect("200");
    assert_eq!(mine["items"], json!([]));
    let refused = ada.accept(&fixture.invite_id).await;
    refused.expect("410 invite_declined");
    assert_eq!(fixture.count("invite.declined").await, 1);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn requests_at_once_take_over_once() {
    let fixture = Fixture::new().await;
    let ada = fixture.creator_as("ada.new@example.com");
    let get = |path: &str| {
        let path = format!("{}{path}", fixture.organization);
        races::request(&ada, Method::GET, path, None)
    };
    let (one, two) = races::interleave(&fixture.world, get("/settings"), get("/members")).await;
    assert_eq!((one.as_str(), two.as_str()), ("200", "200"));
    assert_eq!(fixture.count("member.email_changed").await, 1);
}

#[tokio::test]
async fn address_taken_during_the_take_over_is_kept_from_it() {
    let fixture = Fixture::new().await;
    let ada = fixture.creator_as("dana@example.com");
    let path = format!("{}/settings", fixture.organization);
    let visit = races::request(&ada, Method::GET, path, None);
    let accept = format!("/v1/account/invites/{}/accept", fixture.invite_id);
    let accept = races::request(&fixture.dana, Method::POST, accept, None);
    let (visit, accept) = races::interleave(&fixture.world, visit, accept).await;
    assert_eq!((visit.as_str(), accept.as_str()), ("200", "200"));
    let settings = fixture.settings(&ada).await;
    assert_eq!(settings["me"]["email"], "ada@example.com");
    assert_eq!(settings["email_in_use"], "dana@example.com");
}

impl World {
    /// Returns a session with some claims of a sign-in changed; null removes one.
    fn with_claims(&self, email: &str, changes: &[(&str, Value)]) -> Session {
        let person = SignIn::with_email(email);
        let mut claims = self.stack.issuer().claims(&person);
        for (name, value) in changes {
            match value {
                Value::Null => claims.remove(*name),
                value => claims.insert((*name).to_owned(), value.clone()),
            };
        }
        let user_id = claims["sub"].as_str().unwrap_or_default().to_owned();
        let token = self.stack.issuer().sign(claims);
        self.with_token(Some(token), user_id, email.to_owned())
    }
}

#[tokio::test]
async fn trusted_provider_needs_no_claim_of_verification() {
    let missing = [("email_verified", Value::Null)];
    let create = json!({"name": "Acme"});
    let world = World::start_with_trusted_emails().await;
    let ada = world.with_claims("ada@example.com", &missing);
    ada.create_organization("Acme").await;
    let account = ada.get("/v1/account").await.expect("200");
    assert_eq!(account["email_verified"], true);
    // What the provider denies is not verified.
    for value in [json!(false), json!("false"), json!("")] {
        let denied = world.with_claims("bob@example.com", &[("email_verified", value)]);
        let refused = denied.post("/v1/organizations", create.clone()).await;
        refused.expect("403 email_not_verified");
    }
    let world = World::start().await;
    let ada = world.with_claims("ada@example.com", &missing);
    let refused = ada.post("/v1/organizations", create).await;
    refused.expect("403 email_not_verified");
}

#[tokio::test]
async fn user_id_with_a_space_works_everywhere() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    let john = world.with_claims("john@example.com", &[("sub", json!("f:3c1b:John Doe"))]);
    fixture
        .creator
        .add_member(&fixture.organization, &john, "user")
        .await;
    let path = format!("{}/members/f:3c1b:John%20Doe", fixture.organization);
    let role = json!({"role": "admin"});
    let updated = fixture.owner.patch(&path, role).await.expect("200");
    assert_eq!(updated["user_id"], "f:3c1b:John Doe");
    let settings = fixture.settings(&john).await;
    assert_eq!(settings["me"]["role"], "admin");
    invariants::hold(world).await;
    fixture.owner.delete(&path).await.expect("200");
    let gone = john.get(&fixture.organization).await;
    gone.expect("404 organization_not_found");
}

#[tokio::test]
async fn unusable_token_is_refused_in_words() {
    let fixture = Fixture::new().await;
    for (claim, value, words) in [
        ("sub", json!("ädä"), "ASCII"),
        ("token_use", json!("access"), "id token"),
        ("typ", json!("Bearer"), "id token"),
    ] {
        let caller = fixture
            .world
            .with_claims("ada@example.com", &[(claim, value)]);
        for path in ["/v1/account", &fixture.organization] {
            let detail = caller.get(path).await.refused("401 not_signed_in");
            assert!(detail.contains(words), "{detail}");
        }
    }
    let id = [("token_use", json!("id")), ("typ", json!("ID"))];
    let caller = fixture.world.with_claims("ada@example.com", &id);
    caller.get("/v1/account").await.expect("200");
}

#[tokio::test]
async fn address_that_may_be_another_mailbox_is_unusable() {
    let fixture = Fixture::new().await;
    let world = &fixture.world;
    let mallory = world.with_claims("mallory@straße.example", &[]);
    let account = mallory.get("/v1/account").await.expect("200");
    assert_eq!(account["email"], Value::Null);
    let mine = mallory.get("/v1/account/invites").await;
    mine.expect("403 email_required");
    let ascii = world.sign_in("dana@xn--strae-oqa.example");
    fixture
        .creator
        .add_member(&fixture.organization, &ascii, "user")
        .await;
}

/// Returns the events of a kind in the log, newest first.
async fn events(reader: &Session, organization: &str, kind: &str) -> Vec<Value> {
    let path = format!("{organization}/audit-events?limit=100");
    let log = reader.get(&path).await.expect("200");
    let events = log["items"].as_array().unwrap().iter();
    events
        .filter(|event| event["kind"] == kind)
        .cloned()
        .collect()
}

#[tokio::test]
async fn log_shows_people_as_they_are_now() {
    let fixture = Fixture::new().await;
    fixture.world.clock.advance(TimeDelta::seconds(1));
    let ada = fixture.world.sign_in_as(SignIn {
        user_id: fixture.creator.user_id.clone(),
        name: Some("Ada Lovelace".to_owned()),
        ..SignIn::with_email("ada.new@example.com")
    });
    let created = events(&ada, &fixture.organization, "organization.created").await;
    let actor = json!({
        "kind": "person",
        "user_id": ada.user_id,
        "name": "Ada Lovelace",
        "email": "ada.new@example.com",
    });
    assert_eq!(created[0]["actor"], actor);
    assert_eq!(created[0]["subject"]["name"], "Acme");

    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.owner.delete(&member).await.expect("200");
    let removed = events(&ada, &fixture.organization, "member.removed").await;
    let ulla = json!({
        "kind": "member",
        "id": fixture.user.user_id,
        "name": "ulla",
    });
    assert_eq!(removed[0]["subject"], ulla);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn log_does_not_name_a_person_without_a_profile() {
    let fixture = Fixture::new().await;
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.owner.delete(&member).await.expect("200");
    let profile = json!({"Key": {
        "pk": {"S": format!("USER#{}", fixture.user.user_id)},
        "sk": {"S": "PROFILE"},
    }});
    fixture.world.dynamodb("DeleteItem", profile).await;
    let removed = events(&fixture.owner, &fixture.organization, "member.removed").await;
    let erased = json!({
        "kind": "member",
        "id": fixture.user.user_id,
        "name": null,
    });
    assert_eq!(removed[0]["subject"], erased);
}

#[tokio::test]
async fn log_shows_the_address_of_an_invite_while_it_is_kept() {
    let fixture = Fixture::new().await;
    let subject = async || {
        let owner = fixture.world.sign_in("olga@example.com");
        let created = events(&owner, &fixture.organization, "invite.created").await;
        let subject = |event: &Value| event["subject"].clone();
        let mut subjects = created.iter().map(subject);
        subjects
            .find(|subject| subject["id"] == fixture.invite_id)
            .unwrap()
    };
    let kept = subject().await;
    assert_eq!(kept["email"], "dana@example.com");
    assert_eq!(kept["name"], Value::Null);
    let decline = format!("/v1/account/invites/{}/decline", fixture.invite_id);
    fixture.dana.post_empty(&decline).await.expect("204");
    assert_eq!(subject().await["email"], "dana@example.com");
    fixture.world.clock.advance(TimeDelta::days(31));
    fixture.world.stack.sweep_ttl().unwrap();
    assert_eq!(subject().await["email"], Value::Null);
}
