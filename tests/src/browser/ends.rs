//! Suspension, the hand-over of the creator's place, and deletion, on the settings page.

use serde_json::json;

use super::harness::Browsers;

#[tokio::test]
async fn creator_hands_over_and_the_new_one_deletes_and_restores() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;

    // Without another owner there is nobody to hand over to.
    ada.session.refresh().await;
    ada.press("button", "Hand over").await;
    ada.sees("Make a member an owner first.").await;
    ada.press("button", "Close").await;
    let olga = browsers.world.sign_in("olga@example.com");
    creator.add_member(&path, &olga, "owner").await;
    ada.session.refresh().await;
    ada.press("button", "Hand over").await;
    ada.find("dialog", "Hand over the creator’s place?").await;
    ada.is_accessible("hand-over").await;
    ada.confirm("Hand over").await;
    ada.sees("olga is the creator now.").await;
    ada.lacks("button", "Hand over").await;

    // A name has to be typed before an organization is deleted.
    let olga = browsers.sign_in("olga@example.com").await;
    olga.press("link", "Open Acme").await;
    olga.press("button", "Delete organization").await;
    olga.fill("Type “Acme” to confirm", "Acm").await;
    olga.confirm("Delete organization").await;
    olga.find("dialog", "Delete Acme?").await;
    olga.is_accessible("delete-organization").await;
    olga.fill("Type “Acme” to confirm", "Acme").await;
    olga.confirm("Delete organization").await;
    olga.sees("Acme is deleted").await;
    olga.is_accessible("deleted-organization").await;
    olga.session.refresh().await;
    olga.sees("Acme is deleted").await;
    // Another owner, who follows the link in the email, can restore it, too.
    ada.session.refresh().await;
    ada.sees("Acme is deleted").await;
    ada.press("button", "Restore").await;
    ada.sees("Acme is restored.").await;
    olga.session.refresh().await;
    olga.find("button", "Delete organization").await;
    creator.get(&path).await.expect("200");
}

#[tokio::test]
async fn danger_zone_is_for_owners() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    let anna = browsers.world.sign_in("anna@example.com");
    creator.add_member(&path, &anna, "admin").await;
    let anna = browsers.sign_in("anna@example.com").await;
    anna.press("link", "Open Acme").await;
    anna.sees("People with access to this organization").await;
    anna.lacks("button", "Delete organization").await;
    anna.lacks("link", "Danger zone").await;
}

#[tokio::test]
async fn suspension_is_shown_with_its_reason() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let server = browsers.world.server();
    let path = ada.organization().await.replace("/v1/", "/v1/server/");
    let reason = json!({"reason": "The last invoice is not paid"});
    server
        .put(&format!("{path}/suspension"), reason)
        .await
        .expect("200");
    ada.session.refresh().await;
    ada.sees("This organization is suspended").await;
    ada.sees("The last invoice is not paid.").await;
    ada.lacks("button", "Delete organization").await;
    ada.is_accessible("suspended").await;
    server
        .delete(&format!("{path}/suspension"))
        .await
        .expect("200");
    ada.returns().await;
    ada.sees_no_more("This organization is suspended").await;
}

#[tokio::test]
async fn key_press_on_a_role_makes_nobody_an_owner() {
    const ENTER: char = '\u{E007}';
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let creator = browsers.world.sign_in("ada@example.com");
    let path = ada.organization().await;
    let ulla = browsers.world.sign_in("ulla@example.com");
    creator.add_member(&path, &ulla, "user").await;
    ada.session.refresh().await;
    ada.sees("People with access to this organization").await;
    ada.tab_to("Role of ulla: User").await;
    // A closed menu takes no choice; an open one takes the first letter, and Enter.
    ada.session.key('o').await;
    ada.session.key(ENTER).await;
    ada.focus_is("User").await;
    ada.session.key('o').await;
    ada.focus_is("Owner").await;
    ada.session.key(ENTER).await;
    ada.find("dialog", "Make ulla an owner?").await;
    ada.is_accessible("make-owner").await;
    ada.press("button", "Cancel").await;
    let member = format!("{path}/members/{}", ulla.user_id);
    assert_eq!(creator.get(&member).await.expect("200")["role"], "user");

    // An owner asks to be demoted, too; other changes do not.
    ada.choose("Role of ulla", "Admin").await;
    ada.sees("ulla is now an admin.").await;
    ada.choose("Role of ulla", "Owner").await;
    ada.confirm("Make owner").await;
    ada.sees("ulla is now an owner.").await;
    ada.choose("Role of ulla", "User").await;
    ada.sees("Change ulla from owner to user?").await;
    ada.confirm("Change role").await;
    ada.sees("ulla is now a user.").await;
}

#[tokio::test]
async fn creator_is_not_offered_to_leave() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.goto("/account/settings").await;
    ada.find("link", "Open Acme").await;
    ada.lacks("button", "Leave Acme").await;
}
