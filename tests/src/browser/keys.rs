//! API keys on the settings page.

use serde_json::json;

use super::harness::{Browser, Browsers};

impl Browser {
    /// Returns the secret that the dialog shows.
    pub async fn secret(&self) -> String {
        self.sees("Save your API key").await;
        let body = "return document.querySelector('[data-testid=secret]').textContent";
        let secret = self.session.script(body, json!([])).await.unwrap();
        secret.as_str().unwrap().trim().to_owned()
    }
}

#[tokio::test]
async fn secret_is_shown_once_and_users_only_view_keys() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    let path = ada.organization().await;
    let ulla = browsers.world.sign_in("ulla@example.com");
    browsers
        .world
        .sign_in("ada@example.com")
        .add_member(&path, &ulla, "user")
        .await;

    ada.press("link", "API keys").await;
    ada.press("button", "Create API key").await;
    ada.asks().await;
    ada.press("button", "Create API key").await;
    ada.sees("must not be empty").await;
    ada.fill("Name", "Website").await;
    ada.is_accessible("keys-create").await;
    ada.press("button", "Create API key").await;
    let first = ada.secret().await;
    assert!(first.starts_with("osk_"), "{first}");
    ada.is_accessible("keys-secret").await;
    ada.press("button", "Done").await;
    ada.find("button", "Actions for Website").await;
    ada.sees("Never used").await;

    ada.act("Website", "Rotate").await;
    ada.asks().await;
    ada.press("button", "Rotate").await;
    let second = ada.secret().await;
    assert_ne!(first, second);
    ada.press("button", "Done").await;
    ada.sees("Previous secret works until").await;
    // Neither secret is on the page or in the browser's storage.
    ada.session.refresh().await;
    ada.find("button", "Actions for Website").await;
    let body = "return document.documentElement.outerHTML + JSON.stringify([localStorage, sessionStorage])";
    let stored = ada.session.script(body, json!([])).await.unwrap();
    for secret in [&first, &second] {
        assert!(!stored.as_str().unwrap().contains(secret.as_str()));
    }

    let ulla = browsers.sign_in("ulla@example.com").await;
    ulla.press("link", "Open Acme").await;
    ulla.press("link", "API keys").await;
    ulla.sees("Website").await;
    ulla.lacks("button", "Actions for Website").await;
    ulla.lacks("button", "Create API key").await;
    ada.act("Website", "Revoke").await;
    ada.confirm("Revoke").await;
    ada.sees("API key “Website” revoked.").await;
    ada.sees("No API keys yet").await;
}
