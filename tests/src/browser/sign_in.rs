//! Signing in and out: the local provider's page, and the pages' sessions.

use local::SignIn;
use serde_json::{Value, json};

use super::harness::{Browser, Browsers};

#[tokio::test]
async fn sign_in_page_is_accessible_in_both_themes() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    browsers.world.sign_in("ada@example.com");
    browsers.world.sign_in_as(SignIn {
        email_verified: false,
        name: Some("Benjamin Franklin of a long name".to_owned()),
        ..SignIn::with_email("benjamin.franklin.of.a.long.address@a-long-subdomain.example.com")
    });
    let browser = browsers.open("somebody").await;
    let url = browsers.world.stack.url();
    browser
        .goto(&format!(
            "/local/authorize?client_id=local&redirect_uri={url}/auth/callback&response_type=code&scope=openid\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        ))
        .await;
    browser.sees("Somebody else").await;
    browser.is_accessible("sign-in").await;
    browser.fill("Email", "nobody").await;
    browser.press("button", "Sign in").await;
    browser.sees("Enter an email address").await;
    browser.is_accessible("sign-in-slip").await;
}

/// Returns a value of this tab's memory.
async fn script(browser: &Browser, body: &str) -> Value {
    browser.session.script(body, json!([])).await.unwrap()
}

/// Returns the user id that the page has signed in.
async fn signed_in(browser: &Browser) -> Value {
    let session = "JSON.parse(sessionStorage.getItem('sign-in.session'))";
    script(browser, &format!("return {session}?.person.sub")).await
}

#[tokio::test]
async fn sign_out_elsewhere_ends_this_tab() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.sign_in("ada@example.com").await;
    let me = signed_in(&ada).await;
    let tell = |who: &str| {
        format!("new BroadcastChannel('sign-in.signed-out').postMessage({who}); return null")
    };
    script(&ada, &tell("'somebody else'")).await;
    script(&ada, &tell(&me.to_string())).await;
    ada.is_at("/").await;
    ada.find("button", "Sign in").await;
    assert_eq!(signed_in(&ada).await, Value::Null);
}

#[tokio::test]
async fn sign_out_tells_other_tabs_and_revokes_the_token() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.sign_in("ada@example.com").await;
    let me = signed_in(&ada).await;
    let refresh = "JSON.parse(sessionStorage.getItem('sign-in.session')).refresh_token";
    let refresh = script(&ada, &format!("return {refresh}")).await;
    // A session of the provider that outlives the sign-out of this browser.
    script(
        &ada,
        "new BroadcastChannel('sign-in.signed-out').onmessage = ({ data }) => localStorage.setItem('heard', data);
         document.cookie = 'sign_in=; Path=/local; Max-Age=0'; return null",
    )
    .await;
    ada.press("button", "Account menu, ada@example.com").await;
    ada.press("button", "Sign out").await;
    ada.find("button", "Sign in").await;
    assert_eq!(
        script(&ada, "return localStorage.getItem('heard')").await,
        me
    );
    let form = format!(
        "grant_type=refresh_token&client_id=local&refresh_token={}",
        refresh.as_str().unwrap()
    );
    let answer = reqwest::Client::new()
        .post(format!("{}/local/token", browsers.world.stack.url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn back_after_sign_out_shows_nothing() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.sign_in("ada@example.com").await;
    ada.press("button", "Account menu, ada@example.com").await;
    ada.press("button", "Sign out").await;
    ada.find("button", "Sign in").await;
    ada.session.back().await;
    // Without the browser's memory of the page, its sign-in begins again.
    ada.sees("Sign in").await;
    ada.sees_no_more("ada@example.com").await;
    assert_eq!(signed_in(&ada).await, Value::Null);
}

#[tokio::test]
async fn fresh_token_that_the_api_refuses_is_told() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let ada = browsers.sign_in("ada@example.com").await;
    ada.goto("/").await;
    ada.find("link", "Open settings").await;
    script(
        &ada,
        "const real = window.fetch; window.asked = 0;
         window.fetch = (url, init) => {
           if (!String(url).startsWith('/v1/')) return real(url, init);
           window.asked += 1;
           return Promise.resolve(new Response('{\"message\":\"Unauthorized\"}', { status: 401 }));
         };
         return null",
    )
    .await;
    ada.press("button", "Select organization").await;
    ada.sees("the server does not accept this sign-in").await;
    assert_eq!(script(&ada, "return window.asked").await, 2);
    ada.find("button", "Try again").await;
    ada.press("button", "Sign out").await;
    ada.find("button", "Sign in").await;
}

#[tokio::test]
async fn malformed_or_decorated_link_gets_a_sentence() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let guest = browsers.open("guest").await;
    guest.goto("/invites/%E0%A4%A").await;
    guest.sees("This page has expired").await;
    guest.is_at("/invites/opened").await;

    let ada = browsers.world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "ben@example.com", "user").await;
    browsers.world.drain().await;
    let token = browsers.world.link_token("ben@example.com");
    for end in ["%", ".", ")", "%3E", "/"] {
        guest.goto(&format!("/invites/{token}{end}")).await;
        guest.sees("Join Acme").await;
    }
}

#[tokio::test]
async fn blocked_storage_gets_a_sentence() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    let guest = browsers.open("guest").await;
    let shut = "for (const name of ['sessionStorage', 'localStorage']) {
        Object.defineProperty(window, name, { get() { throw new DOMException('shut', 'SecurityError'); } });
    }";
    guest
        .cdp(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": shut }),
        )
        .await;
    let ada = browsers.world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "ben@example.com", "user").await;
    browsers.world.drain().await;
    let token = browsers.world.link_token("ben@example.com");
    guest.goto(&format!("/invites/{token}")).await;
    guest.sees("Join Acme").await;
    guest.press("button", "Sign in to accept").await;
    guest
        .sees("Your browser blocks storage for this site")
        .await;
}
