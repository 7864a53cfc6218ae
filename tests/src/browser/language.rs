//! Pages in another language than English.

use serde_json::json;

use super::harness::{Browser, Browsers};

impl Browser {
    /// Has the browser prefer a language, from the next page on.
    async fn prefers(&self, languages: &str) {
        let agent = self.session.script("return navigator.userAgent", json!([]));
        let input = json!({ "userAgent": agent.await.unwrap(), "acceptLanguage": languages });
        self.cdp("Network.setUserAgentOverride", input).await;
    }

    /// Returns the language of the page, and the first one that the browser prefers.
    async fn languages(&self) -> (String, String) {
        let script = "return [document.documentElement.lang, navigator.languages[0]]";
        let found = self.session.script(script, json!([])).await.unwrap();
        serde_json::from_value(found).unwrap()
    }
}

#[tokio::test]
async fn reader_of_german_gets_german_pages() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    assert_eq!(ada.languages().await.0, "en");
    ada.press("button", "Invite people").await;
    ada.fill("Email addresses", "ben@example.com").await;
    ada.press("button", "Send invite").await;
    ada.sees("1 invite sent").await;

    ada.prefers("de-AT,de,en").await;
    ada.session.refresh().await;
    ada.sees("Ausstehende Einladungen").await;
    assert_eq!(ada.languages().await, ("de".into(), "de-AT".into()));
    // A reason of the server is in the reader's language, too.
    ada.press("button", "Aktionen für ada").await;
    ada.is_refused("menuitem", "Organisation verlassen", "Ersteller")
        .await;
    ada.session.key('\u{e00c}').await;
    ada.is_accessible("german-settings").await;
    ada.press("button", "Personen einladen").await;
    ada.is_accessible("german-invite").await;
    let settings = ada.path().await;

    let section = |name: &str| settings.replace("settings?", &format!("settings/{name}?"));
    ada.goto(&section("audit-log")).await;
    ada.sees("ada hat ben@example.com als Nutzer eingeladen")
        .await;
    ada.is_accessible("german-log").await;
    for (page, text) in [
        ("api-keys", "Noch keine API-Schlüssel"),
        ("billing", "Rechnungsanschrift"),
    ] {
        ada.goto(&section(page)).await;
        ada.sees(text).await;
        ada.is_accessible(&format!("german-{page}")).await;
    }
    ada.goto("/account/settings").await;
    ada.sees("Ihr Konto").await;
    ada.is_accessible("german-account").await;

    let ben = browsers.open("ben").await;
    ben.prefers("fr,de;q=0.5").await;
    browsers.world.drain().await;
    let token = browsers.world.link_token("ben@example.com");
    ben.goto(&format!("/invites/{token}")).await;
    ben.find("heading", "Acme beitreten").await;
    ben.is_accessible("german-invite-page").await;
    ben.goto("/").await;
    ben.find("button", "Anmelden").await;
    ben.is_accessible("german-home").await;
}
