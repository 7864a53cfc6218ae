//! Every page in every state, in both themes and sizes: accessibility and screenshots.

use chrono::TimeDelta;
use local::SignIn;
use serde_json::json;

use super::harness::Browsers;
use crate::codes::pause_invites_of;
use crate::harness::Session;

/// Creates an organization with members of every role and pending invites, and returns
/// its path.
async fn create_populated_organization(browsers: &Browsers, creator: &Session) -> String {
    let world = &browsers.world;
    let path = creator.create_organization("Analytical Images").await;
    for (email, name, role) in [
        ("grace@example.com", "Grace Hopper", "owner"),
        ("katherine@example.com", "Katherine Johnson", "admin"),
        ("annie@example.com", "Annie Easley", "admin"),
        ("mary@example.com", "Mary Jackson", "user"),
        ("dorothy@example.com", "Dorothy Vaughan", "user"),
        ("margaret@example.com", "Margaret Hamilton", "user"),
        ("joan@example.com", "Joan Clarke", "user"),
        ("hedy@example.com", "Hedy Lamarr", "user"),
        (
            "evelyn.boyd.granville@mathematics.example.com",
            "Evelyn Boyd Granville",
            "user",
        ),
    ] {
        let member = world.sign_in_as(SignIn {
            name: Some(name.to_owned()),
            ..SignIn::with_email(email)
        });
        creator.add_member(&path, &member, role).await;
    }
    for (email, role) in [
        ("radia@example.com", "admin"),
        ("frances@example.com", "user"),
        ("barbara@example.com", "owner"),
    ] {
        creator.invite(&path, email, role).await;
    }
    world.drain().await;
    creator.invite(&path, "jean@example.com", "user").await;
    path
}

fn page_of(path: &str) -> String {
    let id = path.rsplit('/').next().unwrap();
    format!("/dashboard/organization-settings?organization={id}")
}

fn ada(browsers: &Browsers) -> Session {
    browsers.world.sign_in_as(SignIn {
        name: Some("Ada Lovelace".to_owned()),
        ..SignIn::with_email("ada@example.com")
    })
}

#[tokio::test]
async fn settings_page_is_accessible_for_every_role() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let path = create_populated_organization(&browsers, &ada(&browsers)).await;
    for (email, link, text) in [
        (
            "ada@example.com",
            "Audit log",
            "Ada Lovelace invited jean@example.com as user",
        ),
        (
            "katherine@example.com",
            "Audit log",
            "Ada Lovelace invited jean@example.com as user",
        ),
        (
            "mary@example.com",
            "Members",
            "Only owners and admins can make changes.",
        ),
    ] {
        let name = email.split('@').next().unwrap();
        let browser = browsers.open(name).await;
        browser.goto(&page_of(&path)).await;
        browser.press("button", &browsers.known(email)).await;
        browser
            .sees("People with access to this organization")
            .await;
        browser.sees("Hedy Lamarr").await;
        browser.is_accessible(&format!("settings-{name}")).await;
        browser.press("link", link).await;
        browser.sees(text).await;
    }

    // Forms, menus and dialogs.
    let browser = browsers.open("ada-again").await;
    browser.goto(&page_of(&path)).await;
    browser
        .press("button", &browsers.known("ada@example.com"))
        .await;
    browser.press("button", "Rename").await;
    browser.find("textbox", "Organization name").await;
    browser.press("button", "Invite people").await;
    browser
        .fill(
            "Email addresses",
            "nobody, grace@example.com, new@example.com",
        )
        .await;
    browser.is_accessible("settings-invite").await;
    browser.press("button", "Send 3 invites").await;
    browser.sees("2 invites weren’t sent").await;
    browser.sees("1 invite sent").await;
    browser.sees_no_more("1 invite sent").await;
    browser.is_accessible("settings-invite-refused").await;
    browser.press("button", "Cancel").await;
    browser.find("textbox", "Organization name").await;
    browser.is_accessible("settings-forms").await;
    // Menus would lie over it.
    browser.press("button", "Dismiss “Get started”").await;
    browser
        .press("button", "Switch organization: Analytical Images")
        .await;
    browser.sees("Manage organizations").await;
    browser.is_accessible("settings-switcher").await;
    browser
        .press("button", "Account menu, ada@example.com")
        .await;
    browser.sees("Sign out").await;
    browser.is_accessible("settings-account").await;
    for (button, menu) in [
        ("Actions for Mary Jackson", "actions"),
        ("Role of Mary Jackson: User", "role"),
    ] {
        browser.press("button", button).await;
        browser.find("menu", button).await;
        browser
            .is_open_and_accessible(&format!("settings-menu-{menu}"))
            .await;
        browser.menu(button).await;
    }
    browser.act("Mary Jackson", "Remove Mary Jackson").await;
    browser.asks().await;
    browser.is_accessible("settings-remove").await;
    browser.press("button", "Cancel").await;
    browser.press("link", "API keys").await;
    browser.sees("No API keys yet").await;
    browser.is_accessible("settings-keys").await;
    browser.press("link", "Billing details").await;
    browser.find("textbox", "Company name").await;
    browser.is_accessible("settings-billing").await;
    browser.press("link", "Audit log").await;
    browser
        .sees("Ada Lovelace invited jean@example.com as user")
        .await;
    browser.is_accessible("settings-log").await;
}

#[tokio::test]
async fn long_member_list_is_searchable_and_paged() {
    let Some(browsers) = Browsers::without_limits().await else {
        return;
    };
    let creator = ada(&browsers);
    let path = creator.create_organization("Many").await;
    for number in 0..60 {
        let member = browsers
            .world
            .sign_in(&format!("person{number}@example.com"));
        creator.add_member(&path, &member, "user").await;
    }
    let browser = browsers.open("ada").await;
    browser.goto(&page_of(&path)).await;
    browser
        .press("button", &browsers.known("ada@example.com"))
        .await;
    browser.find("button", "Actions for person1").await;
    browser.lacks("button", "Actions for person59").await;
    browser.press("button", "Load more").await;
    browser.find("button", "Actions for person59").await;
    browser.session.refresh().await;
    browser.fill("Search members", "PERSON59@").await;
    browser.find("button", "Actions for person59").await;
    browser.lacks("button", "Actions for person1").await;
    browser.sees("1 member found").await;
    browser.fill("Search members", "nobody like this").await;
    browser.sees("No members match your search").await;
    browser.session.refresh().await;
    browser.press("button", "Owners").await;
    browser.sees("1 member found").await;
    browser.find("button", "Actions for Ada Lovelace").await;
    browser.lacks("button", "Actions for person1").await;
}

#[tokio::test]
async fn account_page_is_accessible_empty_and_full() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let eve = browsers.open("eve").await;
    eve.goto("/account/settings").await;
    eve.sign_in_as("eve@example.com", "Eve", false).await;
    eve.sees("Not verified").await;
    eve.sees("You’re not a member of any organization yet.")
        .await;
    eve.sees("Verify your email address").await;
    eve.is_accessible("account-unverified").await;

    let creator = ada(&browsers);
    for name in [
        "Analytical Images",
        "Bernoulli Numbers",
        "A name that goes on for rather longer than anybody would expect of one",
    ] {
        let path = creator.create_organization(name).await;
        creator.invite(&path, "ben@example.com", "admin").await;
    }
    let ben = browsers.sign_in("ben@example.com").await;
    ben.press("button", "Accept the invite to Bernoulli Numbers")
        .await;
    ben.sees("You joined Bernoulli Numbers.").await;
    ben.find("link", "Open Bernoulli Numbers").await;
    ben.is_accessible("account").await;
    ben.press("button", "Decline the invite to Analytical Images")
        .await;
    ben.asks().await;
    ben.is_accessible("account-decline").await;
    ben.press("button", "Decline").await;
    ben.sees("Invite to Analytical Images declined.").await;
}

#[tokio::test]
async fn invite_page_is_accessible_in_every_state() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let creator = ada(&browsers);
    let path = creator.create_organization("Analytical Images").await;
    creator.invite(&path, "ben@example.com", "admin").await;
    let link = browsers.link("ben@example.com").await;

    let ben = browsers.open("ben").await;
    ben.goto(&link).await;
    ben.sees("Sign in to accept").await;
    ben.is_accessible("invite").await;
    ben.press("button", "Decline").await;
    ben.asks().await;
    ben.is_accessible("invite-decline").await;
    ben.press("button", "Go back").await;
    ben.press("button", "Sign in to accept").await;
    ben.sign_in_as("eve@example.com", "Eve", true).await;
    ben.sees("Wrong account").await;
    ben.is_accessible("invite-wrong-account").await;
    ben.press("button", "Switch account").await;
    ben.sign_in_as("ben@example.com", "Ben", false).await;
    ben.sees("Verify your email address first").await;
    ben.is_accessible("invite-unverified").await;

    // The ended states of the invite.
    let invites = creator.get(&format!("{path}/invites")).await.expect("200");
    let id = invites["items"][0]["id"].as_str().unwrap();
    browsers.world.clock.advance(TimeDelta::minutes(2));
    creator
        .post_empty(&format!("{path}/invites/{id}/resend"))
        .await
        .expect("200");
    ben.goto(&link).await;
    ben.sees("This link is out of date").await;
    let link = browsers.link("ben@example.com").await;
    creator
        .delete(&format!("{path}/invites/{id}"))
        .await
        .expect("204");
    ben.goto(&link).await;
    ben.sees("This invite was cancelled").await;
    ben.is_accessible("invite-cancelled").await;
    ben.goto("/invites/no-such-token").await;
    ben.sees("Invalid link").await;
    ben.goto("/invites/opened").await;
    ben.sees("Invalid link").await;
}

#[tokio::test]
async fn other_pages_are_accessible() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let creator = ada(&browsers);
    let path = creator.create_organization("Analytical Images").await;
    creator.invite(&path, "ben@example.com", "admin").await;
    browsers.world.drain().await;
    let browser = browsers.open("somebody").await;
    for (path, text, page) in [
        ("/", "Sign in", "home"),
        ("/nowhere", "Page not found", "not-found"),
        (
            "/auth/callback?code=stolen&state=made-up",
            "We couldn’t sign you in",
            "callback",
        ),
        ("/local/", "Caught emails", "local"),
        ("/local/emails/1", "Plain text", "local-mail"),
        ("/local/sign-out", "You are signed out", "signed-out"),
        (
            "/local/authorize",
            "Sign-in is not possible",
            "sign-in-problem",
        ),
    ] {
        browser.goto(path).await;
        browser.sees(text).await;
        browser.is_accessible(page).await;
    }
    // The stolen code leaves the address at once.
    browser
        .goto("/auth/callback?code=stolen&state=made-up")
        .await;
    browser.is_at("/auth/callback").await;
    browser.sees("This sign-in has expired.").await;
    let stored = browser
        .session
        .script("return sessionStorage.length", json!([]))
        .await
        .unwrap();
    assert_eq!(stored, 0);
}

#[tokio::test]
async fn paused_invites_are_told_to_those_with_the_right_to_invite() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let creator = ada(&browsers);
    let path = creator.create_organization("Analytical Images").await;
    let user = browsers.world.sign_in("ulla@example.com");
    creator.add_member(&path, &user, "user").await;
    let id = path.rsplit('/').next().unwrap();
    pause_invites_of(&browsers.world, id).await;
    for (email, sees) in [("ada@example.com", true), ("ulla@example.com", false)] {
        let browser = browsers.open(email.split('@').next().unwrap()).await;
        browser.goto(&page_of(&path)).await;
        browser.press("button", &browsers.known(email)).await;
        browser.sees("Pending invites.").await;
        let text = "because a recipient marked an invite email as spam. Contact support.";
        if sees {
            browser.sees("Invites are paused").await;
            browser.sees(text).await;
        } else {
            browser.lacks("heading", "Invites are paused").await;
        }
    }
}
