//! Expiry of unanswered invites: the clock decides; the schedule and the table's TTL
//! clean up.

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    harness::{Fixture, Session, audit_kinds},
    invariants,
};

async fn expired_events(fixture: &Fixture) -> usize {
    let kinds = audit_kinds(&creator(fixture), &fixture.organization).await;
    kinds
        .iter()
        .filter(|kind| *kind == "invite.expired")
        .count()
}

/// Returns the organization's count of outstanding invites.
async fn outstanding(fixture: &Fixture) -> usize {
    let items = fixture.world.items().await;
    let partition = format!("ORG#{}", fixture.organization_id());
    let counts = items
        .iter()
        .find(|item| item["pk"]["S"] == *partition && item["sk"]["S"] == "COUNTS");
    let count = counts.unwrap()["outstanding_invites"]["N"].as_str();
    count.unwrap().parse().unwrap()
}

/// Signs the creator in again: after two weeks every earlier token has expired.
fn creator(fixture: &Fixture) -> Session {
    fixture.world.sign_in("ada@example.com")
}

async fn assert_invite_expired(fixture: &Fixture) {
    let list = creator(fixture)
        .get(&format!("{}/invites", fixture.organization))
        .await
        .expect("200");
    assert_eq!(list["items"], json!([]));
    let settings = creator(fixture)
        .get(&format!("{}/settings", fixture.organization))
        .await
        .expect("200");
    assert_eq!(settings["invites"]["items"], json!([]));
    let dana = fixture.world.sign_in("dana@example.com");
    let mine = dana.get("/v1/account/invites").await.expect("200");
    assert_eq!(mine["items"], json!([]));
    dana.accept(&fixture.invite_id)
        .await
        .refused("410 invite_expired");
    let decline = format!("/v1/account/invites/{}/decline", fixture.invite_id);
    dana.post_empty(&decline)
        .await
        .refused("410 invite_expired");
    let path = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    creator(fixture)
        .patch(&path, json!({"role": "admin"}))
        .await
        .refused("410 invite_expired");
    creator(fixture)
        .delete(&path)
        .await
        .refused("410 invite_expired");
    creator(fixture)
        .post_empty(&format!("{path}/resend"))
        .await
        .refused("410 invite_expired");
    let link = format!(
        "/v1/invites/{}",
        fixture.world.link_token("dana@example.com")
    );
    fixture
        .world
        .nobody()
        .get(&link)
        .await
        .refused("410 invite_expired");
    fixture
        .world
        .nobody()
        .post_empty(&format!("{link}/decline"))
        .await
        .refused("410 invite_expired");
}

#[tokio::test]
async fn invite_expires_after_fourteen_days_by_the_clock_alone() {
    let fixture = Fixture::new().await;
    fixture
        .world
        .clock
        .advance(TimeDelta::days(14) - TimeDelta::minutes(2) - TimeDelta::seconds(1));
    let dana = fixture.world.sign_in("dana@example.com");
    assert_eq!(
        dana.get("/v1/account/invites").await.expect("200")["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    fixture.world.clock.advance(TimeDelta::seconds(1));
    assert_invite_expired(&fixture).await;
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn expired_invite_does_not_block_a_new_one() {
    for cleaned in [false, true] {
        let fixture = Fixture::new().await;
        fixture.world.clock.advance(TimeDelta::days(14));
        if cleaned {
            fixture.world.stack.run_schedule("expire-invites").await;
        }
        let id = creator(&fixture)
            .invite(&fixture.organization, "Dana@example.com", "admin")
            .await;
        assert_eq!(expired_events(&fixture).await, 1);
        invariants::hold(&fixture.world).await;
        fixture.world.stack.run_schedule("expire-invites").await;
        fixture.world.drain().await;
        assert_eq!(expired_events(&fixture).await, 1);
        let dana = fixture.world.sign_in("dana@example.com");
        dana.accept(&fixture.invite_id)
            .await
            .refused("410 invite_expired");
        dana.accept(&id).await.expect("200");
        invariants::hold(&fixture.world).await;
    }
}

#[tokio::test]
async fn scheduled_expiry_is_recorded_once() {
    let fixture = Fixture::new().await;
    fixture.world.stack.run_schedule("expire-invites").await;
    assert_eq!(expired_events(&fixture).await, 0);
    fixture.world.clock.advance(TimeDelta::days(14));
    for _ in 0..3 {
        fixture.world.stack.run_schedule("expire-invites").await;
        assert_eq!(expired_events(&fixture).await, 1);
        invariants::hold(&fixture.world).await;
    }
    assert_invite_expired(&fixture).await;
}

#[tokio::test]
async fn expiry_is_recorded_after_the_ttl_removed_the_invite() {
    let fixture = Fixture::without_limits().await;
    fixture.world.clock.advance(TimeDelta::days(15));
    assert_eq!(fixture.world.stack.sweep_ttl().unwrap(), 1);
    assert_eq!(outstanding(&fixture).await, 1);
    assert_eq!(expired_events(&fixture).await, 0);
    invariants::hold(&fixture.world).await;
    for _ in 0..2 {
        fixture.world.stack.run_schedule("expire-invites").await;
        assert_eq!(outstanding(&fixture).await, 0);
        assert_eq!(expired_events(&fixture).await, 1);
        invariants::hold(&fixture.world).await;
    }
    assert_invite_expired(&fixture).await;
}

#[tokio::test]
async fn ttl_removes_an_invite_one_day_after_expiry() {
    let fixture = Fixture::without_limits().await;
    fixture.world.clock.advance(TimeDelta::days(14));
    assert_invite_expired(&fixture).await;
    let rest = TimeDelta::days(1) - TimeDelta::minutes(2) - TimeDelta::seconds(1);
    fixture.world.clock.advance(rest);
    assert_eq!(fixture.world.stack.sweep_ttl().unwrap(), 0);
    // No cleanup has run, yet links and lists report the expiry.
    assert_invite_expired(&fixture).await;
    fixture.world.clock.advance(TimeDelta::seconds(2));
    assert_eq!(fixture.world.stack.sweep_ttl().unwrap(), 1);
    // The recipient still gets the reason.
    let dana = fixture.world.sign_in("dana@example.com");
    dana.accept(&fixture.invite_id)
        .await
        .refused("410 invite_expired");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn new_invite_records_expiry_of_one_removed_by_ttl() {
    let fixture = Fixture::without_limits().await;
    fixture.world.clock.advance(TimeDelta::days(15));
    assert_eq!(fixture.world.stack.sweep_ttl().unwrap(), 1);
    let id = creator(&fixture)
        .invite(&fixture.organization, "dana@example.com", "user")
        .await;
    assert_eq!(expired_events(&fixture).await, 1);
    assert_eq!(outstanding(&fixture).await, 1);
    invariants::hold(&fixture.world).await;
    fixture.world.stack.run_schedules().await;
    fixture.world.drain().await;
    assert_eq!(expired_events(&fixture).await, 1);
    invariants::hold(&fixture.world).await;
    fixture
        .world
        .sign_in("dana@example.com")
        .accept(&id)
        .await
        .expect("200");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn ttl_keeps_pending_invites_and_forgets_ended_ones() {
    let fixture = Fixture::without_limits().await;
    fixture.world.clock.advance(TimeDelta::days(13));
    assert_eq!(fixture.world.stack.sweep_ttl().unwrap(), 0);
    // An ended invite is kept for 30 days.
    let admin = fixture.world.sign_in("anna@example.com");
    admin
        .delete(&format!(
            "{}/invites/{}",
            fixture.organization, fixture.invite_id
        ))
        .await
        .expect("204");
    fixture.world.clock.advance(TimeDelta::days(31));
    fixture.world.stack.sweep_ttl().unwrap();
    fixture.world.drain().await;
    let dana = fixture.world.sign_in("dana@example.com");
    dana.accept(&fixture.invite_id)
        .await
        .refused("404 invite_not_found");
    assert_eq!(expired_events(&fixture).await, 0);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn expired_invites_do_not_count_against_the_limit() {
    let fixture = Fixture::without_limits().await;
    for n in 0..99 {
        fixture
            .creator
            .invite(
                &fixture.organization,
                &format!("guest{n}@example.com"),
                "user",
            )
            .await;
    }
    let input = json!({"email": "new@example.com", "role": "user"});
    let path = format!("{}/invites", fixture.organization);
    fixture
        .creator
        .post(&path, input.clone())
        .await
        .refused("409 too_many_invites");
    fixture.world.clock.advance(TimeDelta::days(14));
    creator(&fixture).post(&path, input).await.expect("201");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn invites_removed_by_ttl_do_not_count_against_the_limit() {
    let fixture = Fixture::without_limits().await;
    for n in 0..99 {
        fixture
            .creator
            .invite(
                &fixture.organization,
                &format!("guest{n}@example.com"),
                "user",
            )
            .await;
    }
    fixture
        .world
        .clock
        .advance(TimeDelta::days(15) + TimeDelta::seconds(1));
    assert_eq!(fixture.world.stack.sweep_ttl().unwrap(), 100);
    let input = json!({"email": "new@example.com", "role": "user"});
    creator(&fixture)
        .post(&format!("{}/invites", fixture.organization), input)
        .await
        .expect("201");
    assert_eq!(outstanding(&fixture).await, 1);
    // The events fill more than one page of the log.
    let items = fixture.world.items().await;
    let expired = items
        .iter()
        .filter(|item| item["kind"]["S"] == "invite.expired");
    assert_eq!(expired.count(), 100);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn making_room_expires_no_invite_of_another_organization() {
    let fixture = Fixture::without_limits().await;
    let elsewhere = fixture.stranger.create_organization("Neighbours").await;
    fixture
        .stranger
        .invite(&elsewhere, "dana@example.com", "user")
        .await;
    for n in 0..99 {
        fixture
            .creator
            .invite(
                &fixture.organization,
                &format!("guest{n}@example.com"),
                "user",
            )
            .await;
    }
    fixture.world.clock.advance(TimeDelta::days(14));
    creator(&fixture)
        .invite(&fixture.organization, "new@example.com", "user")
        .await;
    let stranger = fixture.world.sign_in("sten@example.com");
    assert!(
        !audit_kinds(&stranger, &elsewhere)
            .await
            .contains(&"invite.expired".to_owned())
    );
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn one_run_expires_invites_of_many_organizations() {
    let fixture = Fixture::without_limits().await;
    let mut organizations = vec![];
    for n in 0..12 {
        let organization = fixture
            .stranger
            .create_organization(&format!("Number {n}"))
            .await;
        for guest in 0..3 {
            fixture
                .stranger
                .invite(&organization, &format!("guest{guest}@example.com"), "user")
                .await;
        }
        organizations.push(organization);
    }
    fixture.world.clock.advance(TimeDelta::days(14));
    fixture.world.stack.run_schedule("expire-invites").await;
    let stranger = fixture.world.sign_in("sten@example.com");
    for organization in organizations {
        let kinds = audit_kinds(&stranger, &organization).await;
        assert_eq!(
            kinds
                .iter()
                .filter(|kind| *kind == "invite.expired")
                .count(),
            3
        );
    }
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn failed_expiry_run_is_completed_by_the_next() {
    use crate::wire::Fault;
    let clean = Fixture::new().await;
    clean.world.clock.advance(TimeDelta::days(14));
    clean.world.stack.run_schedule("expire-invites").await;
    let requests = clean.world.wire.take().len();
    assert!(requests > 0);
    for skip in 0..requests {
        for fault in Fault::ALL {
            let fixture = Fixture::new().await;
            fixture.world.clock.advance(TimeDelta::days(14));
            fixture.world.wire.fail(skip, 3, fault);
            fixture.world.stack.run_schedule("expire-invites").await;
            fixture.world.wire.heal();
            invariants::hold(&fixture.world).await;
            fixture.world.stack.run_schedule("expire-invites").await;
            assert_eq!(
                expired_events(&fixture).await,
                1,
                "request {skip} fails by {fault:?}"
            );
            invariants::hold(&fixture.world).await;
        }
    }
}
