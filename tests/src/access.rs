//! Every operation, asked by everybody there can be.
//!
//! A row says who is answered what. `creator` to `user` are members in these
//! roles; `outsider` is a member of another organization, `stranger` of none;
//! `expired` and `forged` are the owner with a token that is no longer, or
//! never was, good; `key` is a machine with an API key of the organization.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Fixture, Reply, Session};

pub const EVERYBODY: [&str; 10] = [
    "creator", "owner", "admin", "user", "outsider", "stranger", "nobody", "expired", "forged",
    "key",
];

pub struct Access {
    pub operation: &'static str,
    pub request: fn(&Fixture) -> (Method, String, Option<Value>),
    /// Whose request it is when everything is as it should be.
    pub rightful: fn(&Fixture) -> &Session,
    /// What everybody is answered.
    pub expected: [&'static str; 10],
}

const HIDDEN: &str = "404 organization_not_found";
const SIGN_IN: &str = "401";

/// Members may, nobody else; `a` is what the four kinds of members are answered.
const fn members(a: [&'static str; 4]) -> [&'static str; 10] {
    let [creator, owner, admin, user] = a;
    [
        creator, owner, admin, user, HIDDEN, HIDDEN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN,
    ]
}

/// Whoever is signed in is answered the same.
const fn signed_in(answer: &'static str) -> [&'static str; 10] {
    [
        answer, answer, answer, answer, answer, answer, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN,
    ]
}

const NOT_A_USER: &str = "403 owner_or_admin_required";

pub static ACCESS: &[Access] = &[
    Access {
        operation: "create-organization",
        request: |_| {
            (
                Method::POST,
                "/v1/organizations".into(),
                Some(json!({"name": "New"})),
            )
        },
        rightful: |cast| &cast.stranger,
        expected: signed_in("201"),
    },
    Access {
        operation: "list-organizations",
        request: |_| (Method::GET, "/v1/organizations".into(), None),
        rightful: |cast| &cast.user,
        expected: signed_in("200"),
    },
    Access {
        operation: "get-organization",
        request: |cast| (Method::GET, cast.organization.clone(), None),
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-organization",
        request: |cast| {
            (
                Method::PATCH,
                cast.organization.clone(),
                Some(json!({"name": "New"})),
            )
        },
        rightful: |cast| &cast.owner,
        expected: members(["200", "200", "403 owner_required", "403 owner_required"]),
    },
    Access {
        operation: "get-settings",
        request: |cast| (Method::GET, format!("{}/settings", cast.organization), None),
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "list-members",
        request: |cast| (Method::GET, format!("{}/members", cast.organization), None),
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-member",
        request: |cast| {
            let path = format!("{}/members/{}", cast.organization, cast.user.user_id);
            (
                Method::PATCH,
                path,
                Some(json!({"role": "admin", "receives_billing_emails": true})),
            )
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "remove-member",
        request: |cast| {
            (
                Method::DELETE,
                format!("{}/members/{}", cast.organization, cast.admin.user_id),
                None,
            )
        },
        rightful: |cast| &cast.owner,
        // The admin leaves.
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "create-invite",
        request: |cast| {
            let input = json!({"email": "new@example.com", "role": "admin"});
            (
                Method::POST,
                format!("{}/invites", cast.organization),
                Some(input),
            )
        },
        rightful: |cast| &cast.admin,
        expected: members(["201", "201", "201", NOT_A_USER]),
    },
    Access {
        operation: "list-invites",
        request: |cast| (Method::GET, format!("{}/invites", cast.organization), None),
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-invite",
        request: |cast| {
            let path = format!("{}/invites/{}", cast.organization, cast.invite_id);
            (Method::PATCH, path, Some(json!({"role": "admin"})))
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "cancel-invite",
        request: |cast| {
            (
                Method::DELETE,
                format!("{}/invites/{}", cast.organization, cast.invite_id),
                None,
            )
        },
        rightful: |cast| &cast.admin,
        expected: members(["204", "204", "204", NOT_A_USER]),
    },
    Access {
        operation: "resend-invite",
        request: |cast| {
            (
                Method::POST,
                format!("{}/invites/{}/resend", cast.organization, cast.invite_id),
                None,
            )
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "create-api-key",
        request: |cast| {
            let path = format!("{}/api-keys", cast.organization);
            (Method::POST, path, Some(json!({"name": "New"})))
        },
        rightful: |cast| &cast.admin,
        expected: members(["201", "201", "201", NOT_A_USER]),
    },
    Access {
        operation: "list-api-keys",
        request: |cast| {
            let path = format!("{}/api-keys", cast.organization);
            (Method::GET, path, None)
        },
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-api-key",
        request: |cast| {
            let path = format!("{}/api-keys/{}", cast.organization, cast.key.id);
            (Method::PATCH, path, Some(json!({"name": "New"})))
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "rotate-api-key",
        request: |cast| {
            let path = format!("{}/api-keys/{}/rotate", cast.organization, cast.key.id);
            (Method::POST, path, None)
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "revoke-api-key",
        request: |cast| {
            let path = format!("{}/api-keys/{}", cast.organization, cast.key.id);
            (Method::DELETE, path, None)
        },
        rightful: |cast| &cast.admin,
        expected: members(["204", "204", "204", NOT_A_USER]),
    },
    Access {
        operation: "list-audit-events",
        request: |cast| {
            (
                Method::GET,
                format!("{}/audit-events", cast.organization),
                None,
            )
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "get-billing",
        request: |cast| (Method::GET, format!("{}/billing", cast.organization), None),
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "update-billing",
        request: |cast| {
            (
                Method::PATCH,
                format!("{}/billing", cast.organization),
                Some(json!({"plan": "basic", "tax_id": "DE123"})),
            )
        },
        rightful: |cast| &cast.admin,
        expected: members(["200", "200", "200", NOT_A_USER]),
    },
    Access {
        operation: "get-usage",
        request: |cast| (Method::GET, format!("{}/usage", cast.organization), None),
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "record-usage",
        request: |_| {
            let body = json!({"credits": 1});
            (Method::POST, "/v1/usage".into(), Some(body))
        },
        rightful: |cast| &cast.machine,
        // The gateway's own refusal: the authorizer knows no such key.
        expected: [
            "403", "403", "403", "403", "403", "403", SIGN_IN, "403", "403", "200",
        ],
    },
    Access {
        operation: "get-account",
        request: |_| (Method::GET, "/v1/account".into(), None),
        rightful: |cast| &cast.user,
        expected: signed_in("200"),
    },
    Access {
        operation: "switch-organization",
        request: |cast| {
            let body = json!({"organization_id": cast.organization_id()});
            (
                Method::PUT,
                "/v1/account/current-organization".into(),
                Some(body),
            )
        },
        rightful: |cast| &cast.user,
        expected: members(["200"; 4]),
    },
    Access {
        operation: "list-my-invites",
        request: |_| (Method::GET, "/v1/account/invites".into(), None),
        rightful: |cast| &cast.dana,
        expected: signed_in("200"),
    },
    // An invite to another address is as good as none.
    Access {
        operation: "accept-invite",
        request: |cast| {
            (
                Method::POST,
                format!("/v1/account/invites/{}/accept", cast.invite_id),
                None,
            )
        },
        rightful: |cast| &cast.dana,
        expected: signed_in("404 invite_not_found"),
    },
    Access {
        operation: "decline-invite",
        request: |cast| {
            (
                Method::POST,
                format!("/v1/account/invites/{}/decline", cast.invite_id),
                None,
            )
        },
        rightful: |cast| &cast.dana,
        expected: signed_in("404 invite_not_found"),
    },
    // Whoever holds the link, signed in or not, with whatever token.
    Access {
        operation: "preview-invite",
        request: |cast| {
            (
                Method::GET,
                format!("/v1/invites/{}", cast.world.link_token("dana@example.com")),
                None,
            )
        },
        rightful: |cast| &cast.dana,
        expected: ["200"; 10],
    },
    Access {
        operation: "decline-invite-by-link",
        request: |cast| {
            let token = cast.world.link_token("dana@example.com");
            (Method::POST, format!("/v1/invites/{token}/decline"), None)
        },
        rightful: |cast| &cast.dana,
        expected: ["204"; 10],
    },
    // The same document for everybody; what it shows is asked of the API.
    Access {
        operation: "pages",
        request: |_| (Method::GET, "/dashboard/organization-settings".into(), None),
        rightful: |cast| &cast.stranger,
        expected: ["200"; 10],
    },
];

impl Access {
    /// Asks as somebody.
    pub async fn ask(&self, cast: &Fixture, session: &Session) -> Reply {
        let (method, path, body) = (self.request)(cast);
        let headers: &[(&str, &str)] = match self.operation {
            "record-usage" => &[("idempotency-key", "once")],
            _ => &[],
        };
        let body = body.map(|body| body.to_string());
        session.send_with(method, &path, body, headers).await
    }

    /// What is needed for only the operation's own requests to be on the wire:
    /// the gateway keeps for a while what the authorizer told.
    pub async fn prepare(&self, cast: &Fixture) {
        if self.operation == "record-usage" {
            cast.machine.get("/v1/usage").await.expect("200");
            cast.world.wire.take();
        }
    }
}

pub fn access(operation: &str) -> &'static Access {
    ACCESS
        .iter()
        .find(|access| access.operation == operation)
        .unwrap()
}

fn session(cast: &Fixture, who: &str) -> Session {
    let world = &cast.world;
    let owner = local::SignIn::with_email("olga@example.com");
    let mut claims = world.stack.issuer().claims(&owner);
    let now = world.clock.now().timestamp();
    match who {
        "creator" => cast.creator.clone(),
        "owner" => cast.owner.clone(),
        "admin" => cast.admin.clone(),
        "user" => cast.user.clone(),
        "outsider" => cast.outsider.clone(),
        "stranger" => cast.stranger.clone(),
        "nobody" => world.nobody(),
        "expired" => {
            claims.insert("exp".into(), json!(now));
            let token = world.stack.issuer().sign(claims);
            world.with_token(Some(token), owner.user_id, String::new())
        }
        "forged" => {
            // All is well with this token, except that it was signed by another key.
            let clock = world.clock.clone();
            let clock = functions::Clock::new(move || clock.now());
            let forger = local::Issuer::new(world.stack.url(), clock, None).unwrap();
            world.with_token(Some(forger.sign(claims)), owner.user_id, String::new())
        }
        "key" => world.machine(&cast.key),
        other => panic!("{other}"),
    }
}

async fn everybody_is_answered_as_the_row_says(operation: &str) {
    let access = access(operation);
    for (who, expected) in EVERYBODY.into_iter().zip(access.expected) {
        let cast = Fixture::new().await;
        let reply = access.ask(&cast, &session(&cast, who)).await;
        assert_eq!(
            reply.outcome(),
            expected,
            "{operation} asked by {who}: {}",
            reply.body
        );
        if reply.status == 403 && reply.body["code"].is_string() {
            let detail = reply.body["detail"].as_str().unwrap();
            assert!(detail.contains("only an owner"), "{detail}");
        }
    }
}

macro_rules! access_tests {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            everybody_is_answered_as_the_row_says(&stringify!($name).replace('_', "-")).await;
        })*

        /// Which operations the tests above are of.
        pub const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

access_tests! {
    create_organization list_organizations get_organization update_organization get_settings
    list_members update_member remove_member
    create_invite list_invites update_invite cancel_invite resend_invite
    create_api_key list_api_keys update_api_key rotate_api_key revoke_api_key
    list_audit_events
    get_billing update_billing get_usage record_usage
    get_account switch_organization list_my_invites accept_invite decline_invite
    preview_invite decline_invite_by_link
    pages
}

#[tokio::test]
async fn the_rightful_one_is_served() {
    for access in ACCESS {
        let cast = Fixture::new().await;
        let reply = access.ask(&cast, (access.rightful)(&cast)).await;
        assert!(
            (200..300).contains(&reply.status),
            "{}: {}",
            access.operation,
            reply.body
        );
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_or_from_somebody_else_is_no_sign_in() {
    let cast = Fixture::new().await;
    let issuer = cast.world.stack.issuer();
    let claims = issuer.claims(&local::SignIn::with_email("olga@example.com"));
    let now = cast.world.clock.now().timestamp();
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
            cast.world
                .with_token(Some(issuer.sign(claims)), String::new(), String::new());
        let reply = session.get("/v1/account").await;
        assert_eq!(reply.status, 401, "{claim}: {}", reply.body);
    }
    let garbage = cast
        .world
        .with_token(Some("garbage".into()), String::new(), String::new());
    garbage.get("/v1/account").await.expect("401");
}

#[tokio::test]
async fn a_removed_member_has_lost_the_power_with_the_next_request() {
    let cast = Fixture::new().await;
    cast.admin.get(&cast.organization).await.expect("200");
    let path = format!("{}/members/{}", cast.organization, cast.admin.user_id);
    cast.owner.delete(&path).await.expect("200");
    cast.admin
        .get(&cast.organization)
        .await
        .expect("404 organization_not_found");
    cast.admin
        .post(
            &format!("{}/invites", cast.organization),
            json!({"email": "x@example.com", "role": "user"}),
        )
        .await
        .expect("404 organization_not_found");
}

#[tokio::test]
async fn ids_of_another_organization_open_nothing() {
    let cast = Fixture::new().await;
    let elsewhere = cast.outsider.get("/v1/organizations").await.expect("200");
    let elsewhere = format!(
        "/v1/organizations/{}",
        elsewhere["items"][0]["id"].as_str().unwrap()
    );
    let invite = format!("{elsewhere}/invites/{}", cast.invite_id);
    cast.outsider
        .patch(&invite, json!({"role": "admin"}))
        .await
        .expect("404 invite_not_found");
    cast.outsider
        .delete(&invite)
        .await
        .expect("404 invite_not_found");
    cast.outsider
        .act(&format!("{invite}/resend"))
        .await
        .expect("404 invite_not_found");
    let key = format!("{elsewhere}/api-keys/{}", cast.key.id);
    cast.outsider
        .patch(&key, json!({"name": "Mine"}))
        .await
        .expect("404 api_key_not_found");
    cast.outsider
        .act(&format!("{key}/rotate"))
        .await
        .expect("404 api_key_not_found");
    cast.outsider
        .delete(&key)
        .await
        .expect("404 api_key_not_found");
    let member = format!("{elsewhere}/members/{}", cast.user.user_id);
    cast.outsider
        .patch(&member, json!({"role": "admin"}))
        .await
        .expect("404 member_not_found");
    cast.outsider
        .delete(&member)
        .await
        .expect("404 member_not_found");
}
