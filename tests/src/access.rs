//! Every operation, called by each kind of caller.
//!
//! A row holds the outcome for each of them. `creator` to `user` are members in
//! these roles; `outsider` is a member of another organization, `stranger` of none;
//! `expired` and `forged` are the owner with a token that has expired, or that
//! another key signed; `key` is an API client of the organization.
//!
//! The server's route of an operation, if there is one, serves the server alone.
//!
//! The sample events are generated from these rows, too.

use reqwest::Method;
use serde_json::{Value, json};

use functions::openapi::Caller;

use crate::{
    completeness::template,
    harness::{Fixture, Reply, Session},
    usage::render,
};

pub const CALLERS: [&str; 10] = [
    "creator", "owner", "admin", "user", "outsider", "stranger", "nobody", "expired", "forged",
    "key",
];

pub struct Access {
    pub operation: &'static str,
    pub request: fn(&Ids) -> (Method, String, Option<Value>),
    /// A caller with a successful outcome: one of the ten, `dana`, or `server`.
    pub permitted: &'static str,
    /// The outcome for each of the ten.
    pub expected: [&'static str; 10],
}

/// The ids in the paths and bodies of requests.
pub struct Ids {
    /// `/v1/organizations/…`
    pub organization: String,
    pub invite_id: String,
    pub key_id: String,
    pub user_id: String,
    pub admin_id: String,
    pub creator_id: String,
    pub link_token: String,
    pub opt_out_token: String,
}

impl Ids {
    pub fn of(fixture: &Fixture) -> Self {
        Self {
            organization: fixture.organization.clone(),
            invite_id: fixture.invite_id.clone(),
            key_id: fixture.key.id.clone(),
            user_id: fixture.user.user_id.clone(),
            admin_id: fixture.admin.user_id.clone(),
            creator_id: fixture.creator.user_id.clone(),
            link_token: fixture.world.link_token("dana@example.com"),
            opt_out_token: fixture.world.opt_out_token("dana@example.com"),
        }
    }

    /// Returns a path of the server's routes for the organization.
    fn managed(&self, path: &str) -> String {
        format!("/v1/server/organizations/{}{path}", self.organization_id())
    }

    pub fn organization_id(&self) -> &str {
        self.organization.rsplit('/').next().unwrap()
    }
}

const HIDDEN: &str = "404 organization_not_found";
const SIGN_IN: &str = "401";

/// Returns the outcomes of an operation for members only, given those of the four
/// kinds of members.
const fn members(outcomes: [&'static str; 4]) -> [&'static str; 10] {
    let [creator, owner, admin, user] = outcomes;
    [
        creator, owner, admin, user, HIDDEN, HIDDEN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN,
    ]
}

/// Returns the outcomes of an operation that treats every signed-in person alike.
const fn signed_in(outcome: &'static str) -> [&'static str; 10] {
    [
        outcome, outcome, outcome, outcome, outcome, outcome, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN,
    ]
}

/// The outcomes of an operation that is the server's alone: the gateway's own refusals.
const ONLY_THE_SERVERS: [&str; 10] = [
    "403", "403", "403", "403", "403", "403", SIGN_IN, "403", "403", "403",
];

/// The outcomes of an operation for API keys: the gateway's own refusals of others.
const ONLY_A_KEYS: [&str; 10] = [
    "403", "403", "403", "403", "403", "403", SIGN_IN, "403", "403", "200",
];

const NOT_A_USER: &str = "403 owner_or_admin_required";

pub static ACCESS: &[Access] = &[
    Access {
        operation: "create-organization",
        request: |_| {
            (
                Method::POST,
                "/v1/organizations".into(),
                Some(json!({"name": "Sample Studio", "metadata": {"department": "design"}})),
            )
        },
        permitted: "stranger",
        expected: signed_in("201"),
    },
    Access {
        operation: "list-organizations",
        request: |_| (Method::GET, "/v1/organizations".into(), None),
        permitted: "user",
        expected: signed_in("200"),
    },
    Access {
        operation: "get-organization",
        request: |ids| (Method::GET, ids.organization.clone(), None),
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-organization",
        request: |ids| {
            (
                Method::PATCH,
                ids.organization.clone(),
                Some(
                    json!({"name": "Sample International", "metadata": {"department": "marketing"}}),
                ),
            )
        },
        permitted: "owner",
        expected: members(["200", "200", "403 owner_required", "403 owner_required"]),
    },
    Access {
        operation: "get-settings",
        request: |ids| (Method::GET, format!("{}/settings", ids.organization), None),
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "delete-organization",
        request: |ids| (Method::DELETE, ids.organization.clone(), None),
        permitted: "owner",
        expected: members(["200", "200", "403 owner_required", "403 owner_required"]),
    },
    // Restoring what is not deleted changes nothing.
    Access {
        operation: "restore-organization",
        request: |ids| (Method::POST, format!("{}/restore", ids.organization), None),
        permitted: "owner",
        expected: members(["200", "200", "403 owner_required", "403 owner_required"]),
    },
    // The present creator.
    Access {
        operation: "change-creator",
        request: |ids| {
            let body = json!({"user_id": ids.creator_id});
            (
                Method::PUT,
                format!("{}/creator", ids.organization),
                Some(body),
            )
        },
        permitted: "creator",
        expected: members([
            "200",
            "403 creator_required",
            "403 creator_required",
            "403 creator_required",
        ]),
    },
    Access {
        operation: "list-members",
        request: |ids| (Method::GET, format!("{}/members", ids.organization), None),
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "get-member",
        request: |ids| {
            let path = format!("{}/members/{}", ids.organization, ids.admin_id);
            (Method::GET, path, None)
        },
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-member",
        request: |ids| {
            let path = format!("{}/members/{}", ids.organization, ids.user_id);
            (
                Method::PATCH,
                path,
                Some(json!({"role": "admin", "receives_billing_emails": true})),
            )
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "remove-member",
        request: |ids| {
            (
                Method::DELETE,
                format!("{}/members/{}", ids.organization, ids.admin_id),
                None,
            )
        },
        permitted: "owner",
        // For the admin, this is leaving.
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "create-invite",
        request: |ids| {
            let input = json!({"email": "new@example.com", "role": "admin"});
            (
                Method::POST,
                format!("{}/invites", ids.organization),
                Some(input),
            )
        },
        permitted: "admin",
        expected: members(["201", "201", "201", NOT_A_USER]),
    },
    Access {
        operation: "create-invites",
        request: |ids| {
            let input = json!({"invites": [
                {"email": "new@example.com", "role": "admin"},
                {"email": "newer@example.com", "role": "user", "receives_billing_emails": true},
            ]});
            let path = format!("{}/invites/batch", ids.organization);
            (Method::POST, path, Some(input))
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "list-invites",
        request: |ids| (Method::GET, format!("{}/invites", ids.organization), None),
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-invite",
        request: |ids| {
            let path = format!("{}/invites/{}", ids.organization, ids.invite_id);
            (Method::PATCH, path, Some(json!({"role": "admin"})))
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "cancel-invite",
        request: |ids| {
            (
                Method::DELETE,
                format!("{}/invites/{}", ids.organization, ids.invite_id),
                None,
            )
        },
        permitted: "admin",
        expected: members(["204", "204", "204", NOT_A_USER]),
    },
    Access {
        operation: "resend-invite",
        request: |ids| {
            (
                Method::POST,
                format!("{}/invites/{}/resend", ids.organization, ids.invite_id),
                None,
            )
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "create-api-key",
        request: |ids| {
            let path = format!("{}/api-keys", ids.organization);
            (Method::POST, path, Some(json!({"name": "New"})))
        },
        permitted: "admin",
        expected: members(["201", "201", "201", NOT_A_USER]),
    },
    Access {
        operation: "list-api-keys",
        request: |ids| {
            let path = format!("{}/api-keys", ids.organization);
            (Method::GET, path, None)
        },
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-api-key",
        request: |ids| {
            let path = format!("{}/api-keys/{}", ids.organization, ids.key_id);
            (Method::PATCH, path, Some(json!({"name": "New"})))
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "rotate-api-key",
        request: |ids| {
            let path = format!("{}/api-keys/{}/rotate", ids.organization, ids.key_id);
            (Method::POST, path, None)
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "revoke-api-key",
        request: |ids| {
            let path = format!("{}/api-keys/{}", ids.organization, ids.key_id);
            (Method::DELETE, path, None)
        },
        permitted: "admin",
        expected: members(["204", "204", "204", NOT_A_USER]),
    },
    Access {
        operation: "list-audit-events",
        request: |ids| {
            (
                Method::GET,
                format!("{}/audit-events", ids.organization),
                None,
            )
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "get-billing",
        request: |ids| (Method::GET, format!("{}/billing", ids.organization), None),
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-billing",
        request: |ids| {
            (
                Method::PATCH,
                format!("{}/billing", ids.organization),
                Some(json!({"plan": "basic", "tax_id": "DE123"})),
            )
        },
        permitted: "admin",
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "get-usage",
        request: |ids| (Method::GET, format!("{}/usage", ids.organization), None),
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "record-usage",
        request: |_| {
            let body = json!({"credits": 1});
            (Method::POST, "/v1/usage".into(), Some(body))
        },
        permitted: "key",
        expected: ONLY_A_KEYS,
    },
    Access {
        operation: "refund-usage",
        request: |_| {
            let body = json!({"idempotency_key": "render-1"});
            (Method::POST, "/v1/usage/refunds".into(), Some(body))
        },
        permitted: "key",
        expected: ONLY_A_KEYS,
    },
    Access {
        operation: "get-api-key",
        request: |_| (Method::GET, "/v1/api-key".into(), None),
        permitted: "key",
        expected: ONLY_A_KEYS,
    },
    Access {
        operation: "find-organizations",
        request: |_| (Method::GET, "/v1/server/organizations".into(), None),
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "provision-organization",
        request: |_| {
            let body = json!({
                "name": "Sample Studio",
                "creator": {"user_id": "sample-owner", "email": "owner@example.com"},
                "external_id": "team_42",
            });
            (Method::POST, "/v1/server/organizations".into(), Some(body))
        },
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "suspend-organization",
        request: |ids| {
            let body = json!({"reason": "The last invoice is not paid."});
            (Method::PUT, ids.managed("/suspension"), Some(body))
        },
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "unsuspend-organization",
        request: |ids| (Method::DELETE, ids.managed("/suspension"), None),
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    // Lifting what is not paused changes nothing.
    Access {
        operation: "lift-invite-pause",
        request: |ids| (Method::DELETE, ids.managed("/invite-pause"), None),
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "add-members",
        request: |ids| {
            let body = json!({"members": [
                {"user_id": "sample-member", "email": "member@example.com", "role": "user"},
            ]});
            (Method::POST, ids.managed("/members"), Some(body))
        },
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "import-api-keys",
        request: |ids| {
            let key = json!({
                "name": "Old website",
                "secret_hash": "4f".repeat(32),
                "hint": "img_live_…3f2a",
            });
            let body = json!({"api_keys": [key]});
            (Method::POST, ids.managed("/api-keys/import"), Some(body))
        },
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "erase-person",
        request: |ids| {
            let path = format!("/v1/server/people/{}", ids.user_id);
            (Method::DELETE, path, None)
        },
        permitted: "server",
        expected: ONLY_THE_SERVERS,
    },
    Access {
        operation: "get-account",
        request: |_| (Method::GET, "/v1/account".into(), None),
        permitted: "user",
        expected: signed_in("200"),
    },
    Access {
        operation: "switch-organization",
        request: |ids| {
            let body = json!({"organization_id": ids.organization_id()});
            (
                Method::PUT,
                "/v1/account/current-organization".into(),
                Some(body),
            )
        },
        permitted: "user",
        expected: members(["200"; 4]),
    },
    Access {
        operation: "list-my-invites",
        request: |_| (Method::GET, "/v1/account/invites".into(), None),
        permitted: "dana",
        expected: signed_in("200"),
    },
    // An invite to another address is not found.
    Access {
        operation: "accept-invite",
        request: |ids| {
            (
                Method::POST,
                format!("/v1/account/invites/{}/accept", ids.invite_id),
                None,
            )
        },
        permitted: "dana",
        expected: signed_in("404 invite_not_found"),
    },
    Access {
        operation: "decline-invite",
        request: |ids| {
            (
                Method::POST,
                format!("/v1/account/invites/{}/decline", ids.invite_id),
                None,
            )
        },
        permitted: "dana",
        expected: signed_in("404 invite_not_found"),
    },
    // The link is enough, with any token or none.
    Access {
        operation: "preview-invite",
        request: |ids| (Method::GET, format!("/v1/invites/{}", ids.link_token), None),
        permitted: "dana",
        expected: ["200"; 10],
    },
    Access {
        operation: "decline-invite-by-link",
        request: |ids| {
            let token = &ids.link_token;
            (Method::POST, format!("/v1/invites/{token}/decline"), None)
        },
        permitted: "dana",
        expected: ["204"; 10],
    },
    Access {
        operation: "opt-out-of-invites",
        request: |ids| {
            let token = &ids.opt_out_token;
            (Method::POST, format!("/v1/opt-outs/{token}"), None)
        },
        permitted: "dana",
        expected: ["204"; 10],
    },
    Access {
        operation: "opt-in-to-invites",
        request: |ids| {
            let token = &ids.opt_out_token;
            (Method::DELETE, format!("/v1/opt-outs/{token}"), None)
        },
        permitted: "dana",
        expected: ["204"; 10],
    },
    // Every caller gets the same document; it loads its data from the API.
    Access {
        operation: "pages",
        request: |_| (Method::GET, "/dashboard/organization-settings".into(), None),
        permitted: "stranger",
        expected: ["200"; 10],
    },
];

impl Access {
    /// Sends the request as a caller.
    pub async fn send_as(&self, fixture: &Fixture, session: &Session) -> Reply {
        let (method, path, body) = (self.request)(&Ids::of(fixture));
        self.send_to(session, method, &path, body).await
    }

    /// Sends the request to the server's route as a caller.
    async fn send_to_server_route(&self, fixture: &Fixture, session: &Session) -> Reply {
        let (method, path, body) = (self.request)(&Ids::of(fixture));
        let path = match path.strip_prefix("/v1/") {
            Some(rest) if rest.starts_with("server/") => path,
            // The server names the organization in its path.
            Some(rest) if rest.starts_with("usage") => {
                Ids::of(fixture).managed(&format!("/{rest}"))
            }
            _ => path.replacen("/v1/", "/v1/server/", 1),
        };
        self.send_to(session, method, &path, body).await
    }

    /// Returns whether the operation has a route for this kind of caller.
    fn serves(&self, caller: Caller) -> bool {
        let routes = template().routes;
        let mut routes = routes.iter();
        routes.any(|route| route.operation == self.operation && route.caller == caller)
    }

    async fn send_to(
        &self,
        session: &Session,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let headers: &[(&str, &str)] = match self.operation {
            "record-usage" => &[("idempotency-key", "once")],
            _ => &[],
        };
        let body = body.map(|body| body.to_string());
        session.send_with(method, path, body, headers).await
    }

    /// Sends the request as a caller with a successful outcome.
    pub async fn send_as_permitted(&self, fixture: &Fixture) -> Reply {
        self.send_as(fixture, &session(fixture, self.permitted))
            .await
    }

    /// Sends the request in the same way with an idempotency key: repeated, it takes
    /// effect once.
    pub async fn send_once(&self, fixture: &Fixture) -> Reply {
        let (method, path, body) = (self.request)(&Ids::of(fixture));
        let session = session(fixture, self.permitted);
        let body = body.map(|body| body.to_string());
        session
            .send_with(method, &path, body, &[("idempotency-key", "once")])
            .await
    }

    /// Returns whether the operation is under an organization, for its members.
    pub fn is_of_member(&self) -> bool {
        self.expected[4] == HIDDEN && self.operation != "switch-organization"
    }

    /// Makes an organization in which the permitted caller's request succeeds.
    pub async fn fixture(&self) -> Fixture {
        let fixture = Fixture::new().await;
        if self.operation == "refund-usage" {
            let used = render(&fixture.api_client, "render-1", 1).await;
            used.expect("200");
            fixture.world.wire.take();
        }
        fixture
    }

    /// Fills the gateway's authorizer cache, so that the wire records only the
    /// operation's own requests.
    pub async fn prepare(&self, fixture: &Fixture) {
        if self.permitted == "key" {
            fixture.api_client.get("/v1/usage").await.expect("200");
            fixture.world.wire.take();
        }
        if self.permitted == "server" {
            let server = fixture.world.server();
            server.get(&fixture.managed()).await.expect("200");
            fixture.world.wire.take();
        }
    }
}

pub fn access(operation: &str) -> &'static Access {
    ACCESS
        .iter()
        .find(|access| access.operation == operation)
        .unwrap()
}

pub fn session(fixture: &Fixture, caller: &str) -> Session {
    let world = &fixture.world;
    let owner = local::SignIn::with_email("olga@example.com");
    let mut claims = world.stack.issuer().claims(&owner);
    let now = world.clock.now().timestamp();
    match caller {
        "creator" => fixture.creator.clone(),
        "owner" => fixture.owner.clone(),
        "admin" => fixture.admin.clone(),
        "user" => fixture.user.clone(),
        "outsider" => fixture.outsider.clone(),
        "stranger" => fixture.stranger.clone(),
        "nobody" => world.nobody(),
        "expired" => {
            claims.insert("exp".into(), json!(now));
            let token = world.stack.issuer().sign(claims);
            world.with_token(Some(token), owner.user_id, String::new())
        }
        "forged" => {
            // The token is valid except for its signature, which is by another key.
            let clock = world.clock.clone();
            let clock = functions::Clock::new(move || clock.now());
            let forger = local::Issuer::new(world.stack.url(), clock, None).unwrap();
            world.with_token(Some(forger.sign(claims)), owner.user_id, String::new())
        }
        "key" => fixture.api_client.clone(),
        "dana" => fixture.dana.clone(),
        "server" => world.server(),
        other => panic!("{other}"),
    }
}

async fn assert_row_outcomes(operation: &str) {
    let access = access(operation);
    for (caller, expected) in CALLERS.into_iter().zip(access.expected) {
        let fixture = access.fixture().await;
        let reply = access.send_as(&fixture, &session(&fixture, caller)).await;
        assert_eq!(
            reply.outcome(),
            expected,
            "{operation} called by {caller}: {}",
            reply.body
        );
        if reply.status == 403 && reply.body["code"].is_string() {
            let detail = reply.body["detail"].as_str().unwrap();
            let names_a_role = ["only an owner", "only the creator"];
            assert!(
                names_a_role.iter().any(|words| detail.contains(words)),
                "{detail}"
            );
        }
    }
}

/// Asserts that the server's route serves the server alone, and that the server key
/// opens no other route.
async fn assert_server_outcomes(operation: &str) {
    let access = access(operation);
    let fixture = access.fixture().await;
    let server = session(&fixture, "server");
    if !access.serves(Caller::Anyone) {
        let reply = access.send_as(&fixture, &server).await;
        let serves_others = access.serves(Caller::Person) || access.serves(Caller::ApiClient);
        let is_only_the_servers = !serves_others && access.serves(Caller::Server);
        let is_refused = matches!(reply.status, 401 | 403);
        assert_ne!(
            is_refused, is_only_the_servers,
            "{operation}: {}",
            reply.body
        );
    }
    if !access.serves(Caller::Server) {
        return;
    }
    for caller in CALLERS {
        let session = session(&fixture, caller);
        let reply = access.send_to_server_route(&fixture, &session).await;
        let expected = if caller == "nobody" { "401" } else { "403" };
        assert_eq!(reply.outcome(), expected, "{operation} called by {caller}");
    }
    let fixture = access.fixture().await;
    let server = session(&fixture, "server");
    let reply = access.send_to_server_route(&fixture, &server).await;
    let expected = functions::docs::status(operation).unwrap();
    assert_eq!(reply.status, expected, "{operation}: {}", reply.body);
}

macro_rules! access_tests {
    (
        api { $($area:ident::$operation:ident)* }
        others { $($other_area:ident::$other:ident)* }
    ) => {
        $(#[tokio::test]
        async fn $operation() {
            let operation = stringify!($operation).replace('_', "-");
            assert_row_outcomes(&operation).await;
            assert_server_outcomes(&operation).await;
        })*
    };
}

functions::for_each_operation!(access_tests);

#[tokio::test]
async fn pages() {
    assert_row_outcomes("pages").await;
}

#[tokio::test]
async fn permitted_caller_of_every_operation_is_served() {
    for access in ACCESS {
        let fixture = access.fixture().await;
        let reply = access.send_as_permitted(&fixture).await;
        assert!(
            (200..300).contains(&reply.status),
            "{}: {}",
            access.operation,
            reply.body
        );
    }
}

#[tokio::test]
async fn token_with_invalid_claims_is_unauthorized() {
    let fixture = Fixture::new().await;
    let issuer = fixture.world.stack.issuer();
    let claims = issuer.claims(&local::SignIn::with_email("olga@example.com"));
    let now = fixture.world.clock.now().timestamp();
    for (claim, value) in [
        ("aud", json!("another")),
        ("iss", json!("https://elsewhere.example")),
        ("nbf", json!(now + 60)),
        ("exp", Value::Null),
        ("sub", Value::Null),
    ] {
        let mut claims = claims.clone();
        if value.is_null() {
            claims.remove(claim);
        } else {
            claims.insert(claim.into(), value);
        }
        let session =
            fixture
                .world
                .with_token(Some(issuer.sign(claims)), String::new(), String::new());
        let reply = session.get("/v1/account").await;
        assert_eq!(reply.status, 401, "{claim}: {}", reply.body);
    }
    let garbage = fixture
        .world
        .with_token(Some("garbage".into()), String::new(), String::new());
    garbage.get("/v1/account").await.expect("401");
}

#[tokio::test]
async fn removed_member_next_request_is_not_found() {
    let fixture = Fixture::new().await;
    fixture.admin.get(&fixture.organization).await.expect("200");
    let path = format!("{}/members/{}", fixture.organization, fixture.admin.user_id);
    fixture.owner.delete(&path).await.expect("200");
    fixture
        .admin
        .get(&fixture.organization)
        .await
        .expect("404 organization_not_found");
    fixture
        .admin
        .post(
            &format!("{}/invites", fixture.organization),
            json!({"email": "x@example.com", "role": "user"}),
        )
        .await
        .expect("404 organization_not_found");
}

#[tokio::test]
async fn id_of_another_organization_is_not_found() {
    let fixture = Fixture::new().await;
    let elsewhere = fixture.elsewhere().await;
    let invite = format!("{elsewhere}/invites/{}", fixture.invite_id);
    fixture
        .outsider
        .patch(&invite, json!({"role": "admin"}))
        .await
        .expect("404 invite_not_found");
    fixture
        .outsider
        .delete(&invite)
        .await
        .expect("404 invite_not_found");
    fixture
        .outsider
        .post_empty(&format!("{invite}/resend"))
        .await
        .expect("404 invite_not_found");
    let key = format!("{elsewhere}/api-keys/{}", fixture.key.id);
    fixture
        .outsider
        .patch(&key, json!({"name": "Mine"}))
        .await
        .expect("404 api_key_not_found");
    fixture
        .outsider
        .post_empty(&format!("{key}/rotate"))
        .await
        .expect("404 api_key_not_found");
    fixture
        .outsider
        .delete(&key)
        .await
        .expect("404 api_key_not_found");
    let member = format!("{elsewhere}/members/{}", fixture.user.user_id);
    fixture
        .outsider
        .patch(&member, json!({"role": "admin"}))
        .await
        .expect("404 member_not_found");
    fixture
        .outsider
        .delete(&member)
        .await
        .expect("404 member_not_found");
}
