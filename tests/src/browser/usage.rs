//! Plan and usage on the settings page.

use serde_json::json;

use super::harness::Browsers;
use crate::usage::render;

#[tokio::test]
async fn usage_is_visible_to_all_and_admins_change_the_plan() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let path = ada.organization().await;
    let creator = browsers.world.sign_in("ada@example.com");
    for (email, role) in [("anna@example.com", "admin"), ("ulla@example.com", "user")] {
        let member = browsers.world.sign_in(email);
        creator.add_member(&path, &member, role).await;
    }
    let key = creator.create_key(&path, "Website").await;
    let api_client = browsers.world.api_client(&key);
    render(&api_client, "images", 41).await.expect("200");

    let ulla = browsers.sign_in("ulla@example.com").await;
    ulla.press("link", "Open Acme").await;
    ulla.sees("41 of 50 used").await;
    ulla.sees("82% · 9 left").await;
    ulla.find("meter", "Image credits").await;
    ulla.sees("41 credits in the last 60 days").await;
    ulla.has_no_button("Change plan").await;
    ulla.lacks("heading", "Billing details").await;

    let anna = browsers.sign_in("anna@example.com").await;
    anna.press("link", "Open Acme").await;
    anna.press("button", "View as table").await;
    // One row for each day.
    anna.find("table", "Credits per day").await;
    let body = "return [...document.querySelectorAll('.day-table td')].map(cell => cell.innerText)";
    let days = anna.session.script(body, json!([])).await.unwrap();
    let days: Vec<String> = serde_json::from_value(days).unwrap();
    assert_eq!(days.len(), 60, "{days:?}");
    assert_eq!(days[0], "41", "the newest day is the first");
    assert!(days[1..].iter().all(|day| day == "0"), "{days:?}");
    anna.is_accessible("usage-table").await;

    anna.press("button", "Change plan").await;
    anna.asks().await;
    anna.press("radio", "Pro 10,000 credits per month").await;
    anna.is_accessible("usage-plan").await;
    anna.confirm("Change plan").await;
    anna.sees("You’re now on Pro.").await;
    anna.sees("41 of 10,000 used").await;

    anna.press("button", "Change plan").await;
    anna.asks().await;
    // A smaller plan begins with the next period, unless told otherwise.
    anna.press("radio", "Free 50 credits per month").await;
    anna.confirm("Change plan").await;
    anna.sees("You’ll switch to Free on").await;
    anna.sees("41 of 10,000 used").await;
    anna.sees("Changes to Free on").await;
    anna.focus_is("Change plan").await;

    // One that stops rendering at once says so.
    render(&api_client, "more", 10).await.expect("200");
    anna.session.refresh().await;
    anna.press("button", "Change plan").await;
    anna.asks().await;
    anna.press("radio", "Immediately").await;
    anna.sees("You’ve used 51 credits. With Free (50), image rendering stops immediately")
        .await;
}
