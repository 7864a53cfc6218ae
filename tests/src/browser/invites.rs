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
    ada.act("ben", "Remove ben").await;
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
    ada.act("nia@example.com", "Resend invite").await;
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

#[tokio::test]
async fn ended_invite_is_listed_and_invited_again() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let (ada, creator, _, path) = ada_with_ben(&browsers).await;
    let invites = format!("{path}/invites");
    creator.invite(&path, "nia@example.com", "admin").await;
    creator.invite(&path, "olu@example.com", "user").await;
    let pending = creator.get(&invites).await.expect("200");
    let id = pending["items"][0]["id"].as_str().unwrap();
    creator
        .delete(&format!("{invites}/{id}"))
        .await
        .expect("204");
    // Nobody sends two emails to an address within a minute.
    browsers.world.drain().await;
    browsers.world.clock.advance(TimeDelta::minutes(2));

    ada.session.refresh().await;
    ada.sees("olu@example.com").await;
    ada.press("button", "Ended").await;
    ada.sees("nia@example.com Admin · Cancelled").await;
    ada.sees_no_more("olu@example.com").await;
    ada.is_accessible("invites-ended").await;
    ada.press("button", "Invite again: nia@example.com").await;
    ada.sees("nia@example.com was invited again.").await;
    ada.find("button", "Role of the invite to nia@example.com: Admin")
        .await;
    ada.press("button", "Ended").await;
    ada.sees("No invites ended in the last 30 days").await;
    ada.press("button", "Not delivered 0").await;
    ada.sees("Every pending invite was sent").await;
}

#[tokio::test]
async fn invite_form_takes_pasted_lists_and_marks_what_is_wrong() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let (ada, creator, _, path) = ada_with_ben(&browsers).await;
    creator.invite(&path, "nia@example.com", "user").await;
    ada.session.refresh().await;
    ada.press("button", "Invite people").await;
    ada.focus_is("Email addresses").await;
    let paste = "const data = new DataTransfer(); \
         data.setData('text/plain', 'Olu Ade <olu@example.com>\\nPia@example.com;nia@example.com\\nben@example.com\\nolu@example.com'); \
         document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    ada.session
        .script(paste, serde_json::json!([]))
        .await
        .unwrap();
    ada.find("button", "Send 4 invites").await;
    let pasted = [
        "olu@example.com",
        "Pia@example.com",
        "nia@example.com",
        "ben@example.com",
    ];
    assert_eq!(ada.chips().await, pasted);
    let wrong = "return [...document.querySelectorAll('.chip-wrong')].map(chip => chip.title)";
    ada.eventually(wrong, |wrong| {
        *wrong
            == serde_json::json!([
                "Already invited. Resend or cancel the pending invite.",
                "Already a member"
            ])
    })
    .await;
    ada.press("button", "Remove ben@example.com").await;
    ada.press("button", "Remove nia@example.com").await;
    // Backspace takes the last one back into the field.
    const BACKSPACE: char = '\u{E003}';
    ada.session.key(BACKSPACE).await;
    assert_eq!(ada.value("Email addresses").await, "Pia@example.com");
    ada.press("button", "Send 2 invites").await;
    ada.sees("2 invites sent").await;
    ada.lacks("dialog", "Invite people to Acme").await;
}

#[tokio::test]
async fn checklist_leads_a_new_organization_and_goes() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.sees("Get started 0 of 3 done").await;
    ada.is_accessible("checklist").await;
    ada.press("link", "Create an API key").await;
    ada.sees("No API keys yet").await;
    ada.press("button", "Create API key").await;
    ada.fill("Name", "Website").await;
    ada.press("button", "Create API key").await;
    ada.press("button", "Done").await;
    ada.press("link", "General").await;
    ada.sees("Get started 1 of 3 done").await;
    ada.press("button", "Dismiss “Get started”").await;
    ada.sees_no_more("Get started").await;
    ada.session.refresh().await;
    ada.find("heading", "Acme").await;
    ada.sees_no_more("Get started").await;
}

#[tokio::test]
async fn audit_log_is_filtered_and_exported() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let (ada, creator, ben, path) = ada_with_ben(&browsers).await;
    ben.invite(&path, "nia@example.com", "user").await;
    creator.create_key(&path, "Website").await;
    ada.press("link", "Audit log").await;
    ada.sees("ada created the API key Website").await;
    ada.choose("Activity", "Invites").await;
    ada.sees_no_more("ada created the API key").await;
    ada.sees("ben invited nia@example.com as user").await;
    ada.sees("ada invited ben@example.com as admin").await;
    ada.choose("Person", "ben").await;
    ada.sees_no_more("ada invited ben@example.com").await;
    ada.sees("ben invited nia@example.com as user").await;
    ada.choose("Activity", "Billing").await;
    ada.sees("No activity matches these filters").await;
    ada.choose("Activity", "All activity").await;
    ada.choose("Person", "Everyone").await;
    ada.choose("Time", "Last 24 hours").await;
    ada.sees("ada created the organization Acme").await;

    let keep = "window.saved = []; const { createObjectURL } = URL; \
         URL.createObjectURL = (blob) => { blob.text().then(text => saved.push(text)); return createObjectURL(blob); }; \
         HTMLAnchorElement.prototype.click = function () { saved.push(this.download); }";
    ada.session
        .script(keep, serde_json::json!([]))
        .await
        .unwrap();
    ada.press("button", "Export CSV").await;
    ada.eventually("return window.saved", |saved| {
        let text = saved.to_string();
        text.contains("audit-log-")
            && text.contains("ben invited nia@example.com as user")
            && text.contains("ada created the organization Acme")
    })
    .await;
}
