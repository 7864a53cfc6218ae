//! The main scenario in four browsers.

use chrono::TimeDelta;
use serde_json::json;

use super::harness::{Browser, Browsers};

impl Browsers {
    /// Returns the path of the link in the newest email to an address.
    pub async fn link(&self, email: &str) -> String {
        self.world.drain().await;
        format!("/invites/{}", self.world.link_token(email))
    }

    /// Signs a person in, and accepts the invite in the newest email to them.
    pub async fn accepting(&self, email: &str) -> Browser {
        let link = self.link(email).await;
        let browser = self.sign_in(email).await;
        browser.goto(&link).await;
        browser.press("button", "Accept invite").await;
        browser
    }

    /// Signs a person in, creates an organization and opens its settings.
    pub async fn creator(&self, email: &str, organization: &str) -> Browser {
        let browser = self.sign_in(email).await;
        browser.fill("Organization name", organization).await;
        browser.press("button", "Create organization").await;
        browser
            .sees("People with access to this organization")
            .await;
        browser
    }
}

impl Browser {
    /// Returns the roles that the invite form offers.
    async fn roles_to_invite(&self) -> Vec<String> {
        self.press("button", "Invite people").await;
        self.asks().await;
        let radios = self.all("radio").await.unwrap();
        self.press("button", "Cancel").await;
        self.lacks("dialog", "Invite people to Acme Images").await;
        radios.into_iter().map(|radio| radio.name).collect()
    }

    /// Asserts that no button has this beginning of its name.
    pub async fn has_no_button(&self, name: &str) {
        let buttons = self.all("button").await.unwrap();
        let found = buttons.iter().find(|button| button.name.starts_with(name));
        assert!(found.is_none(), "{found:?}");
    }

    /// Returns the addresses in the invite form.
    pub async fn chips(&self) -> Vec<String> {
        let body = "return [...document.querySelectorAll('.chip bdi')].map(chip => chip.innerText)";
        let chips = self.session.script(body, json!([])).await.unwrap();
        serde_json::from_value(chips).unwrap()
    }

    /// Fills in and submits the invite form.
    pub async fn invite(&self, emails: &str, role: &str) {
        self.press("button", "Invite people").await;
        self.press("radio", role).await;
        self.fill("Email addresses", emails).await;
        self.press("button", "Send invite").await;
    }

    /// Confirms the open dialog.
    pub async fn confirm(&self, action: &str) {
        self.asks().await;
        self.press("button", action).await;
    }
}

#[tokio::test]
async fn story_in_four_browsers_shows_every_expected_result() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };

    // 1. A creates an organization and invites B as admin, with billing emails.
    let ada = browsers.creator("ada@example.com", "Acme Images").await;
    ada.sees("Creator").await;
    ada.press("button", "Invite people").await;
    ada.press("checkbox", "Send them billing emails").await;
    ada.press("button", "Cancel").await;
    // A draft outlives its dialog.
    ada.invite("ben@example.com", "Admin").await;
    ada.sees("1 invite sent").await;
    ada.sees("Invited by ada").await;
    ada.sees("Expires in 14 days").await;
    ada.sees("Sending").await;

    // The link shows the inviter, the organization and the terms without sign-in.
    let link = browsers.link("ben@example.com").await;
    let ben = browsers.open("ben").await;
    ben.goto(&link).await;
    ben.sees("Join Acme Images").await;
    ben.sees("ada invited you.").await;
    ben.sees("b…@example.com").await;
    ben.sees("Admin · Manages members").await;
    ben.sees("Yes").await;
    ben.is_at("/invites/opened").await;

    // 2. B cannot accept with an unverified address; verified, B becomes an admin.
    ben.press("button", "Sign in to accept").await;
    ben.sign_in_as("ben@example.com", "Ben", false).await;
    ben.sees("Verify your email address first").await;
    ben.sees("ben@example.com isn’t verified yet").await;
    ben.press("button", "Sign in again").await;
    ben.sign_in_as("ben@example.com", "Ben", true).await;
    ben.press("button", "Accept invite").await;
    ben.sees("People with access to this organization").await;
    ben.find("switch", "Billing emails for Ben").await;
    ben.goto("/dashboard/organization-settings").await;
    ben.find("button", "Switch organization: Acme Images").await;
    // The link is spent.
    let other = browsers.open("other").await;
    other.goto(&link).await;
    other.sees("This invite has already been used").await;

    // 3. B invites C as user; C declines from the link, without signing in.
    ben.invite("cleo@example.com", "User").await;
    ben.sees("1 invite sent").await;
    let link = browsers.link("cleo@example.com").await;
    other.goto(&link).await;
    other.press("button", "Decline").await;
    other.confirm("Decline").await;
    other.sees("You can close this page.").await;
    // A second invite to D's address in another letter case is refused. B cancels the
    // first and invites again.
    ben.invite("dana@example.com", "User").await;
    ben.find("button", "Actions for dana@example.com").await;
    ben.invite("DANA@Example.com", "User").await;
    ben.sees("1 invite wasn’t sent").await;
    ben.sees("DANA@Example.com Already invited. Resend or cancel the pending invite.")
        .await;
    ben.press("button", "Cancel").await;
    ben.act("dana@example.com", "Cancel invite").await;
    ben.confirm("Cancel invite").await;
    ben.sees("Invite to dana@example.com cancelled.").await;
    ben.lacks("button", "Actions for dana@example.com").await;
    // An address gets at most one email a minute.
    browsers.world.clock.advance(TimeDelta::minutes(1));
    ben.press("button", "Invite people").await;
    assert_eq!(ben.chips().await, ["DANA@Example.com"]);
    ben.press("button", "Send invite").await;
    ben.find("button", "Actions for DANA@Example.com").await;

    // 4. Actions that B lacks the permission for are disabled and give the reason.
    assert_eq!(ben.roles_to_invite().await, ["Admin", "User"]);
    ben.is_refused("button", "Rename", "Only an owner can")
        .await;
    let tip = ben.tip("button", "Rename").await;
    assert!(tip.starts_with("Only an owner can"), "{tip}");
    ben.menu_refuses("ada", "Remove ada", "The creator of an organization")
        .await;
    ben.is_refused(
        "switch",
        "Billing emails for ada",
        "The creator of an organization always receives billing emails",
    )
    .await;
    ben.has_no_button("Role of ada").await;
    let roles = ben.menu("Role of Ben: ").await;
    let roles: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(roles, ["Admin", "User"]);
    ada.session.refresh().await;
    ada.choose("Role of Ben", "Owner").await;
    ada.sees("Make Ben an owner?").await;
    ada.confirm("Make owner").await;
    ada.sees("Ben is now an owner.").await;
    ada.menu_refuses(
        "ada",
        "Leave organization",
        "The creator of an organization",
    )
    .await;
    ben.session.refresh().await;
    ben.find("button", "Rename").await;
    assert_eq!(ben.roles_to_invite().await, ["Owner", "Admin", "User"]);
    ben.menu_refuses("ada", "Remove ada", "The creator of an organization")
        .await;
    ben.has_no_button("Role of ada").await;
    ben.is_refused("switch", "Billing emails for ada", "The creator")
        .await;

    // 5. D accepts on the account page, sees the settings, can change nothing, and leaves.
    let dana = browsers.sign_in("dana@example.com").await;
    dana.sees("Ben invited you as user").await;
    dana.press("button", "Accept the invite to Acme Images")
        .await;
    dana.sees("You joined Acme Images.").await;
    dana.press("link", "Open Acme Images").await;
    dana.sees("Only owners and admins can make changes.").await;
    for name in ["Rename", "Invite people", "Change plan", "Delete"] {
        dana.has_no_button(name).await;
    }
    for name in ["ada", "Ben"] {
        dana.has_no_button(&format!("Role of {name}")).await;
        dana.has_no_button(&format!("Actions for {name}")).await;
        dana.lacks("switch", &format!("Billing emails for {name}"))
            .await;
    }
    dana.sees_no_more("Audit log").await;
    dana.act("dana", "Leave organization").await;
    dana.sees("You’ll lose access to Acme Images immediately.")
        .await;
    dana.confirm("Leave organization").await;
    dana.is_at("/account/settings").await;
    dana.sees("You’re not a member of any organization yet.")
        .await;

    // 6. Two weeks later, unanswered invites have expired. Signed-in people stay signed
    // in: the page renews their tokens silently.
    ben.session.refresh().await;
    ben.invite("frank@example.com", "User").await;
    ben.find("button", "Actions for frank@example.com").await;
    let link = browsers.link("frank@example.com").await;
    browsers.world.clock.advance(TimeDelta::days(14));
    ben.session.refresh().await;
    ben.sees("No pending invites").await;
    other.goto(&link).await;
    other.sees("This invite has expired").await;
    browsers.world.stack.run_schedules().await;
    ben.invite("frank@example.com", "User").await;
    ben.find("button", "Actions for frank@example.com").await;

    // 7. The audit log records all of it, newest first.
    ada.session.refresh().await;
    ada.press("link", "Audit log").await;
    let expected = [
        "Ben invited frank@example.com as user",
        "The invite to frank@example.com expired",
        "Ben invited frank@example.com as user",
        "dana left the organization",
        "dana joined as user",
        "dana accepted the invite to DANA@Example.com",
        "ada changed the role of Ben from admin to owner",
        "Ben invited DANA@Example.com as user",
        "Ben cancelled the invite to dana@example.com",
        "Ben invited dana@example.com as user",
        "Whoever had the link declined the invite to cleo@example.com",
        "Ben invited cleo@example.com as user",
        "Ben joined as admin",
        "Ben accepted the invite to ben@example.com",
        "ada invited ben@example.com as admin",
        "ada joined as owner",
        "ada created the organization Acme Images",
    ];
    ada.sees(expected[expected.len() - 1]).await;
    let log = ada.text().await.unwrap();
    let mut rest = log.as_str();
    for line in expected {
        let position = rest.find(line);
        let position =
            position.unwrap_or_else(|| panic!("`{line}` is missing or out of order: {log}"));
        rest = &rest[position + line.len()..];
    }
}
