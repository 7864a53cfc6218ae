//! The local identity provider over HTTP: the authorization code flow with PKCE, used
//! and misused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use local::SignIn;
use reqwest::{Client, header::HeaderMap, redirect::Policy};
use serde_json::Value;

use crate::harness::World;

/// A verifier and its challenge, from the example of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const ADA: &str = "email=ada%40example.com&name=Ada&verified=true";

/// A browser that follows no redirects, so that tests can inspect them.
struct Browser {
    world: World,
    http: Client,
    cookie: Option<String>,
}

struct Seen {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.headers["location"].to_str().unwrap()
    }

    /// Returns a query parameter of the redirect's target.
    fn answer(&self, name: &str) -> Option<String> {
        let (_, query) = self.location().split_once('?').unwrap();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(parameter, _)| *parameter == name)
            .map(|(_, value)| value.to_owned())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Returns the error code of the token endpoint.
    #[track_caller]
    fn error(&self) -> String {
        assert_eq!(self.status, 400, "{}", self.text);
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

impl Browser {
    async fn start() -> Self {
        Self {
            world: World::start().await,
            http: Client::builder().redirect(Policy::none()).build().unwrap(),
            cookie: None,
        }
    }

    fn url(&self) -> &str {
        self.world.stack.url()
    }

    fn callback(&self) -> String {
        format!("{}/auth/callback", self.url())
    }

    /// Returns the path of the pages' authorize request with some parameters changed;
    /// `None` omits one.
    fn request(&self, changes: &[(&str, Option<&str>)]) -> String {
        let callback = self.callback();
        let usual = [
            ("client_id", "local"),
            ("redirect_uri", &callback),
            ("response_type", "code"),
            ("scope", "openid%20email%20profile"),
            ("state", "here"),
            ("nonce", "once"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let kept = kept.map(|(name, value)| (*name, Some(*value)));
        let query: Vec<String> = kept
            .chain(changes.iter().copied())
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        format!("/local/authorize?{}", query.join("&"))
    }

    async fn see(&mut self, path: &str, form: Option<&str>) -> Seen {
        let url = format!("{}{path}", self.url());
        let mut request = match form {
            None => self.http.get(url),
            Some(form) => self
                .http
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.to_owned()),
        };
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let answer = request.send().await.unwrap();
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(cookie.to_owned());
        }
        Seen {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.text().await.unwrap(),
        }
    }

    /// Signs Ada in and returns the authorization code.
    async fn code(&mut self) -> String {
        let path = self.request(&[]);
        let seen = self.see(&path, Some(ADA)).await;
        seen.answer("code").unwrap()
    }

    async fn redeem(&mut self, code: &str, verifier: &str) -> Seen {
        let form = format!(
            "grant_type=authorization_code&client_id=local&code={code}&redirect_uri={}&code_verifier={verifier}",
            self.callback()
        );
        self.see("/local/token", Some(&form)).await
    }

    async fn renew(&mut self, token: &str) -> Seen {
        let form = format!("grant_type=refresh_token&client_id=local&refresh_token={token}");
        self.see("/local/token", Some(&form)).await
    }
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn code_is_exchanged_for_an_id_token_valid_for_the_api() {
    let mut browser = Browser::start().await;
    let path = browser.request(&[]);
    let page = browser.see(&path, None).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<h1>Sign in</h1>"), "{}", page.text);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");

    let seen = browser.see(&path, Some(ADA)).await;
    assert!(
        seen.location()
            .starts_with(&format!("{}?", browser.callback()))
    );
    assert_eq!(seen.answer("state").unwrap(), "here");
    assert_eq!(seen.headers["cache-control"], "no-store");
    let cookie = seen.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");

    let tokens = browser
        .redeem(&seen.answer("code").unwrap(), VERIFIER)
        .await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    assert_eq!(tokens.headers["cache-control"], "no-store");
    let tokens = tokens.json();
    let claims = claims(&tokens["id_token"]);
    assert_eq!(claims["nonce"], "once");
    assert_eq!(claims["aud"], "local");
    assert_eq!(claims["iss"], browser.url());
    assert_eq!(claims["name"], "Ada");
    assert_eq!(claims["email_verified"], true);

    let session = |token: &Value| {
        let token = token.as_str().unwrap().to_owned();
        browser
            .world
            .with_token(Some(token), String::new(), String::new())
    };
    let account = session(&tokens["id_token"]).get("/v1/account").await;
    assert_eq!(account.expect("200")["email"], "ada@example.com");
    let account = session(&tokens["access_token"]).get("/v1/account").await;
    assert_eq!(account.outcome(), "401");
}

#[tokio::test]
async fn code_is_valid_once_and_for_one_minute() {
    let mut browser = Browser::start().await;
    let code = browser.code().await;
    assert_eq!(browser.redeem(&code, VERIFIER).await.status, 200);
    assert_eq!(
        browser.redeem(&code, VERIFIER).await.error(),
        "invalid_grant"
    );

    let code = browser.code().await;
    browser.world.clock.advance(TimeDelta::seconds(59));
    assert_eq!(browser.redeem(&code, VERIFIER).await.status, 200);
    let code = browser.code().await;
    browser.world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(
        browser.redeem(&code, VERIFIER).await.error(),
        "invalid_grant"
    );
}

#[tokio::test]
async fn stolen_code_without_the_verifier_is_refused() {
    let mut browser = Browser::start().await;
    for verifier in ["", CHALLENGE] {
        let code = browser.code().await;
        let refused = browser.redeem(&code, verifier).await;
        assert_eq!(refused.error(), "invalid_grant");
        // A wrong verifier invalidates the code.
        let refused = browser.redeem(&code, VERIFIER).await;
        assert_eq!(refused.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn token_request_with_wrong_parameters_is_refused() {
    let mut browser = Browser::start().await;
    let callback = browser.callback();
    for (form, error) in [
        (
            format!("grant_type=authorization_code&client_id=other&redirect_uri={callback}"),
            "invalid_client",
        ),
        (
            format!("grant_type=password&client_id=local&redirect_uri={callback}"),
            "unsupported_grant_type",
        ),
        (
            "grant_type=authorization_code&client_id=local&redirect_uri=http://127.0.0.1:1/auth/callback"
                .to_owned(),
            "invalid_grant",
        ),
        ("client_id=local".to_owned(), "unsupported_grant_type"),
        ("grant_type=refresh_token&client_id=local".to_owned(), "invalid_grant"),
    ] {
        let code = browser.code().await;
        let form = format!("{form}&code={code}&code_verifier={VERIFIER}");
        let refused = browser.see("/local/token", Some(&form)).await;
        assert_eq!(refused.error(), error, "{form}");
        assert_eq!(refused.headers["access-control-allow-origin"], "*");
    }
}

#[tokio::test]
async fn foreign_redirect_uri_is_refused() {
    let mut browser = Browser::start().await;
    for uri in [
        None,
        Some("https://example.com/auth/callback"),
        Some("http://127.0.0.1:1/auth/callback"),
        Some("/auth/callback"),
    ] {
        for form in [None, Some(ADA)] {
            let path = browser.request(&[("redirect_uri", uri)]);
            let seen = browser.see(&path, form).await;
            assert_eq!(seen.status, 400, "{uri:?}");
            assert!(!seen.headers.contains_key("location"), "{uri:?}");
            assert!(seen.text.contains("not one of this application"), "{uri:?}");
        }
    }
    let elsewhere = format!("{}/elsewhere", browser.url());
    for changes in [
        [("redirect_uri", Some(elsewhere.as_str()))],
        [("client_id", Some("other"))],
        [("client_id", None)],
    ] {
        let path = browser.request(&changes);
        assert_eq!(browser.see(&path, None).await.status, 400, "{changes:?}");
    }
    // `localhost` is the same origin by name.
    let localhost = browser.callback().replace("127.0.0.1", "localhost");
    let path = browser.request(&[("redirect_uri", Some(&localhost))]);
    let seen = browser.see(&path, Some(ADA)).await;
    assert!(seen.location().starts_with(&localhost));
}

#[tokio::test]
async fn invalid_authorize_request_redirects_with_an_error() {
    let mut browser = Browser::start().await;
    for (changes, error) in [
        (
            [("response_type", Some("token"))],
            "unsupported_response_type",
        ),
        ([("response_type", None)], "unsupported_response_type"),
        ([("scope", Some("email"))], "invalid_scope"),
        ([("scope", None)], "invalid_scope"),
        (
            [("code_challenge_method", Some("plain"))],
            "invalid_request",
        ),
        ([("code_challenge_method", None)], "invalid_request"),
        ([("code_challenge", Some("short"))], "invalid_request"),
        ([("code_challenge", None)], "invalid_request"),
        ([("prompt", Some("none"))], "login_required"),
    ] {
        let path = browser.request(&changes);
        let seen = browser.see(&path, None).await;
        assert_eq!(seen.answer("error").as_deref(), Some(error), "{changes:?}");
        assert_eq!(seen.answer("state").as_deref(), Some("here"), "{changes:?}");
        assert_eq!(seen.answer("code"), None, "{changes:?}");
    }
}

#[tokio::test]
async fn second_tab_needs_no_form_until_sign_out() {
    let mut browser = Browser::start().await;
    browser.code().await;
    let path = browser.request(&[]);
    let again = browser.see(&path, None).await;
    let tokens = browser
        .redeem(&again.answer("code").unwrap(), VERIFIER)
        .await
        .json();
    assert_eq!(claims(&tokens["id_token"])["email"], "ada@example.com");
    for prompt in ["login", "select_account"] {
        let asked = browser.request(&[("prompt", Some(prompt))]);
        assert_eq!(browser.see(&asked, None).await.status, 200, "{prompt}");
    }

    let unused = browser.code().await;
    let home = format!("{}/", browser.url());
    let out = format!("/local/sign-out?client_id=local&post_logout_redirect_uri={home}");
    assert_eq!(browser.see(&out, None).await.location(), home);
    assert_eq!(browser.see(&path, None).await.status, 200);
    assert_eq!(
        browser.redeem(&unused, VERIFIER).await.error(),
        "invalid_grant"
    );
}

#[tokio::test]
async fn sign_out_never_redirects_to_a_foreign_page() {
    let mut browser = Browser::start().await;
    for path in [
        "/local/sign-out",
        "/local/sign-out?post_logout_redirect_uri=https://example.com/",
    ] {
        let seen = browser.see(path, None).await;
        assert_eq!(seen.status, 200, "{path}");
        assert!(seen.text.contains("You are signed out"), "{path}");
    }
}

#[tokio::test]
async fn refresh_token_is_valid_once_and_until_sign_out() {
    let mut browser = Browser::start().await;
    let code = browser.code().await;
    let first = browser.redeem(&code, VERIFIER).await.json();
    browser.world.clock.advance(TimeDelta::days(14));
    let refresh = first["refresh_token"].as_str().unwrap();
    let second = browser.renew(refresh).await.json();
    let (old, new) = (claims(&first["id_token"]), claims(&second["id_token"]));
    assert_eq!(new["sub"], old["sub"]);
    assert!(new["iat"].as_i64() > old["exp"].as_i64());
    assert_eq!(browser.renew(refresh).await.error(), "invalid_grant");

    browser.see("/local/sign-out", None).await;
    let refresh = second["refresh_token"].as_str().unwrap();
    assert_eq!(browser.renew(refresh).await.error(), "invalid_grant");
}

#[tokio::test]
async fn revoked_refresh_token_is_invalid() {
    let mut browser = Browser::start().await;
    let code = browser.code().await;
    let tokens = browser.redeem(&code, VERIFIER).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let discovered = browser.see("/.well-known/openid-configuration", None).await;
    let endpoint = discovered.json()["revocation_endpoint"].clone();
    assert_eq!(endpoint, format!("{}/local/revoke", browser.url()));
    for (client, status) in [("other", 400), ("local", 200), ("local", 200)] {
        let form = format!("client_id={client}&token={refresh}");
        let seen = browser.see("/local/revoke", Some(&form)).await;
        assert_eq!(seen.status, status, "{client}");
    }
    assert_eq!(browser.renew(&refresh).await.error(), "invalid_grant");
}

#[tokio::test]
async fn known_person_is_selected_with_their_claims() {
    let mut browser = Browser::start().await;
    let ben = SignIn {
        name: Some("Ben & Co".to_owned()),
        email_verified: false,
        ..SignIn::with_email("ben@example.com")
    };
    browser.world.sign_in_as(ben.clone());
    let path = browser.request(&[]);
    let page = browser.see(&path, None).await;
    assert!(page.text.contains("Ben &#38; Co"), "{}", page.text);
    let seen = browser
        .see(&path, Some(&format!("person={}", ben.user_id)))
        .await;
    let tokens = browser
        .redeem(&seen.answer("code").unwrap(), VERIFIER)
        .await
        .json();
    let claims = claims(&tokens["id_token"]);
    assert_eq!(claims["sub"], ben.user_id);
    assert_eq!(claims["email_verified"], false);
    assert_eq!(browser.see(&path, Some("person=nobody")).await.status, 400);
}

#[tokio::test]
async fn sign_in_form_sets_the_claims_and_keeps_invalid_input() {
    let mut browser = Browser::start().await;
    let path = browser.request(&[]);
    let refused = browser.see(&path, Some("email=ada&name=Ada+L")).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("Enter an email address"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains(r#"value="ada""#), "{}", refused.text);
    assert!(
        refused.text.contains(r#"value="Ada L""#),
        "{}",
        refused.text
    );

    let seen = browser.see(&path, Some("email=Ada%40example.com")).await;
    let code = seen.answer("code").unwrap();
    let tokens = browser.redeem(&code, VERIFIER).await.json();
    let claims = claims(&tokens["id_token"]);
    assert_eq!(claims["email"], "Ada@example.com");
    assert_eq!(claims["email_verified"], false);
    assert_eq!(claims["name"], Value::Null);

    let cancelled = browser.see(&path, Some("cancel=true")).await;
    assert_eq!(cancelled.answer("error").unwrap(), "access_denied");
}

#[tokio::test]
async fn discovery_document_lists_working_endpoints() {
    let mut browser = Browser::start().await;
    let seen = browser.see("/.well-known/openid-configuration", None).await;
    assert_eq!(seen.headers["access-control-allow-origin"], "*");
    let document = seen.json();
    assert_eq!(document["issuer"], browser.url());
    for (endpoint, form, status) in [
        ("jwks_uri", None, 200),
        ("authorization_endpoint", None, 400),
        ("token_endpoint", Some(""), 400),
        ("end_session_endpoint", None, 200),
    ] {
        let path = document[endpoint].as_str().unwrap().to_owned();
        let path = path.strip_prefix(browser.url()).unwrap();
        assert_eq!(browser.see(path, form).await.status, status, "{endpoint}");
    }
}
