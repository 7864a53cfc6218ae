//! Recipients who stop invite emails by the link in one.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::{
    email_reports::{outcome_of_an_invite, paused, reported},
    harness::{Fixture, Session},
    invariants,
};

const DANA: &str = "dana@example.com";

/// Invites an address into another organization, whose email its recipient reports.
pub async fn opt_out_elsewhere(fixture: &Fixture, email: &str) {
    let elsewhere = fixture.elsewhere().await;
    fixture.outsider.invite(&elsewhere, email, "user").await;
    fixture.world.drain().await;
    let path = path(fixture, email);
    fixture.world.nobody().post_empty(&path).await.expect("204");
}

fn path(fixture: &Fixture, email: &str) -> String {
    format!("/v1/opt-outs/{}", fixture.world.opt_out_token(email))
}

/// Returns the outcome of an invite to an address.
async fn invited(by: &Session, organization: &str, email: &str) -> String {
    let input = json!({"email": email, "role": "user"});
    let reply = by.post(&format!("{organization}/invites"), input).await;
    reply.outcome()
}

#[tokio::test]
async fn opt_out_holds_over_all_organizations() {
    let fixture = Fixture::new().await;
    opt_out_elsewhere(&fixture, "new@example.com").await;
    let organization = &fixture.organization;
    for email in ["new@example.com", "New+offers@example.com"] {
        let outcome = invited(&fixture.admin, organization, email).await;
        assert_eq!(outcome, "409 recipient_opted_out", "{email}");
    }
    let outcome = invited(&fixture.admin, organization, "other@example.com").await;
    assert_eq!(outcome, "201");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn opt_out_counts_as_a_complaint_once() {
    let fixture = Fixture::new().await;
    let path = path(&fixture, DANA);
    for _ in 0..2 {
        fixture.world.nobody().post_empty(&path).await.expect("204");
    }
    assert_eq!(paused(&fixture).await["reason"], "complaints");
    assert_eq!(outcome_of_an_invite(&fixture).await, "403 invites_paused");
    assert_eq!(reported(&fixture, "organization.invites_paused").await, 1);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn one_click_form_opts_out() {
    let fixture = Fixture::new().await;
    let emails = fixture.world.stack.emails();
    let email = emails.iter().find(|email| email.to == [DANA]).unwrap();
    let header = &email.headers["List-Unsubscribe"];
    assert!(header.starts_with("<http"), "{header}");
    let one_click = "List-Unsubscribe=One-Click";
    assert_eq!(email.headers["List-Unsubscribe-Post"], one_click);
    let path = path(&fixture, DANA);
    assert!(header.ends_with(&format!("{path}>")), "{header}");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let nobody = fixture.world.nobody();
    nobody
        .send_with(Method::POST, &path, None, &form)
        .await
        .expect("204");
    assert_eq!(paused(&fixture).await["reason"], "complaints");
}

#[tokio::test]
async fn scanner_that_opens_the_opt_out_changes_nothing() {
    let fixture = Fixture::new().await;
    let api = path(&fixture, DANA);
    let page = api.trim_start_matches("/v1");
    for method in [Method::GET, Method::HEAD] {
        for path in [api.as_str(), page] {
            let nobody = fixture.world.nobody();
            nobody.send(method.clone(), path, None).await.expect("200");
        }
    }
    assert_eq!(paused(&fixture).await, json!(null));
    fixture.world.clock.advance(TimeDelta::minutes(1));
    let resend = format!(
        "{}/invites/{}/resend",
        fixture.organization, fixture.invite_id
    );
    fixture.admin.post_empty(&resend).await.expect("200");
}

#[tokio::test]
async fn opt_in_lets_invites_leave_again() {
    let fixture = Fixture::new().await;
    opt_out_elsewhere(&fixture, "new@example.com").await;
    let path = path(&fixture, "new@example.com");
    for _ in 0..2 {
        fixture.world.nobody().delete(&path).await.expect("204");
    }
    let outcome = invited(&fixture.admin, &fixture.organization, "new@example.com").await;
    assert_eq!(outcome, "201");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn opt_out_outlives_the_invite_and_the_limits() {
    let fixture = Fixture::new().await;
    opt_out_elsewhere(&fixture, "new@example.com").await;
    fixture.world.clock.advance(TimeDelta::days(400));
    fixture.world.stack.run_schedule("expire-invites").await;
    let organization = &fixture.organization;
    let outcome = invited(
        &fixture.world.sign_in("olga@example.com"),
        organization,
        "new@example.com",
    )
    .await;
    assert_eq!(outcome, "409 recipient_opted_out");
}

#[tokio::test]
async fn forged_opt_out_is_not_found() {
    let fixture = Fixture::new().await;
    let path = path(&fixture, DANA);
    let invite_link = fixture.world.link_token(DANA);
    for wrong in [
        format!("{path}A"),
        path.to_lowercase(),
        format!("/v1/opt-outs/{invite_link}"),
    ] {
        let reply = fixture.world.nobody().post_empty(&wrong).await;
        assert_eq!(reply.outcome(), "404 invite_not_found", "{wrong}");
    }
    assert_eq!(paused(&fixture).await, json!(null));
}
