//! The local stack's API for tests of a product, as `docs/local-api.md` describes it.

use std::fs;

use local::{Client, Options, SignIn, Stack, TrustedProvider};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    completeness::repository,
    harness::{Session, World},
};

const FORTNIGHT: i64 = 14 * 24 * 3600;

/// Sends a request to the local stack's own routes, and returns the status and the body.
async fn send(world: &World, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}{path}", world.stack.url());
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(body) = body {
        request = request.body(body.to_string());
        request = request.header("content-type", "application/json");
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

async fn get(world: &World, path: &str) -> Value {
    let (status, body) = send(world, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    send(world, Method::POST, path, Some(body)).await
}

async fn sign_in(world: &World, person: Value) -> Session {
    let (status, body) = post(world, "/local/sign-in", person).await;
    assert_eq!(status, 200, "{body}");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    world.with_token(Some(text("token")), text("user_id"), String::new())
}

#[tokio::test]
async fn moved_clock_expires_an_invite() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "ben@example.com", "user").await;

    let moved = post(
        &world,
        "/local/clock",
        json!({ "advance_seconds": FORTNIGHT }),
    );
    let moved = moved.await;
    assert_eq!(moved, (200, json!({ "now": "2026-03-15T12:00:00Z" })));
    assert_eq!(get(&world, "/local/clock").await, moved.1);

    // Tokens expire, too.
    let refused = ada.get(&organization).await;
    assert_eq!(refused.status, 401);
    let ada = world.sign_in("ada@example.com");
    let pending = ada.get(&format!("{organization}/invites")).await;
    assert_eq!(pending.expect("200")["items"], json!([]));
    let ran = post(&world, "/local/run/expire-invites", Value::Null).await;
    assert_eq!(ran, (200, json!({ "operation": "expire-invites" })));
    let log = ada.get(&format!("{organization}/audit-events")).await;
    assert_eq!(log.expect("200")["items"][0]["kind"], "invite.expired");
}

#[tokio::test]
async fn time_that_is_past_is_refused() {
    let world = World::start().await;
    let later = json!({ "now": "2026-03-02T00:00:00Z" });
    let (status, body) = post(&world, "/local/clock", later.clone()).await;
    assert_eq!((status, body), (200, later));
    for (wish, said) in [
        (
            json!({ "now": "2026-03-01T12:00:00Z" }),
            "the clock cannot go back",
        ),
        (json!({ "advance_seconds": -1 }), "the clock cannot go back"),
        (
            json!({ "advance_seconds": i64::MAX }),
            "at most 100 years ahead",
        ),
        (json!({ "advance": 1 }), "unknown field `advance`"),
        (json!({ "now": "tomorrow" }), "invalid characters"),
        (json!({}), "either `now`, a time, or `advance_seconds`"),
        (
            json!({ "now": "2026-03-03T00:00:00Z", "advance_seconds": 1 }),
            "either `now`",
        ),
    ] {
        let (status, body) = post(&world, "/local/clock", wish.clone()).await;
        let message = body["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(said), "{wish}: {message}");
    }
}

#[tokio::test]
async fn operation_without_a_schedule_is_not_run() {
    let world = World::start().await;
    let schedules = &world.stack.template().schedules;
    assert!(schedules.len() > 2);
    let (status, body) = post(&world, "/local/run/create-invite", Value::Null).await;
    let message = body["message"].as_str().unwrap();
    assert_eq!(status, 404);
    for schedule in schedules {
        assert!(message.contains(&schedule.operation), "{message}");
        let path = format!("/local/run/{}", schedule.operation);
        assert_eq!(post(&world, &path, Value::Null).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn email_is_found_by_its_recipient_at_once() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    for email in ["ben@example.com", "cleo@example.com"] {
        ada.invite(&organization, email, "user").await;
    }
    let found = get(&world, "/local/emails?to=BEN@example.com").await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["to"], json!(["ben@example.com"]));
    let link = found[0]["links"][0].as_str().unwrap();
    let prefix = format!("{}/invites/", world.stack.url());
    assert!(link.starts_with(&prefix), "{link}");
    let all = get(&world, "/local/emails").await;
    assert_eq!(all.as_array().unwrap().len(), 2);

    let (status, body) = send(&world, Method::GET, "/local/emails?for=ben", None).await;
    let message = body["message"].as_str().unwrap();
    assert!(
        status == 400 && message.contains("unknown field `for`"),
        "{message}"
    );
}

#[tokio::test]
async fn email_that_bounces_is_reported_at_once() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "bounce@simulator.amazonses.com", "user")
        .await;
    get(&world, "/local/emails").await;
    let invites = ada.get(&format!("{organization}/invites")).await;
    let invites = invites.expect("200");
    assert_eq!(invites["items"][0]["delivery"]["state"], "bounced");
}

#[tokio::test]
async fn person_signs_in_with_a_given_id() {
    let world = World::start().await;
    let person = json!({ "user_id": "auth0|7", "email": "ada+test@example.com", "name": "Ada" });
    let ada = sign_in(&world, person).await;
    let account = ada.get("/v1/account").await.expect("200");
    assert_eq!(account["user_id"], "auth0|7");
    assert_eq!(account["email"], "ada+test@example.com");
    let unknown = json!({ "sub": "auth0|7", "email": "ada@example.com" });
    let (status, _) = post(&world, "/local/sign-in", unknown).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn reset_stack_is_as_at_the_start() {
    let world = World::start().await;
    let at_start = world.items().await;
    let ada = world.sign_in("ada@example.com");
    let organization = ada.create_organization("Acme").await;
    ada.invite(&organization, "ben@example.com", "user").await;
    let forward = json!({ "advance_seconds": 60 });
    assert_eq!(post(&world, "/local/clock", forward).await.0, 200);
    assert_eq!(post(&world, "/local/reset", Value::Null).await.0, 204);

    assert_eq!(world.items().await, at_start);
    assert_eq!(get(&world, "/local/emails").await, json!([]));
    assert_eq!(world.stack.people(), []);
    let now = get(&world, "/local/clock").await;
    assert_eq!(now, json!({ "now": "2026-03-01T12:00:00Z" }));
    // The keys are the same, so a token goes on.
    let organizations = ada.get("/v1/organizations").await.expect("200");
    assert_eq!(organizations["items"], json!([]));
    let organization = ada.create_organization("Acme again").await;
    ada.invite(&organization, "ben@example.com", "user").await;
    let emails = get(&world, "/local/emails?to=ben@example.com").await;
    assert_eq!(emails.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn health_is_ready_after_the_start() {
    let world = World::start().await;
    let health = get(&world, "/local/health").await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(health, json!({ "status": "ready", "version": version }));
    let page = fs::read_to_string(repository("docs/local-api.md")).unwrap();
    assert!(page.contains(&format!("`{health}`")), "docs/local-api.md");
}

/// Starts a stack whose API accepts the tokens of another one.
async fn world_that_trusts(issuer: &str) -> World {
    let audiences = vec!["local".to_owned()];
    let provider = TrustedProvider {
        issuer: issuer.to_owned(),
        client_id: audiences[0].clone(),
        audiences,
        origins: String::new(),
        sign_out_url: String::new(),
    };
    World::start_with(|options| Options {
        provider: Some(provider),
        ..options
    })
    .await
}

#[tokio::test]
async fn token_of_a_trusted_provider_is_accepted() {
    let provider = World::start().await;
    let world = world_that_trusts(provider.stack.url()).await;
    let person = SignIn::with_email("ada@example.com");
    let issuer = provider.stack.issuer();
    let mut of_another_audience = issuer.claims(&person);
    of_another_audience.insert("aud".to_owned(), json!("another"));
    let own = world.stack.sign_in(&person);
    for (token, status, challenge) in [
        (issuer.sign_in(&person), 200, None),
        (own.clone(), 200, None),
        (
            issuer.sign(of_another_audience),
            401,
            Some("the token does not have a valid audience"),
        ),
        (format!("{own}x"), 401, Some("the signature is invalid")),
        ("text".to_owned(), 401, Some("invalid number of segments")),
    ] {
        let ada = world.with_token(Some(token), person.user_id.clone(), String::new());
        let reply = ada.get("/v1/account").await;
        assert_eq!(reply.status, status);
        let header = reply.headers.get("www-authenticate");
        let header = header.map(|header| header.to_str().unwrap().to_owned());
        let expected = challenge.map(|reason| {
            format!(r#"Bearer scope="" error="invalid_token" error_description="{reason}""#)
        });
        assert_eq!(header, expected);
    }
    let page = get_text(&world, "/").await;
    assert!(page.contains(provider.stack.url()), "{page}");
}

#[tokio::test]
async fn unusable_provider_keeps_the_stack_from_starting() {
    let provider = World::start().await;
    let url = provider.stack.url();
    for (issuer, said) in [
        (format!("{url}/"), "the provider calls itself"),
        (
            format!("{url}/other"),
            "openid-configuration` cannot be read",
        ),
        (
            "http://127.0.0.1:1".to_owned(),
            "openid-configuration` cannot be read",
        ),
    ] {
        let options = Options {
            provider: Some(TrustedProvider {
                issuer,
                audiences: vec!["local".to_owned()],
                client_id: String::new(),
                origins: String::new(),
                sign_out_url: String::new(),
            }),
            ..Options::for_tests(functions::Clock::system())
        };
        let error = Stack::start(options).await.err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn page_of_an_allowed_origin_may_call() {
    const APP: &str = "https://app.test";
    let world = World::start_with(|options| Options {
        allowed_origins: vec![APP.to_owned()],
        ..options
    })
    .await;
    let http = reqwest::Client::new();
    let url = format!("{}/v1/account", world.stack.url());
    let preflight = http.request(Method::OPTIONS, &url).header("origin", APP);
    let preflight = preflight.header("access-control-request-method", "PATCH");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    let header = |name: &str| preflight.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), APP);
    assert!(header("access-control-allow-methods").contains("PATCH"));
    assert!(header("access-control-allow-headers").contains("authorization"));
    for (origin, status) in [(APP, 401), ("https://evil.example", 403)] {
        let reply = http.get(&url).header("origin", origin).send().await;
        let reply = reply.unwrap();
        assert_eq!(reply.status(), status);
        let allowed = reply.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), origin == APP);
    }
}

#[tokio::test]
async fn other_client_signs_people_in_for_itself() {
    const CALLBACK: &str = "http://localhost:5173/callback";
    let client = Client::parse(&format!("my-app={CALLBACK}")).unwrap();
    let world = World::start_with(|options| Options {
        clients: vec![client],
        ..options
    })
    .await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let url = world.stack.url();
    // The challenge of RFC 7636, appendix B.
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let authorize = |client: &str, callback: &str| {
        format!(
            "{url}/local/authorize?client_id={client}&redirect_uri={callback}&response_type=code&scope=openid&code_challenge_method=S256&code_challenge={challenge}"
        )
    };
    let submit = |url: String| {
        let request = http.post(url).body("email=ada%40example.com&verified=true");
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .send()
    };
    for (client, callback) in [
        ("local", CALLBACK),
        ("my-app", "http://localhost:5173/other"),
        ("other", CALLBACK),
    ] {
        let refused = submit(authorize(client, callback)).await.unwrap();
        assert_eq!(refused.status(), 400, "{client} {callback}");
    }
    let sent = submit(authorize("my-app", CALLBACK)).await.unwrap();
    let to = sent.headers()["location"].to_str().unwrap().to_owned();
    assert!(to.starts_with(CALLBACK), "{to}");
    let code = to.split("code=").nth(1).unwrap();
    let code = code.split('&').next().unwrap();
    let form = format!(
        "grant_type=authorization_code&client_id=my-app&code={code}&redirect_uri={CALLBACK}&code_verifier={verifier}"
    );
    let request = http.post(format!("{url}/local/token")).body(form);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let tokens: Value = request.send().await.unwrap().json().await.unwrap();
    let token = tokens["id_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{tokens}"));
    let ada = world.with_token(Some(token.to_owned()), String::new(), String::new());
    ada.get("/v1/account").await.expect("200");
}

async fn get_text(world: &World, path: &str) -> String {
    let url = format!("{}{path}", world.stack.url());
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[test]
fn examples_of_the_page_are_those_that_ci_runs() {
    let page = fs::read_to_string(repository("docs/local-api.md")).unwrap();
    for (language, file) in [("js", "expiry.test.mjs"), ("python", "test_expiry.py")] {
        let example = fs::read_to_string(repository(&format!("docs/example/{file}"))).unwrap();
        let block = format!("```{language}\n{example}```\n");
        assert!(page.contains(&block), "docs/local-api.md lacks {file}");
    }
}
