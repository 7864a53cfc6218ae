//! The bar at the top of each page.

use serde_json::json;

use super::harness::Browsers;

#[tokio::test]
async fn organizations_are_searched_with_the_current_one_first() {
    let Some(browsers) = Browsers::without_limits().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let caller = browsers.world.sign_in("ada@example.com");
    for number in 0..55 {
        let name = match number {
            54 => "Z".repeat(200),
            number => format!("Client {number}"),
        };
        caller
            .post("/v1/organizations", json!({"name": name}))
            .await
            .expect("201");
    }
    ada.session.refresh().await;
    ada.press("button", "Switch organization: Acme").await;
    ada.find("searchbox", "Search organizations").await;
    let names = ada.all("button").await.unwrap();
    let place = |start: &str| names.iter().position(|node| node.name.starts_with(start));
    assert!(place("Acme Owner") < place("Client"), "{names:?}");
    ada.find("button", "Show all").await;
    ada.is_accessible("switcher-of-many").await;
    // The last page is searched, too.
    ada.fill("Search organizations", "client 53").await;
    ada.find("button", "Client 53 Owner").await;
    ada.lacks("button", "Client 5 Owner").await;
    ada.fill("Search organizations", "nothing").await;
    ada.sees("No organization has this name.").await;
    ada.fill("Search organizations", "client 53").await;
    ada.press("button", "Client 53 Owner").await;
    ada.find("button", "Switch organization: Client 53").await;
}
