//! Lists by a choice: ended invites, and parts of the audit log.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Fixture, Session};

/// Returns the items of a list, read page by page.
async fn items(reader: &Session, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut from = String::new();
    loop {
        let page = reader.get(&format!("{path}{from}")).await.expect("200");
        items.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            return items;
        };
        from = format!("&cursor={cursor}");
    }
}

fn texts<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    let texts = items.iter().map(|item| item[field].as_str().unwrap());
    texts.collect()
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[tokio::test]
async fn ended_invites_are_listed_newest_first_with_their_end() {
    let fixture = Fixture::new().await;
    let invites = format!("{}/invites", fixture.organization);
    let mut ids = Vec::new();
    for name in ["eve", "finn", "gina"] {
        let invite = json!({"email": format!("{name}@example.com"), "role": "user"});
        let made = fixture.admin.post(&invites, invite).await.expect("201");
        assert_eq!(made["status"], "pending");
        assert_eq!(made["ended_at"], Value::Null);
        ids.push(made["id"].as_str().unwrap().to_owned());
        fixture.world.clock.advance(TimeDelta::seconds(1));
    }
    let cancel = format!("{invites}/{}", ids[0]);
    fixture.admin.delete(&cancel).await.expect("204");
    let finn = fixture.world.sign_in("finn@example.com");
    let decline = format!("/v1/account/invites/{}/decline", ids[1]);
    finn.post_empty(&decline).await.expect("204");
    let gina = fixture.world.sign_in("gina@example.com");
    gina.accept(&ids[2]).await.expect("200");
    let dana = &fixture.invite_id;
    fixture.world.clock.advance(TimeDelta::days(15));
    fixture.world.stack.run_schedules().await;

    let user = fixture.world.sign_in("ulla@example.com");
    let ended = items(&user, &format!("{invites}?status=ended&limit=2")).await;
    // The fixture's members accepted theirs before.
    let (ended, earlier) = ended.split_at(4);
    assert_eq!(texts(earlier, "status"), ["accepted"; 3]);
    let newest_first = [&ids[2], &ids[1], &ids[0], dana];
    assert_eq!(texts(ended, "id"), newest_first);
    let statuses = ["accepted", "declined", "cancelled", "expired"];
    assert_eq!(texts(ended, "status"), statuses);
    assert_eq!(ended[2]["email"], "eve@example.com");
    for invite in ended {
        assert!(invite["ended_at"].is_string(), "{invite}");
        let may = &invite["may"];
        assert_eq!(may["resend"]["allowed"], false);
        assert_eq!(may["cancel"]["allowed"], false);
        assert_eq!(may["update"]["roles"], json!([]));
    }
    assert_eq!(
        ended[3]["may"]["resend"]["reason"],
        "this invite has expired"
    );

    let pending = items(&user, &format!("{invites}?status=pending")).await;
    assert!(pending.is_empty(), "{pending:?}");
    let refused = user.get(&format!("{invites}?status=expired")).await;
    assert_eq!(refused.body["field"], "status");
    refused.refused("400 invalid_request");
}

#[tokio::test]
async fn audit_events_are_chosen_by_kind_person_and_time() {
    let fixture = Fixture::new().await;
    let log = format!("{}/audit-events", fixture.organization);
    let of = async |query: &str| {
        let creator = fixture.world.sign_in("ada@example.com");
        items(&creator, &format!("{log}?{query}")).await
    };
    let all = of("limit=100").await;

    // By kind, and by area, at any page size.
    for limit in [1, 2, 100] {
        let added = of(&format!("kind=member.added&limit={limit}")).await;
        let expected = all.iter().filter(|event| event["kind"] == "member.added");
        assert_eq!(added, expected.cloned().collect::<Vec<_>>());
        assert!(added.len() >= 4, "{added:?}");
        let invites = of(&format!("kind=invite&limit={limit}")).await;
        let is_of_invite = |event: &&Value| event["kind"].as_str().unwrap().starts_with("invite.");
        let expected = all.iter().filter(is_of_invite);
        assert_eq!(invites, expected.cloned().collect::<Vec<_>>());
    }

    // By person: what they did, and what is about them.
    let anna = &fixture.admin.user_id;
    let of_anna = of(&format!("person={anna}")).await;
    let concerns =
        |event: &&Value| event["actor"]["user_id"] == **anna || event["subject"]["id"] == **anna;
    let expected: Vec<Value> = all.iter().filter(concerns).cloned().collect();
    assert_eq!(of_anna, expected);
    assert!(of_anna.iter().any(|event| event["subject"]["id"] == **anna));
    let keys = of(&format!("person={anna}&kind=api_key")).await;
    assert_eq!(texts(&keys, "kind"), ["api_key.created"]);

    // By time: from the first moment on, until before the last.
    fixture.world.clock.advance(TimeDelta::hours(1));
    let begun = fixture.world.clock.now();
    let creator = fixture.world.sign_in("ada@example.com");
    let rename = json!({"name": "Acme once more"});
    creator
        .patch(&fixture.organization, rename)
        .await
        .expect("200");
    fixture.world.clock.advance(TimeDelta::hours(1));
    let later = fixture.world.clock.now();
    let creator = fixture.world.sign_in("ada@example.com");
    let rename = json!({"name": "Acme at last"});
    creator
        .patch(&fixture.organization, rename)
        .await
        .expect("200");
    let (begun, later) = (written(begun), written(later));
    assert_eq!(of(&format!("from={begun}")).await.len(), 2);
    assert_eq!(of(&format!("from={later}")).await.len(), 1);
    assert_eq!(of(&format!("from={begun}&until={later}")).await.len(), 1);
    assert_eq!(of(&format!("until={begun}&limit=100")).await, all);
    let (from, until) = (&later, &begun);
    let reversed = format!("{log}?from={from}&until={until}");
    let creator = fixture.world.sign_in("ada@example.com");
    let refused = creator.get(&reversed).await;
    assert_eq!(refused.body["field"], "until");
    refused.refused("400 invalid_request");
}

#[tokio::test]
async fn rare_events_of_a_long_log_are_found() {
    let fixture = Fixture::new().await;
    let rename = |n: usize| json!({"name": format!("Acme {n}")});
    // More events than one query examines.
    for n in 0..510 {
        let renamed = fixture.creator.patch(&fixture.organization, rename(n));
        renamed.await.expect("200");
    }
    let path = format!("{}/audit-events", fixture.organization);
    let page = format!("{path}?kind=organization.created&limit=1");
    let found = fixture.creator.get(&page).await.expect("200");
    assert_eq!(found["items"][0]["kind"], "organization.created");
    let page = format!("{path}?kind=organization.updated&limit=100");
    assert_eq!(items(&fixture.creator, &page).await.len(), 510);
}

#[tokio::test]
async fn invalid_choice_names_its_parameter() {
    let fixture = Fixture::new().await;
    let log = format!("{}/audit-events", fixture.organization);
    for (query, field) in [
        ("kind=member.gone", "kind"),
        ("kind=", "kind"),
        ("kind=member.", "kind"),
        ("person=", "person"),
        ("person=%C3%A4", "person"),
        ("from=yesterday", "from"),
        ("until=2026-02-30T00:00:00Z", "until"),
        ("actor=ada", "actor"),
    ] {
        let refused = fixture.creator.get(&format!("{log}?{query}")).await;
        assert_eq!(refused.body["field"], field, "{query}");
        refused.refused("400 invalid_request");
    }
}
