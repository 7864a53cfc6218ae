//! The harness: each test gets its own stack, sessions of its callers, and a clock to move.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use functions::{Brand, Clock, EmailVerification, ImportedPrefixes, Limits, Metrics, PlanChanges};
use local::{Options, SignIn, Stack};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::{contract, wire::Wire};

/// A clock that stands still until a test advances it.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl TestClock {
    fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    pub fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }

    fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }
}

/// A running stack with the test's clock and wire.
pub struct World {
    pub stack: Stack,
    pub clock: TestClock,
    pub wire: Wire,
    /// The metric lines that the functions have written for CloudWatch.
    metrics: Arc<Mutex<Vec<String>>>,
    http: reqwest::Client,
}

/// An API key with its secret.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

/// A caller of the API: signed in, with an API key, or anonymous.
#[derive(Clone)]
pub struct Session {
    pub user_id: String,
    pub email: String,
    url: String,
    token: Option<String>,
    http: reqwest::Client,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub headers: HeaderMap,
    /// The id of the operation in the API's document.
    pub operation: Option<&'static str>,
}

impl Reply {
    /// Makes a reply. Asserts that it is one that the API's document declares.
    #[track_caller]
    pub fn new(method: &Method, path: &str, status: u16, headers: HeaderMap, body: Value) -> Self {
        let operation = contract::assert_declared(method, path, status, &headers, &body);
        Self {
            status,
            body,
            headers,
            operation,
        }
    }

    /// Returns the status and, for problems, the code: `200`, or `403 owner_required`.
    pub fn outcome(&self) -> String {
        match self.body["code"].as_str() {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }

    /// Asserts the outcome and returns the body.
    #[track_caller]
    pub fn expect(self, outcome: &str) -> Value {
        assert_eq!(self.outcome(), outcome, "{}", self.body);
        self.body
    }

    /// Asserts the outcome and returns the problem's `detail`.
    #[track_caller]
    pub fn refused(self, outcome: &str) -> String {
        self.expect(outcome)["detail"].as_str().unwrap().to_owned()
    }
}

/// The prefix of the API keys of an earlier system.
pub const IMPORTED_PREFIX: &str = "img_live_";

impl World {
    pub async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    /// Starts at the present time, for tests that also read another clock.
    pub async fn start_today(limits: Limits) -> Self {
        Self::start_at(Utc::now(), |options| Options { limits, ..options }).await
    }

    /// Starts a world where only the product's backend changes plans.
    pub async fn start_with_plans_by_server(url: &str) -> Self {
        let url = Some(url.to_owned());
        Self::start_with(|options| Options {
            plan_changes: PlanChanges::Server { url },
            ..options
        })
        .await
    }

    /// Starts a world with other limits than the default ones.
    pub async fn start_with_limits(limits: Limits) -> Self {
        Self::start_with(|options| Options { limits, ..options }).await
    }

    /// Starts a world that sends audit events to a URL.
    pub async fn start_with_webhook(url: &str) -> Self {
        let webhook = Some(url.parse().unwrap());
        Self::start_with(|options| Options { webhook, ..options }).await
    }

    /// Starts a world that accepts no API keys of an earlier system.
    pub async fn start_without_imported_keys() -> Self {
        Self::start_with(|options| Options {
            imported_prefixes: ImportedPrefixes::default(),
            ..options
        })
        .await
    }

    /// Starts a world with the brand of another company.
    pub async fn start_with_brand(brand: Brand) -> Self {
        Self::start_at(Utc::now(), |options| Options { brand, ..options }).await
    }

    /// Starts a world whose identity provider vouches for every address.
    pub async fn start_with_trusted_emails() -> Self {
        Self::start_with(|options| Options {
            email_verification: EmailVerification::Trusted,
            ..options
        })
        .await
    }

    /// Starts a world with other options of the stack.
    pub async fn start_with(change: impl FnOnce(Options) -> Options) -> Self {
        Self::start_at("2026-03-01T12:00:00Z".parse().unwrap(), change).await
    }

    /// Starts a world at another time, with other options of the stack.
    pub async fn start_at(now: DateTime<Utc>, change: impl FnOnce(Options) -> Options) -> Self {
        let clock = TestClock::at(now);
        let wire = Wire::new();
        let metrics: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = metrics.clone();
        let options = Options {
            http_client: Some(wire.client()),
            imported_prefixes: ImportedPrefixes::parse(IMPORTED_PREFIX).unwrap(),
            metrics: Some(Metrics::to("tests", move |line| {
                lines.lock().unwrap().push(line.to_owned());
            })),
            ..Options::for_tests(clock.clock())
        };
        let stack = Stack::start(change(options)).await.unwrap();
        // The stack's own request to mark the table.
        wire.take();
        Self {
            stack,
            clock,
            wire,
            metrics,
            http: reqwest::Client::new(),
        }
    }

    /// Returns the metric lines since the last call.
    pub fn take_metrics(&self) -> Vec<String> {
        std::mem::take(&mut *self.metrics.lock().unwrap())
    }

    /// Signs a person in with a verified address; the part before the `@` is the name.
    pub fn sign_in(&self, email: &str) -> Session {
        let name = email.split('@').next().unwrap().to_owned();
        self.sign_in_as(SignIn {
            name: Some(name),
            ..SignIn::with_email(email)
        })
    }

    /// Signs a person in again, after the provider has verified another address of theirs.
    pub fn with_address(&self, person: &Session, email: &str) -> Session {
        self.sign_in_as(SignIn {
            user_id: person.user_id.clone(),
            ..SignIn::with_email(email)
        })
    }

    pub fn sign_in_as(&self, person: SignIn) -> Session {
        let token = self.stack.sign_in(&person);
        let email = person.email.unwrap_or_default();
        self.with_token(Some(token), person.user_id, email)
    }

    /// Returns a session with any token, or none.
    pub fn with_token(&self, token: Option<String>, user_id: String, email: String) -> Session {
        let url = self.stack.url().to_owned();
        Session {
            user_id,
            email,
            url,
            token,
            http: self.http.clone(),
        }
    }

    pub fn nobody(&self) -> Session {
        self.with_token(None, String::new(), String::new())
    }

    /// Returns a client that authenticates with an API key.
    pub fn api_client(&self, key: &Key) -> Session {
        self.with_token(Some(key.secret.clone()), String::new(), String::new())
    }

    /// Returns the product's own backend.
    pub fn server(&self) -> Session {
        let key = self.stack.secrets().server_key();
        self.with_token(Some(key), String::new(), String::new())
    }

    /// Delivers all records of the stream and asserts that none is stuck.
    pub async fn drain(&self) {
        assert_eq!(self.stack.drain_stream().await.unwrap().stuck, 0);
    }

    /// Returns the token in the newest email to an address.
    #[track_caller]
    pub fn link_token(&self, email: &str) -> String {
        self.token_in_email(email, "/invites/")
    }

    /// Returns the token in the newest email to an address, by which its recipient stops
    /// all invites.
    pub fn opt_out_token(&self, email: &str) -> String {
        self.token_in_email(email, "/opt-outs/")
    }

    fn token_in_email(&self, email: &str, page: &str) -> String {
        let emails = self.stack.emails();
        let newest = emails
            .iter()
            .rev()
            .find(|sent| sent.to.iter().any(|to| to.eq_ignore_ascii_case(email)));
        let text = &newest.unwrap_or_else(|| panic!("no email to {email}")).text;
        let link = text
            .split_whitespace()
            .find(|word| word.contains(page))
            .unwrap();
        link.rsplit('/').next().unwrap().to_owned()
    }

    /// Sends a request to the table, bypassing the functions.
    pub async fn dynamodb(&self, action: &str, mut request: Value) -> Value {
        if request["RequestItems"].is_null() {
            request["TableName"] = json!("organizations");
        }
        let credential = "Credential=local/20260101/us-east-1/dynamodb/aws4_request";
        let answer = self
            .http
            .post(self.stack.dynamodb_url())
            .header("x-amz-target", format!("DynamoDB_20120810.{action}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
            )
            .body(request.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{action}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Returns every item of the table.
    pub async fn items(&self) -> Vec<Value> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({ "ConsistentRead": true });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let answer = self.dynamodb("Scan", request).await;
            items.extend(answer["Items"].as_array().unwrap().clone());
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }
}

impl Session {
    /// Returns the token or key that the session authenticates with.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.send_with(method, path, body.map(|body| body.to_string()), &[])
            .await
    }

    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let url = format!("{}{path}", self.url);
        let mut request = self.http.request(method.clone(), url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = if text.is_empty() {
            Value::Null
        } else {
            let kind = headers
                .get("content-type")
                .map(|kind| kind.to_str().unwrap());
            match kind {
                Some(kind) if kind.contains("json") => serde_json::from_str(&text).unwrap(),
                _ => Value::String(text),
            }
        };
        Reply::new(&method, path, status, headers, body)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends a POST without a body.
    pub async fn post_empty(&self, path: &str) -> Reply {
        self.send(Method::POST, path, None).await
    }

    /// Sends a POST with an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Reply {
        let headers = [("idempotency-key", key)];
        let body = Some(body.to_string());
        self.send_with(Method::POST, path, body, &headers).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Creates an organization and returns its path, such as `/v1/organizations/0193…`.
    pub async fn create_organization(&self, name: &str) -> String {
        let created = self
            .post("/v1/organizations", json!({ "name": name }))
            .await
            .expect("201");
        format!("/v1/organizations/{}", created["id"].as_str().unwrap())
    }

    /// Creates an invite and returns its id.
    pub async fn invite(&self, organization: &str, email: &str, role: &str) -> String {
        let input = json!({ "email": email, "role": role });
        let invite = self
            .post(&format!("{organization}/invites"), input)
            .await
            .expect("201");
        invite["id"].as_str().unwrap().to_owned()
    }

    /// Creates an API key.
    pub async fn create_key(&self, organization: &str, name: &str) -> Key {
        let input = json!({ "name": name });
        let created = self
            .post(&format!("{organization}/api-keys"), input)
            .await
            .expect("201");
        Key {
            id: created["api_key"]["id"].as_str().unwrap().to_owned(),
            secret: created["secret"].as_str().unwrap().to_owned(),
        }
    }

    pub async fn accept(&self, invite_id: &str) -> Reply {
        self.post_empty(&format!("/v1/account/invites/{invite_id}/accept"))
            .await
    }

    /// Adds a member through an invite that the person accepts.
    pub async fn add_member(&self, organization: &str, person: &Session, role: &str) {
        let invite = self.invite(organization, &person.email, role).await;
        person.accept(&invite).await.expect("200");
    }
}

/// Returns the kinds of events in an organization's audit log, oldest first.
pub async fn audit_kinds(reader: &Session, organization: &str) -> Vec<String> {
    let log = reader
        .get(&format!("{organization}/audit-events?limit=100"))
        .await
        .expect("200");
    let kinds = log["items"].as_array().unwrap().iter().rev();
    kinds
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// An organization with a member in every role, and callers outside it.
pub struct Fixture {
    pub world: World,
    /// `/v1/organizations/…`
    pub organization: String,
    pub creator: Session,
    pub owner: Session,
    pub admin: Session,
    pub user: Session,
    /// A member of another organization.
    pub outsider: Session,
    /// A signed-in person without an organization.
    pub stranger: Session,
    /// A pending invite (as user) to `dana@example.com`, by the creator.
    pub invite_id: String,
    /// The recipient of the invite, not a member.
    pub dana: Session,
    /// An API key of the organization, created by the admin.
    pub key: Key,
    /// A client that authenticates with `key`.
    pub api_client: Session,
}

impl Fixture {
    pub async fn new() -> Self {
        Self::in_world(World::start().await).await
    }

    /// Makes the fixture of a test that sends more emails than the limits allow.
    pub async fn without_limits() -> Self {
        Self::in_world(World::start_with_limits(Limits::NONE).await).await
    }

    pub async fn in_world(world: World) -> Self {
        let [creator, owner, admin, user, outsider, stranger, dana] =
            ["ada", "olga", "anna", "ulla", "otto", "sten", "dana"]
                .map(|name| world.sign_in(&format!("{name}@example.com")));
        let organization = creator.create_organization("Acme").await;
        creator.add_member(&organization, &owner, "owner").await;
        creator.add_member(&organization, &admin, "admin").await;
        creator.add_member(&organization, &user, "user").await;
        outsider.create_organization("Elsewhere").await;
        let invite_id = creator
            .invite(&organization, "dana@example.com", "user")
            .await;
        let key = admin.create_key(&organization, "Rendering").await;
        let api_client = world.api_client(&key);
        // A test may resend the invite at once.
        world.clock.advance(TimeDelta::minutes(2));
        world.drain().await;
        world.wire.take();
        Self {
            world,
            organization,
            creator,
            owner,
            admin,
            user,
            outsider,
            stranger,
            invite_id,
            dana,
            key,
            api_client,
        }
    }

    /// Returns the path of the outsider's organization.
    pub async fn elsewhere(&self) -> String {
        let mine = self.outsider.get("/v1/organizations").await.expect("200");
        format!(
            "/v1/organizations/{}",
            mine["items"][0]["id"].as_str().unwrap()
        )
    }

    pub fn organization_id(&self) -> &str {
        self.organization.rsplit('/').next().unwrap()
    }
}
