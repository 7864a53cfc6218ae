//! Pending invites on the settings page, and the words for a new member.

use chrono::TimeDelta;

use super::harness::{Browser, Browsers};
use crate::harness::Session;

/// Opens the settings of an organization that Ada has created, and adds Ben as an admin.
/// Returns the browser, Ada and Ben as callers of the API, and the organization's path.
async fn ada_with_ben(browsers: &Browsers) -> (Browser, Session, Session, String) {
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    let ben = browsers.world.sign_in("ben@example.com");
    creator.add_member(&path, &ben, "admin").await;
    (ada, creator, ben, path)
}

#[tokio::test]
async fn invites_of_a_removed_member_are_named_and_resent() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let (ada, _, ben, path) = ada_with_ben(&browsers).await;
    ben.invite(&path, "nia@example.com", "user").await;
    ben.invite(&path, "olu@example.com", "user").await;
    browsers.world.drain().await;
    // One email a minute to an address.
    browsers.world.clock.advance(TimeDelta::minutes(2));

    ada.session.refresh().await;
    ada.press("button", "Remove ben").await;
    ada.sees("2 pending invites that ben sent will stop working:")
        .await;
    ada.is_accessible("remove-member-with-invites").await;
    ada.confirm("Remove ben").await;
    ada.sees("ben was removed.").await;
    ada.sees_no_more("Needs resending").await;
    let nia = browsers.world.sign_in("nia@example.com");
    let invites = nia.get("/v1/account/invites").await.expect("200");
    let id = invites["items"][0]["id"].as_str().unwrap();
    nia.accept(id).await.expect("200");
}

#[tokio::test]
async fn invite_whose_inviter_lost_the_right_says_so() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let (ada, creator, ben, path) = ada_with_ben(&browsers).await;
    ben.invite(&path, "nia@example.com", "user").await;
    browsers.world.drain().await;
    ada.session.refresh().await;
    ada.sees("nia@example.com").await;
    ada.sees_no_more("Needs resending").await;
    let member = format!("{path}/members/{}", ben.user_id);
    let demotion = serde_json::json!({"role": "user"});
    creator.patch(&member, demotion).await.expect("200");
    ada.session.refresh().await;
    ada.sees("Needs resending").await;
    ada.is_accessible("invite-needs-resending").await;
    browsers.world.clock.advance(TimeDelta::minutes(2));
    ada.press("button", "Resend the invite to nia@example.com")
        .await;
    ada.sees_no_more("Needs resending").await;
}

#[tokio::test]
async fn new_organization_and_new_member_get_a_word() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.sees("Acme is ready. Next, invite your team.").await;
    ada.session.refresh().await;
    ada.find("heading", "Acme").await;
    ada.sees_no_more("Acme is ready.").await;

    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    creator.invite(&path, "bob@example.com", "user").await;
    let bob = browsers.accepting("bob@example.com").await;
    bob.sees("You joined Acme as a user.").await;
}

#[tokio::test]
async fn callback_after_a_sign_in_leads_on_without_a_word() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.goto("/auth/callback?code=old&state=old").await;
    ada.find("heading", "Acme").await;
    let stranger = browsers.open("stranger").await;
    stranger.goto("/auth/callback?code=old&state=old").await;
    stranger.sees("This sign-in has expired.").await;
}

#[tokio::test]
async fn members_are_oneself_then_owners_then_by_name() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    for (email, role) in [
        ("zoe@example.com", "user"),
        ("yan@example.com", "owner"),
        ("bea@example.com", "admin"),
        ("abe@example.com", "user"),
    ] {
        let member = browsers.world.sign_in(email);
        creator.add_member(&path, &member, role).await;
    }
    ada.session.refresh().await;
    ada.find("heading", "Members 5").await;
    let text = ada.text().await.unwrap();
    let places: Vec<_> = ["ada@", "yan@", "abe@", "bea@", "zoe@"]
        .map(|email| text.find(&format!("{email}example.com")))
        .to_vec();
    assert!(places.iter().all(Option::is_some), "{places:?}");
    assert!(places.is_sorted(), "{places:?}");
}
