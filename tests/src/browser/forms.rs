//! Forms on the pages: errors appear at their field, and typed input is never lost.

use serde_json::json;

use super::harness::{Browser, Browsers};

impl Browser {
    /// Expires the sign-in on the current page and invalidates its refresh token.
    async fn sign_in_ends(&self) {
        let body = "const kept = JSON.parse(sessionStorage.getItem('sign-in.session')); \
             Object.assign(kept, { ends_at: 0, refresh_token: 'no longer good' }); \
             sessionStorage.setItem('sign-in.session', JSON.stringify(kept))";
        self.session.script(body, json!([])).await.unwrap();
    }

    /// Returns a field's accessible description.
    async fn description(&self, name: &str) -> String {
        self.find("textbox", name).await.description
    }
}

#[tokio::test]
async fn invalid_field_shows_its_error_and_takes_the_focus() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.press("link", "Billing details").await;
    ada.fill("Company name", "Analytical Engines Ltd.").await;
    ada.fill("Tax ID", &"9".repeat(51)).await;
    ada.press("button", "Save").await;
    ada.sees("Tax ID must be at most 50 characters.").await;
    ada.focus_is("Tax ID").await;
    let description = ada.description("Tax ID").await;
    assert_eq!(description, "Tax ID must be at most 50 characters.");
    assert_eq!(ada.description("Company name").await, "");
    ada.is_accessible("billing-refused").await;

    ada.fill("Tax ID", "GB 123 4567 89").await;
    ada.press("button", "Save").await;
    ada.sees("Billing details saved").await;
    ada.sees_no_more("must be at most 50 characters").await;
    assert_eq!(ada.value("Company name").await, "Analytical Engines Ltd.");
    assert_eq!(ada.value("Tax ID").await, "GB 123 4567 89");

    ada.press("link", "General").await;
    ada.press("button", "Rename").await;
    ada.fill("Organization name", " ").await;
    ada.press("button", "Save").await;
    ada.sees("Organization name must not be empty.").await;
    ada.focus_is("Organization name").await;
    ada.press("button", "Invite people").await;
    ada.fill("Email addresses", "no, address,").await;
    // They are marked before anything is sent.
    let marked = "return document.querySelectorAll('.chip-wrong').length";
    ada.eventually(marked, |marked| *marked == 2).await;
    ada.press("button", "Send 2 invites").await;
    ada.sees("Email must have the form").await;
}

#[tokio::test]
async fn input_outlives_a_visit_to_another_page_and_a_reload() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let settings = ada.path().await;
    ada.press("button", "Invite people").await;
    ada.fill("Email addresses", "ben@example.com cleo@exam")
        .await;
    ada.goto("/account/settings").await;
    ada.sees("Your account").await;
    ada.goto(&settings).await;
    ada.asks().await;
    assert_eq!(ada.chips().await, ["ben@example.com"]);
    assert_eq!(ada.value("Email addresses").await, "cleo@exam");
    ada.session.refresh().await;
    ada.asks().await;
    assert_eq!(ada.chips().await, ["ben@example.com"]);
    assert_eq!(ada.value("Email addresses").await, "cleo@exam");
    ada.sees_no_more("Your unsaved changes are still here.")
        .await;

    // A page beside the sections keeps its input, too.
    ada.fill("Email addresses", "").await;
    ada.press("button", "Remove cleo@exam").await;
    ada.press("button", "Cancel").await;
    ada.press("link", "Billing details").await;
    ada.fill("Company name", "Analytical Engines Ltd.").await;
    ada.press("link", "Members").await;
    ada.sees("People with access to this organization").await;
    ada.press("link", "Billing details").await;
    assert_eq!(ada.value("Company name").await, "Analytical Engines Ltd.");

    // Once it is sent or taken away, it does not come back.
    ada.press("link", "Invites").await;
    ada.press("button", "Invite people").await;
    ada.press("button", "Send invite").await;
    ada.sees("1 invite sent").await;
    ada.session.refresh().await;
    ada.find("button", "Actions for ben@example.com").await;
    ada.press("button", "Invite people").await;
    assert!(ada.chips().await.is_empty());
}

#[tokio::test]
async fn deep_link_stays_at_its_section_while_others_load() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let settings = ada.path().await;
    let settings = settings.split('#').next().unwrap();
    for (section, content) in [
        ("usage", "in the last 60 days"),
        ("danger", "Delete organization"),
    ] {
        ada.goto("/account/settings").await;
        ada.sees("Your account").await;
        ada.goto(&format!("{settings}#{section}")).await;
        ada.sees(content).await;
        // The last sections cannot be at the top.
        let is_there = "const page = document.scrollingElement; \
             const { top } = document.querySelector(location.hash).getBoundingClientRect(); \
             const isAtEnd = page.scrollTop + innerHeight >= page.scrollHeight - 2; \
             return Math.abs(top) < 120 || (isAtEnd && top > 0 && top < innerHeight)";
        ada.eventually(is_there, |is_there| *is_there == true).await;
    }
    // Links of earlier emails lead to the pages that these sections have become.
    for (section, page, content) in [
        ("billing", "billing", "Company name"),
        ("log", "audit-log", "created the organization"),
        ("keys", "api-keys", "No API keys yet"),
    ] {
        ada.goto("/account/settings").await;
        ada.sees("Your account").await;
        ada.goto(&format!("{settings}#{section}")).await;
        ada.sees(content).await;
        ada.is_at(&settings.replace("settings?", &format!("settings/{page}?")))
            .await;
        ada.session.refresh().await;
        ada.sees(content).await;
        ada.lacks("heading", "Members 1").await;
    }
}

#[tokio::test]
async fn expired_sign_in_keeps_the_typed_input() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.press("button", "Rename").await;
    ada.fill("Organization name", "Acme of Ada").await;
    ada.press("button", "Invite people").await;
    ada.press("radio", "Admin").await;
    ada.fill("Email addresses", "ben@example.com cleo@exam")
        .await;
    ada.press("button", "Cancel").await;
    ada.press("link", "Billing details").await;
    ada.fill("Company name", "Analytical Engines Ltd.").await;
    ada.press("link", "General").await;
    ada.find("textbox", "Organization name").await;
    let url = ada.path().await;
    ada.sign_in_ends().await;
    ada.press("button", "Save").await;
    ada.sees("Your unsaved changes are still here.").await;
    ada.is_at(&url).await;
    assert_eq!(ada.value("Organization name").await, "Acme of Ada");
    ada.press("button", "Invite people").await;
    ada.press("button", "Send 2 invites").await;
    ada.sees("1 invite sent").await;
    assert_eq!(ada.chips().await, ["cleo@exam"]);
    ada.press("button", "Cancel").await;
    ada.find("button", "Role of the invite to ben@example.com: Admin")
        .await;
    ada.press("link", "General").await;
    ada.press("button", "Save").await;
    ada.sees("Organization renamed to Acme of Ada").await;
    ada.press("link", "Billing details").await;
    assert_eq!(ada.value("Company name").await, "Analytical Engines Ltd.");

    // Another person who signs in here sees none of the input.
    let id = url.split(['=', '#', '&']).nth(1).unwrap();
    let path = format!("/v1/organizations/{id}");
    let olga = browsers.world.sign_in("olga@example.com");
    let creator = browsers.world.sign_in("ada@example.com");
    creator.add_member(&path, &olga, "admin").await;
    ada.press("link", "Invites").await;
    ada.press("button", "Invite people").await;
    ada.fill("Email addresses", "secretly@example.com,").await;
    ada.press("button", "Cancel").await;
    ada.sign_in_ends().await;
    let body = "return fetch('/local/sign-out').then(answer => answer.ok)";
    let signed_out = ada.session.script(body, json!([])).await.unwrap();
    assert_eq!(signed_out, true);
    ada.returns().await;
    ada.press("button", &browsers.known("olga@example.com"))
        .await;
    ada.find("button", "Account menu, olga@example.com").await;
    ada.press("button", "Invite people").await;
    assert!(ada.chips().await.is_empty());
    let body = "return JSON.stringify([localStorage, sessionStorage])";
    let stored = ada.session.script(body, json!([])).await.unwrap();
    assert!(!stored.as_str().unwrap().contains("secretly"), "{stored}");
}

#[tokio::test]
async fn secret_stays_visible_after_the_sign_in_expires() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.press("link", "API keys").await;
    ada.press("button", "Create API key").await;
    ada.fill("Name", "Website").await;
    ada.press("button", "Create API key").await;
    let secret = ada.secret().await;
    ada.sign_in_ends().await;
    let body = "window.asked = 0; const { fetch } = window; \
         window.fetch = (...request) => { window.asked += 1; return fetch(...request); }";
    ada.session.script(body, json!([])).await.unwrap();
    // Ada returns from another window after storing the secret.
    ada.returns().await;
    let asked = ada.session.script("return window.asked", json!([])).await;
    assert_eq!(asked.unwrap(), 0);
    assert_eq!(ada.secret().await, secret);
    ada.press("button", "Done").await;
    ada.lacks("dialog", "Save your API key").await;
    ada.returns().await;
    ada.find("button", "Actions for Website").await;
}
