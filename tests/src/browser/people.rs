//! Situations of use: concurrent edits, a lost connection, keyboard only, the wrong
//! account, hostile names.

use local::SignIn;
use serde_json::json;

use super::harness::Browsers;

#[tokio::test]
async fn concurrent_edits_are_shown_and_lose_no_input() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let organization = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    let olga = browsers.world.sign_in("olga@example.com");
    organization.add_member(&path, &olga, "owner").await;
    let olga = browsers.sign_in("olga@example.com").await;
    olga.press("link", "Open Acme").await;

    // Both start to rename, and Olga saves first. Ada sees that and keeps her input.
    ada.session.refresh().await;
    ada.press("button", "Rename").await;
    ada.fill("Organization name", "Acme of Ada").await;
    olga.press("button", "Rename").await;
    olga.fill("Organization name", "Acme of Olga").await;
    olga.press("button", "Save").await;
    olga.sees("Organization renamed to Acme of Olga").await;
    // Ada returns to her window.
    ada.returns().await;
    ada.sees("Someone else just renamed this to “Acme of Olga”.")
        .await;
    assert_eq!(ada.value("Organization name").await, "Acme of Ada");
    ada.press("button", "Save").await;
    ada.sees("Organization renamed to Acme of Ada").await;

    // Both change the same member, whom Ada removes first.
    let ulla = browsers.world.sign_in("ulla@example.com");
    organization.add_member(&path, &ulla, "user").await;
    for browser in [&ada, &olga] {
        browser.session.refresh().await;
        browser.find("button", "Actions for ulla").await;
    }
    ada.act("ulla", "Remove ulla").await;
    ada.confirm("Remove ulla").await;
    ada.sees("ulla was removed.").await;
    olga.press("button", "Invite people").await;
    olga.fill("Email addresses", "someone@example.com").await;
    olga.press("button", "Cancel").await;
    olga.choose("Role of ulla", "Admin").await;
    olga.sees("There is no such member").await;
    olga.lacks("button", "Actions for ulla").await;
    olga.press("button", "Invite people").await;
    assert_eq!(olga.chips().await, ["someone@example.com"]);
}

#[tokio::test]
async fn lost_connection_is_shown_and_the_request_retried() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.press("button", "Rename").await;
    ada.fill("Organization name", "Acme again").await;
    ada.connected(false).await;
    ada.press("button", "Save").await;
    ada.sees("Connection lost. Reconnecting…").await;
    ada.connected(true).await;
    ada.sees("Organization renamed to Acme again").await;
    ada.sees_no_more("Connection lost.").await;
}

#[tokio::test]
async fn settings_page_works_with_the_keyboard_alone() {
    const TAB: char = '\u{E004}';
    const ENTER: char = '\u{E007}';
    const UP: char = '\u{E013}';
    const ESCAPE: char = '\u{E00C}';
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.session.refresh().await;
    ada.sees("People with access to this organization").await;

    // The first tab stop skips the top bar.
    ada.session.key(TAB).await;
    assert_eq!(ada.focused().await, "Skip to content");
    ada.session.key(ENTER).await;
    ada.tab_to("Rename").await;
    ada.session.key(ENTER).await;
    ada.find("textbox", "Organization name").await;
    // The field has the focus, with the old name selected.
    ada.focus_is("Organization name").await;
    ada.types("Acme by keyboard").await;
    ada.session.key(ENTER).await;
    ada.sees("Organization renamed to Acme by keyboard").await;
    ada.focus_is("Rename").await;

    // A dialog takes the focus and returns it.
    ada.tab_to("Invite people").await;
    ada.session.key(ENTER).await;
    ada.focus_is("Email addresses").await;
    ada.types("ben@example.com, cleo@example.com").await;
    ada.tab_to("Send 2 invites").await;
    ada.session.key(ENTER).await;
    ada.sees("2 invites sent").await;
    ada.focus_is("Invite people").await;

    // So does a menu.
    ada.tab_to("Role of the invite to ben@example.com: User")
        .await;
    ada.session.key(ENTER).await;
    ada.focus_is("User").await;
    ada.session.key(UP).await;
    ada.focus_is("Admin").await;
    ada.session.key(ESCAPE).await;
    ada.focus_is("Role of the invite to ben@example.com: User")
        .await;
    ada.tab_to("Actions for ben@example.com").await;
    ada.session.key(ENTER).await;
    ada.focus_is("Resend invite").await;
    // By its first letter.
    ada.session.key('c').await;
    ada.focus_is("Cancel invite").await;
    ada.session.key(ENTER).await;
    ada.find("dialog", "Cancel the invite to ben@example.com?")
        .await;
    ada.session.key(ESCAPE).await;
    ada.lacks("dialog", "Cancel the invite to ben@example.com?")
        .await;
    ada.focus_is("Actions for ben@example.com").await;
    ada.session.key(ENTER).await;
    ada.focus_is("Resend invite").await;
    ada.session.key('c').await;
    ada.session.key(ENTER).await;
    ada.tab_to("Cancel invite").await;
    ada.session.key(ENTER).await;
    ada.sees("Invite to ben@example.com cancelled.").await;
    // The focused element is gone, and the focus moves to another one.
    assert_ne!(ada.focused().await, "");
}

#[tokio::test]
async fn wrong_account_is_named_and_can_be_changed() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.invite("ben@example.com", "User").await;
    ada.sees("1 invite sent").await;
    let link = browsers.link("ben@example.com").await;
    let eve = browsers.sign_in("eve@example.com").await;
    eve.goto(&link).await;
    eve.sees("You’re signed in as eve@example.com, but this invite is for b…@example.com.")
        .await;
    eve.lacks("button", "Accept invite").await;
    eve.press("button", "Switch account").await;
    eve.sign_in_as("ben@example.com", "Ben", true).await;
    eve.press("button", "Accept invite").await;
    eve.sees("People with access to this organization").await;
    // No address in the browser's history holds the link's token.
    let token = link.rsplit('/').next().unwrap();
    for _ in 0..6 {
        eve.session.back().await;
        assert!(!eve.path().await.contains(token));
    }
}

#[tokio::test]
async fn sign_out_ends_the_session_here_and_at_the_provider() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let stored = ada
        .session
        .script("return JSON.stringify(localStorage)", json!([]))
        .await
        .unwrap();
    assert!(!stored.as_str().unwrap().contains("eyJ"), "{stored}");
    ada.press("button", "Account menu, ada@example.com").await;
    ada.press("button", "Sign out").await;
    ada.is_at("/").await;
    ada.goto("/account/settings").await;
    ada.sees("This is the local identity provider").await;
    // Cancelling the sign-in is reported and can be repeated.
    ada.press("button", "Cancel").await;
    ada.sees("Sign-in was cancelled.").await;
    ada.press("button", "Sign in again").await;
    ada.press("button", "ada ada@example.com").await;
    ada.sees("People with access to this organization").await;
}

/// Hostile and unusual names.
const HOSTILE: [&str; 5] = [
    "<img src=x onerror=\"document.title='taken over'\">",
    "</script><script>document.title='taken over'</script>",
    "\u{202E}evil\u{202C} \u{200F}of the right\u{200E}",
    "👩‍👩‍👧‍👦 Acme & “Söhne” 日本語",
    "{{constructor.constructor('document.title=1')()}}",
];

#[tokio::test]
async fn hostile_names_are_shown_as_text() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let long = "W".repeat(200);
    let creator = browsers.world.sign_in("ada@example.com");
    let mut created = Vec::new();
    for name in HOSTILE.into_iter().chain([long.as_str()]) {
        let path = creator.create_organization(name).await;
        created.push((path.rsplit('/').next().unwrap().to_owned(), name));
    }
    let mallory = browsers.world.sign_in_as(SignIn {
        name: Some(HOSTILE[0].to_owned()),
        ..SignIn::with_email("mallory@example.com")
    });
    let first = format!("/v1/organizations/{}", created[0].0);
    creator.add_member(&first, &mallory, "user").await;
    let ada = browsers.sign_in("ada@example.com").await;
    for (number, (id, name)) in created.iter().enumerate() {
        let words: Vec<&str> = name.split_whitespace().collect();
        let name = words.join(" ");
        ada.goto("/account/settings").await;
        ada.sees(&name).await;
        ada.goto(&format!(
            "/dashboard/organization-settings?organization={id}"
        ))
        .await;
        ada.sees(&name).await;
        ada.find("button", &format!("Switch organization: {name}"))
            .await;
        ada.is_accessible(&format!("hostile-{number}")).await;
        let body = "return [document.title, document.querySelectorAll('img, #page script').length]";
        let found = ada.session.script(body, json!([])).await.unwrap();
        assert!(
            !found[0].as_str().unwrap().starts_with("taken over"),
            "{found}"
        );
        assert_eq!(found[1], 0, "{found}");
    }
}
