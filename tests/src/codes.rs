//! The codes of problems: each operation gives every code that its shape lists. That it
//! gives no other, [`contract`](crate::contract) checks in all tests.

use std::{collections::BTreeSet, pin::Pin, time::Duration};

use chrono::TimeDelta;
use local::SignIn;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    access::{Ids, access},
    contention::invoke_in,
    contract,
    harness::{Fixture, Reply, Session, World},
    opt_outs,
    usage::{reader, refund, render},
    wire::Fault,
};

/// Makes an operation give a code.
type Scenario = for<'a> fn(&'a Fixture) -> Pin<Box<dyn Future<Output = Reply> + 'a>>;

/// The codes that one scenario is enough for: every operation gives them in the same way.
const COMMON: [&str; 4] = ["busy", "internal_error", "not_signed_in", "unavailable"];

/// The name of the product's own backend.
const SERVER: &str = "server";

/// Signs in a person of the fixture, as an earlier token may have expired, or returns
/// the server.
fn person(fixture: &Fixture, name: &str) -> Session {
    if name == SERVER {
        return fixture.world.server();
    }
    fixture.world.sign_in(&format!("{name}@example.com"))
}

/// Sends the request of the operation's access row as a person.
async fn send(fixture: &Fixture, operation: &str, name: &str) -> Reply {
    let person = person(fixture, name);
    access(operation).send_as(fixture, &person).await
}

/// Sends the request of the operation's access row as an owner, or as the server if it
/// is the server's, with another body.
async fn send_body(fixture: &Fixture, operation: &str, body: Value) -> Reply {
    let access = access(operation);
    let (method, path, _) = (access.request)(&Ids::of(fixture));
    let caller = match access.permitted {
        SERVER => fixture.world.server(),
        _ => fixture.owner.clone(),
    };
    caller.send(method, &path, Some(body)).await
}

/// Sends the request of the operation's access row as a permitted caller, with the header
/// `If-Match`.
async fn send_if_match(fixture: &Fixture, operation: &str, versions: &str) -> Reply {
    let access = access(operation);
    let (method, path, body) = (access.request)(&Ids::of(fixture));
    let body = body.map(|body| body.to_string());
    person(fixture, "ada")
        .send_with(method, &path, body, &[("if-match", versions)])
        .await
}

/// Asks for a page of a list with an invalid limit.
async fn send_limit(fixture: &Fixture, operation: &str) -> Reply {
    let (_, path, _) = (access(operation).request)(&Ids::of(fixture));
    fixture.owner.get(&format!("{path}?limit=0")).await
}

/// Sends the request as a person without an email address.
async fn send_without_email(fixture: &Fixture, operation: &str) -> Reply {
    let person = SignIn {
        email: None,
        ..SignIn::with_email("dana@example.com")
    };
    let person = fixture.world.sign_in_as(person);
    access(operation).send_as(fixture, &person).await
}

/// Sends the request as a person whose email address is not verified.
async fn send_unverified(fixture: &Fixture, operation: &str) -> Reply {
    let person = SignIn {
        email_verified: false,
        ..SignIn::with_email("dana@example.com")
    };
    let person = fixture.world.sign_in_as(person);
    access(operation).send_as(fixture, &person).await
}

/// Sends the request after the fixture's invite has ended.
async fn send_after(fixture: &Fixture, operation: &str, end: &str, name: &str) -> Reply {
    match end {
        "accept-invite" | "decline-invite" => send(fixture, end, "dana").await,
        "cancel-invite" => send(fixture, end, "ada").await,
        "expiry" => {
            fixture.world.clock.advance(TimeDelta::days(14));
            return send(fixture, operation, name).await;
        }
        other => panic!("{other}"),
    };
    send(fixture, operation, name).await
}

/// Makes the invite's first link an old one, and sends the request with it.
async fn send_with_old_link(fixture: &Fixture, operation: &str) -> Reply {
    let (method, path, _) = (access(operation).request)(&Ids::of(fixture));
    send(fixture, "resend-invite", "ada").await.expect("200");
    fixture.world.nobody().send(method, &path, None).await
}

/// Accepts the invite as another account with the same address.
async fn accept_as_twin(fixture: &Fixture) -> Reply {
    let twin = fixture.world.sign_in_as(SignIn {
        user_id: "another-dana".to_owned(),
        ..SignIn::with_email("dana@example.com")
    });
    access("accept-invite").send_as(fixture, &twin).await
}

/// Deletes the organization of an API key that the gateway still accepts.
async fn remove_organization(fixture: &Fixture) {
    let partition = format!("ORG#{}", fixture.organization_id());
    let key = json!({"pk": {"S": partition}, "sk": {"S": "ORGANIZATION"}});
    let request = json!({ "Key": key });
    fixture.world.dynamodb("DeleteItem", request).await;
}

/// Pauses the organization's invites, as a complaint does.
async fn pause_invites(fixture: &Fixture) {
    pause_invites_of(&fixture.world, fixture.organization_id()).await;
}

/// Pauses the invites of an organization, as a complaint does.
pub async fn pause_invites_of(world: &World, organization_id: &str) {
    let since = json!({"S": "2026-03-01T12:00:00Z"});
    let paused = json!({"M": {"since": since, "reason": {"S": "complaints"}}});
    let partition = format!("ORG#{organization_id}");
    let request = json!({
        "Key": {"pk": {"S": partition}, "sk": {"S": "COUNTS"}},
        "UpdateExpression": "SET invites_paused = :paused",
        "ExpressionAttributeValues": {":paused": paused},
    });
    world.dynamodb("UpdateItem", request).await;
}

const UNKNOWN_ID: &str = "01930000-0000-7000-8000-000000000009";

impl Fixture {
    fn member_path(&self, of: &str) -> String {
        format!("{}/members/{of}", self.organization)
    }

    fn unknown_invite(&self) -> String {
        format!("{}/invites/{UNKNOWN_ID}", self.organization)
    }

    fn unknown_key(&self) -> String {
        format!("{}/api-keys/{UNKNOWN_ID}", self.organization)
    }
}

macro_rules! scenarios {
    ($($operation:literal { $($code:ident: |$fixture:ident| $reply:expr,)* })*) => {
        /// The operation, the code and its scenario.
        static SCENARIOS: &[(&str, &str, Scenario)] = &[$($(
            ($operation, stringify!($code), |$fixture| Box::pin(async move { $reply.await })),
        )*)*];
    };
}

scenarios! {
    "create-organization" {
        invalid_request: |f| send_body(f, "create-organization", json!({})),
        email_required: |f| send_without_email(f, "create-organization"),
        email_not_verified: |f| send_unverified(f, "create-organization"),
        not_signed_in: |f| async {
            let person = SignIn { user_id: "zwölf".to_owned(), ..SignIn::with_email("x@example.com") };
            access("create-organization").send_as(f, &f.world.sign_in_as(person)).await
        },
        organization_limit_reached: |f| async {
            for n in 0..10 {
                f.stranger.create_organization(&format!("Number {n}")).await;
            }
            f.stranger.post("/v1/organizations", json!({"name": "One more"})).await
        },
        too_many_organizations: |f| async {
            for n in 0..50 {
                if n % 10 == 0 {
                    f.world.clock.advance(TimeDelta::days(1));
                }
                person(f, "sten").create_organization(&format!("Number {n}")).await;
            }
            person(f, "sten").post("/v1/organizations", json!({"name": "One more"})).await
        },
    }
    "list-organizations" {
        invalid_request: |f| send_limit(f, "list-organizations"),
    }
    "get-organization" {
        organization_not_found: |f| send(f, "get-organization", "otto"),
        unavailable: |f| async {
            f.world.wire.fail(0, 3, Fault::Throttled);
            send(f, "get-organization", "ada").await
        },
    }
    "update-organization" {
        version_mismatch: |f| send_if_match(f, "update-organization", "\"0\""),
        invalid_request: |f| send_body(f, "update-organization", json!({"name": ""})),
        owner_required: |f| send(f, "update-organization", "anna"),
        organization_not_found: |f| send(f, "update-organization", "otto"),
    }
    "delete-organization" {
        invalid_request: |f| send_if_match(f, "delete-organization", "0"),
        version_mismatch: |f| send_if_match(f, "delete-organization", "\"0\""),
        owner_required: |f| send(f, "delete-organization", "anna"),
        organization_not_found: |f| send(f, "delete-organization", "otto"),
    }
    "restore-organization" {
        owner_required: |f| send(f, "restore-organization", "anna"),
        organization_not_found: |f| send(f, "restore-organization", "otto"),
    }
    "change-creator" {
        invalid_request: |f| send_body(f, "change-creator", json!({})),
        creator_required: |f| send(f, "change-creator", "olga"),
        organization_not_found: |f| send(f, "change-creator", "otto"),
        member_not_found: |f| async {
            let path = format!("{}/creator", f.organization);
            f.creator.put(&path, json!({"user_id": "nobody"})).await
        },
        not_an_owner: |f| async {
            let path = format!("{}/creator", f.organization);
            f.creator.put(&path, json!({"user_id": f.admin.user_id})).await
        },
    }
    "lift-invite-pause" {
        invalid_request: |f| async {
            let path = format!("{}/invite-pause", f.managed());
            let header = [("on-behalf-of", "a\tb")];
            f.world.server().send_with(Method::DELETE, &path, None, &header).await
        },
        organization_not_found: |f| async {
            remove_organization(f).await;
            send(f, "lift-invite-pause", SERVER).await
        },
    }
    "add-members" {
        invalid_request: |f| send_body(f, "add-members", json!({"members": []})),
        organization_not_found: |f| async {
            f.owner.delete(&f.organization).await.expect("200");
            send(f, "add-members", SERVER).await
        },
    }
    "import-api-keys" {
        invalid_request: |f| send_body(f, "import-api-keys", json!({"api_keys": []})),
        organization_not_found: |f| async {
            f.owner.delete(&f.organization).await.expect("200");
            send(f, "import-api-keys", SERVER).await
        },
    }
    "erase-person" {
        invalid_request: |f| async { f.world.server().delete("/v1/server/people/%7F").await },
        creator_of_organizations: |f| async {
            let path = format!("/v1/server/people/{}", f.creator.user_id);
            f.world.server().delete(&path).await
        },
    }
    "find-organizations" {
        invalid_request: |f| async {
            f.world.server().get("/v1/server/organizations?email=x").await
        },
    }
    "provision-organization" {
        invalid_request: |f| send_body(f, "provision-organization", json!({})),
        external_id_taken: |f| async {
            send(f, "provision-organization", SERVER).await.expect("201");
            send(f, "provision-organization", SERVER).await
        },
    }
    "suspend-organization" {
        invalid_request: |f| send_body(f, "suspend-organization", json!({"reason": " "})),
        organization_not_found: |f| async {
            remove_organization(f).await;
            send(f, "suspend-organization", SERVER).await
        },
    }
    "unsuspend-organization" {
        invalid_request: |f| async {
            let path = format!("{}/suspension", f.managed());
            let header = [("on-behalf-of", "a\tb")];
            f.world.server().send_with(Method::DELETE, &path, None, &header).await
        },
        organization_not_found: |f| async {
            remove_organization(f).await;
            send(f, "unsuspend-organization", SERVER).await
        },
    }
    "get-settings" {
        organization_not_found: |f| send(f, "get-settings", "otto"),
    }
    "list-members" {
        invalid_request: |f| send_limit(f, "list-members"),
        organization_not_found: |f| send(f, "list-members", "otto"),
    }
    "get-member" {
        organization_not_found: |f| send(f, "get-member", "otto"),
        member_not_found: |f| async { f.owner.get(&f.member_path("nobody")).await },
    }
    "update-member" {
        version_mismatch: |f| send_if_match(f, "update-member", "\"0\""),
        invalid_request: |f| send_body(f, "update-member", json!({"role": "king"})),
        owner_required: |f| async {
            f.admin.patch(&f.member_path(&f.owner.user_id), json!({"role": "user"})).await
        },
        owner_or_admin_required: |f| send(f, "update-member", "ulla"),
        creator_protected: |f| async {
            f.owner.patch(&f.member_path(&f.creator.user_id), json!({"role": "user"})).await
        },
        organization_not_found: |f| send(f, "update-member", "otto"),
        member_not_found: |f| async {
            f.owner.patch(&f.member_path("nobody"), json!({"role": "user"})).await
        },
    }
    "remove-member" {
        invalid_request: |f| send_if_match(f, "remove-member", "0"),
        version_mismatch: |f| send_if_match(f, "remove-member", "\"0\""),
        owner_required: |f| async { f.admin.delete(&f.member_path(&f.owner.user_id)).await },
        owner_or_admin_required: |f| send(f, "remove-member", "ulla"),
        creator_protected: |f| async { f.owner.delete(&f.member_path(&f.creator.user_id)).await },
        organization_not_found: |f| send(f, "remove-member", "otto"),
        member_not_found: |f| async { f.owner.delete(&f.member_path("nobody")).await },
    }
    "create-invite" {
        email_required: |f| send_without_email(f, "create-invite"),
        email_not_verified: |f| send_unverified(f, "create-invite"),
        invalid_request: |f| send_body(f, "create-invite", json!({"email": "x", "role": "user"})),
        owner_required: |f| async {
            let input = json!({"email": "new@example.com", "role": "owner"});
            f.admin.post(&format!("{}/invites", f.organization), input).await
        },
        owner_or_admin_required: |f| send(f, "create-invite", "ulla"),
        organization_not_found: |f| send(f, "create-invite", "otto"),
        already_member: |f| send_body(f, "create-invite", json!({"email": "ulla@example.com", "role": "user"})),
        invite_outstanding: |f| send_body(f, "create-invite", json!({"email": "dana@example.com", "role": "user"})),
        too_many_invites: |f| async {
            for n in 1..100 {
                if n % 40 == 0 {
                    f.world.clock.advance(TimeDelta::days(1));
                }
                let email = format!("guest{n}@example.com");
                person(f, "olga").invite(&f.organization, &email, "user").await;
            }
            send(f, "create-invite", "ada").await
        },
        invites_paused: |f| async {
            pause_invites(f).await;
            send(f, "create-invite", "ada").await
        },
        recipient_opted_out: |f| async {
            opt_outs::opt_out_elsewhere(f, "new@example.com").await;
            let input = json!({"email": "new@example.com", "role": "user"});
            f.owner.post(&format!("{}/invites", f.organization), input).await
        },
        email_limit_reached: |f| async {
            send(f, "cancel-invite", "ada").await.expect("204");
            let id = f.owner.invite(&f.organization, "dana@example.com", "user").await;
            f.owner.delete(&format!("{}/invites/{id}", f.organization)).await.expect("204");
            let input = json!({"email": "dana@example.com", "role": "user"});
            f.owner.post(&format!("{}/invites", f.organization), input).await
        },
        busy: |f| async {
            let fault = Fault::Cancelled(&["TransactionConflict"]);
            f.world.wire.fail_action("TransactWriteItems", 0, usize::MAX, fault);
            invoke_in(f, "create-invite", Duration::from_secs(2)).await
        },
        internal_error: |f| async {
            let fault = Fault::Cancelled(&["ValidationError"]);
            f.world.wire.fail_action("TransactWriteItems", 0, 1, fault);
            send(f, "create-invite", "ada").await
        },
    }
    "create-invites" {
        email_required: |f| send_without_email(f, "create-invites"),
        email_not_verified: |f| send_unverified(f, "create-invites"),
        invalid_request: |f| send_body(f, "create-invites", json!({"invites": []})),
        owner_or_admin_required: |f| send(f, "create-invites", "ulla"),
        organization_not_found: |f| send(f, "create-invites", "otto"),
    }
    "list-invites" {
        invalid_request: |f| send_limit(f, "list-invites"),
        organization_not_found: |f| send(f, "list-invites", "otto"),
    }
    "update-invite" {
        version_mismatch: |f| send_if_match(f, "update-invite", "\"0\""),
        invalid_request: |f| send_body(f, "update-invite", json!({"role": "king"})),
        owner_required: |f| async {
            let path = format!("{}/invites/{}", f.organization, f.invite_id);
            f.admin.patch(&path, json!({"role": "owner"})).await
        },
        owner_or_admin_required: |f| send(f, "update-invite", "ulla"),
        organization_not_found: |f| send(f, "update-invite", "otto"),
        invite_not_found: |f| async { f.owner.patch(&f.unknown_invite(), json!({"role": "user"})).await },
        invite_accepted: |f| send_after(f, "update-invite", "accept-invite", "ada"),
        invite_declined: |f| send_after(f, "update-invite", "decline-invite", "ada"),
        invite_cancelled: |f| send_after(f, "update-invite", "cancel-invite", "ada"),
        invite_expired: |f| send_after(f, "update-invite", "expiry", "ada"),
    }
    "cancel-invite" {
        invalid_request: |f| send_if_match(f, "cancel-invite", "0"),
        version_mismatch: |f| send_if_match(f, "cancel-invite", "\"0\""),
        owner_or_admin_required: |f| send(f, "cancel-invite", "ulla"),
        organization_not_found: |f| send(f, "cancel-invite", "otto"),
        invite_not_found: |f| async { f.owner.delete(&f.unknown_invite()).await },
        invite_accepted: |f| send_after(f, "cancel-invite", "accept-invite", "ada"),
        invite_declined: |f| send_after(f, "cancel-invite", "decline-invite", "ada"),
        invite_expired: |f| send_after(f, "cancel-invite", "expiry", "ada"),
    }
    "resend-invite" {
        email_required: |f| send_without_email(f, "resend-invite"),
        email_not_verified: |f| send_unverified(f, "resend-invite"),
        owner_required: |f| async {
            let id = f.owner.invite(&f.organization, "new@example.com", "owner").await;
            f.admin.post_empty(&format!("{}/invites/{id}/resend", f.organization)).await
        },
        owner_or_admin_required: |f| send(f, "resend-invite", "ulla"),
        organization_not_found: |f| send(f, "resend-invite", "otto"),
        invite_not_found: |f| async { f.owner.post_empty(&format!("{}/resend", f.unknown_invite())).await },
        invite_accepted: |f| send_after(f, "resend-invite", "accept-invite", "ada"),
        invite_declined: |f| send_after(f, "resend-invite", "decline-invite", "ada"),
        invite_cancelled: |f| send_after(f, "resend-invite", "cancel-invite", "ada"),
        invite_expired: |f| send_after(f, "resend-invite", "expiry", "ada"),
        invites_paused: |f| async {
            pause_invites(f).await;
            send(f, "resend-invite", "ada").await
        },
        recipient_opted_out: |f| async {
            opt_outs::opt_out_elsewhere(f, "dana@example.com").await;
            send(f, "resend-invite", "ada").await
        },
        email_limit_reached: |f| async {
            send(f, "resend-invite", "ada").await.expect("200");
            send(f, "resend-invite", "ada").await
        },
    }
    "preview-invite" {
        invite_not_found: |f| async { f.world.nobody().get("/v1/invites/unknown").await },
        link_replaced: |f| send_with_old_link(f, "preview-invite"),
        invite_accepted: |f| send_after(f, "preview-invite", "accept-invite", "dana"),
        invite_declined: |f| send_after(f, "preview-invite", "decline-invite", "dana"),
        invite_cancelled: |f| send_after(f, "preview-invite", "cancel-invite", "dana"),
        invite_expired: |f| send_after(f, "preview-invite", "expiry", "dana"),
    }
    "decline-invite-by-link" {
        invite_not_found: |f| async { f.world.nobody().post_empty("/v1/invites/unknown/decline").await },
        link_replaced: |f| send_with_old_link(f, "decline-invite-by-link"),
        invite_accepted: |f| send_after(f, "decline-invite-by-link", "accept-invite", "dana"),
        invite_cancelled: |f| send_after(f, "decline-invite-by-link", "cancel-invite", "dana"),
        invite_expired: |f| send_after(f, "decline-invite-by-link", "expiry", "dana"),
    }
    "opt-out-of-invites" {
        invite_not_found: |f| async { f.world.nobody().post_empty("/v1/opt-outs/unknown").await },
    }
    "opt-in-to-invites" {
        invite_not_found: |f| async { f.world.nobody().delete("/v1/opt-outs/unknown").await },
    }
    "create-api-key" {
        invalid_request: |f| send_body(f, "create-api-key", json!({"name": ""})),
        owner_or_admin_required: |f| send(f, "create-api-key", "ulla"),
        organization_not_found: |f| send(f, "create-api-key", "otto"),
        too_many_api_keys: |f| async {
            for n in 1..50 {
                f.owner.create_key(&f.organization, &format!("Key {n}")).await;
            }
            send(f, "create-api-key", "ada").await
        },
    }
    "list-api-keys" {
        invalid_request: |f| send_limit(f, "list-api-keys"),
        organization_not_found: |f| send(f, "list-api-keys", "otto"),
    }
    "update-api-key" {
        version_mismatch: |f| send_if_match(f, "update-api-key", "\"0\""),
        invalid_request: |f| send_body(f, "update-api-key", json!({"name": ""})),
        owner_or_admin_required: |f| send(f, "update-api-key", "ulla"),
        organization_not_found: |f| send(f, "update-api-key", "otto"),
        api_key_not_found: |f| async { f.owner.patch(&f.unknown_key(), json!({"name": "x"})).await },
    }
    "rotate-api-key" {
        invalid_request: |f| send_body(f, "rotate-api-key", json!({"grace_period_seconds": -1})),
        owner_or_admin_required: |f| send(f, "rotate-api-key", "ulla"),
        organization_not_found: |f| send(f, "rotate-api-key", "otto"),
        api_key_not_found: |f| async { f.owner.post_empty(&format!("{}/rotate", f.unknown_key())).await },
        api_key_expired: |f| async {
            let expires_at = f.world.clock.now() + TimeDelta::minutes(1);
            send_body(f, "update-api-key", json!({ "expires_at": expires_at })).await.expect("200");
            f.world.clock.advance(TimeDelta::minutes(1));
            send(f, "rotate-api-key", "ada").await
        },
    }
    "revoke-api-key" {
        invalid_request: |f| send_if_match(f, "revoke-api-key", "0"),
        version_mismatch: |f| send_if_match(f, "revoke-api-key", "\"0\""),
        owner_or_admin_required: |f| send(f, "revoke-api-key", "ulla"),
        organization_not_found: |f| send(f, "revoke-api-key", "otto"),
        api_key_not_found: |f| async { f.owner.delete(&f.unknown_key()).await },
    }
    "list-audit-events" {
        invalid_request: |f| send_limit(f, "list-audit-events"),
        owner_or_admin_required: |f| send(f, "list-audit-events", "ulla"),
        organization_not_found: |f| send(f, "list-audit-events", "otto"),
    }
    "get-billing" {
        organization_not_found: |f| send(f, "get-billing", "otto"),
    }
    "update-billing" {
        version_mismatch: |f| async {
            let path = format!("{}/billing", f.organization);
            let body = Some(json!({"tax_id": "DE7"}).to_string());
            f.owner.send_with(Method::PATCH, &path, body, &[("if-match", "\"7\"")]).await
        },
        plan_change_not_allowed: |_f| async {
            let world = World::start_with_plans_by_server("https://example.com/plans").await;
            let fixture = Fixture::in_world(world).await;
            fixture.admin.patch(&fixture.billing(), json!({"plan": "pro"})).await
        },
        invalid_request: |f| send_body(f, "update-billing", json!({"plan": "unknown"})),
        owner_or_admin_required: |f| send(f, "update-billing", "ulla"),
        organization_not_found: |f| send(f, "update-billing", "otto"),
    }
    "get-usage" {
        organization_not_found: |f| send(f, "get-usage", "otto"),
    }
    "get-usage-by-api-key" {
        insufficient_scope: |f| async {
            let input = json!({"name": "Renderer", "scopes": ["usage:write"]});
            let key = f.owner.post(&format!("{}/api-keys", f.organization), input).await.expect("201");
            let secret = key["secret"].as_str().unwrap().to_owned();
            let client = f.world.with_token(Some(secret), String::new(), String::new());
            client.get("/v1/usage").await
        },
        organization_not_found: |f| async {
            remove_organization(f).await;
            f.api_client.get("/v1/usage").await
        },
    }
    "record-usage" {
        invalid_request: |f| render(&f.api_client, "", 1),
        organization_not_found: |f| async {
            remove_organization(f).await;
            render(&f.api_client, "a", 1).await
        },
        insufficient_scope: |f| async { render(&reader(f).await, "a", 1).await },
        usage_refunded: |f| async {
            render(&f.api_client, "a", 2).await.expect("200");
            refund(&f.api_client, json!({"idempotency_key": "a"})).await.expect("200");
            render(&f.api_client, "a", 2).await
        },
        idempotency_key_reused: |f| async {
            render(&f.api_client, "a", 1).await.expect("200");
            render(&f.api_client, "a", 2).await
        },
        credits_used_up: |f| render(&f.api_client, "a", 51),
        rate_limit_exceeded: |f| async {
            // A window of the default rate has 2,500 requests with a key, and a first lease of 5.
            let windows = f.world.clock.now().timestamp() / 10;
            let id = &f.key.id;
            let item = json!({
                "pk": {"S": format!("RATE#{id}#{windows}")}, "sk": {"S": "RATE"},
                "taken": {"N": "2496"},
            });
            f.world.dynamodb("PutItem", json!({ "Item": item })).await;
            for n in 0..5 {
                render(&f.api_client, &format!("{n}"), 1).await.expect("200");
            }
            render(&f.api_client, "last", 1).await
        },
    }
    "refund-usage" {
        invalid_request: |f| async {
            render(&f.api_client, "a", 2).await.expect("200");
            refund(&f.api_client, json!({"idempotency_key": "a", "credits": 3})).await
        },
        insufficient_scope: |f| async {
            let reader = reader(f).await;
            refund(&reader, json!({"idempotency_key": "a"})).await
        },
        organization_not_found: |f| async {
            f.delete().await;
            let path = format!("{}/usage/refunds", f.managed());
            f.world.server().post(&path, json!({"idempotency_key": "a"})).await
        },
        usage_not_found: |f| refund(&f.api_client, json!({"idempotency_key": "a"})),
        usage_refunded: |f| async {
            render(&f.api_client, "a", 2).await.expect("200");
            refund(&f.api_client, json!({"idempotency_key": "a", "credits": 1})).await.expect("200");
            refund(&f.api_client, json!({"idempotency_key": "a", "credits": 2})).await
        },
    }
    "get-api-key" {
        organization_not_found: |f| async {
            remove_organization(f).await;
            f.api_client.get("/v1/api-key").await
        },
        api_key_not_found: |f| async {
            f.api_client.get("/v1/api-key").await.expect("200");
            f.owner.delete(&format!("{}/api-keys/{}", f.organization, f.key.id)).await.expect("204");
            f.api_client.get("/v1/api-key").await
        },
    }
    "switch-organization" {
        invalid_request: |f| send_body(f, "switch-organization", json!({})),
        organization_not_found: |f| send(f, "switch-organization", "otto"),
    }
    "list-my-invites" {
        invalid_request: |f| send_limit(f, "list-my-invites"),
        email_required: |f| send_without_email(f, "list-my-invites"),
        email_not_verified: |f| send_unverified(f, "list-my-invites"),
    }
    "accept-invite" {
        organization_suspended: |f| async {
            send(f, "suspend-organization", SERVER).await.expect("200");
            send(f, "accept-invite", "dana").await
        },
        email_required: |f| send_without_email(f, "accept-invite"),
        email_not_verified: |f| send_unverified(f, "accept-invite"),
        invite_not_found: |f| send(f, "accept-invite", "sten"),
        already_member: |f| async {
            // A member signs in with another address, which is the invited one.
            let user_id = f.user.user_id.clone();
            let person = SignIn { user_id, ..SignIn::with_email("dana@example.com") };
            access("accept-invite").send_as(f, &f.world.sign_in_as(person)).await
        },
        invite_needs_resend: |f| async {
            let id = f.admin.invite(&f.organization, "sten@example.com", "user").await;
            f.owner.patch(&f.member_path(&f.admin.user_id), json!({"role": "user"})).await.expect("200");
            f.stranger.accept(&id).await
        },
        invite_accepted: |f| async {
            send(f, "accept-invite", "dana").await.expect("200");
            accept_as_twin(f).await
        },
        invite_declined: |f| send_after(f, "accept-invite", "decline-invite", "dana"),
        invite_cancelled: |f| send_after(f, "accept-invite", "cancel-invite", "dana"),
        invite_expired: |f| send_after(f, "accept-invite", "expiry", "dana"),
    }
    "decline-invite" {
        email_required: |f| send_without_email(f, "decline-invite"),
        email_not_verified: |f| send_unverified(f, "decline-invite"),
        invite_not_found: |f| send(f, "decline-invite", "sten"),
        invite_accepted: |f| send_after(f, "decline-invite", "accept-invite", "dana"),
        invite_cancelled: |f| send_after(f, "decline-invite", "cancel-invite", "dana"),
        invite_expired: |f| send_after(f, "decline-invite", "expiry", "dana"),
    }
}

#[test]
fn every_listed_code_has_a_scenario_and_no_other_has() {
    let listed: BTreeSet<(&str, &str)> = contract::codes()
        .into_iter()
        .filter(|(_, code)| !COMMON.contains(code))
        // The operation is the same on the server's route, and so are its scenarios.
        .filter(|(id, _)| !id.ends_with("-by-server"))
        // A test in `suspension` covers all mutations.
        .filter(|(id, code)| *code != "organization_suspended" || *id == "accept-invite")
        .collect();
    assert!(listed.len() > 100, "{}", listed.len());
    let mut scenarios = BTreeSet::new();
    let mut common = Vec::new();
    for (operation, code, _) in SCENARIOS {
        if COMMON.contains(code) {
            common.push(*code);
        } else {
            assert!(scenarios.insert((*operation, *code)), "{operation} {code}");
        }
    }
    let missing: Vec<_> = listed.difference(&scenarios).collect();
    let unlisted: Vec<_> = scenarios.difference(&listed).collect();
    assert!(
        missing.is_empty() && unlisted.is_empty(),
        "no scenario for {missing:?}; not listed: {unlisted:?}"
    );
    common.sort_unstable();
    assert_eq!(common, COMMON);
}

/// Plays the scenarios of an operation.
async fn assert_codes_given(operation: &str) {
    for (id, code, scenario) in SCENARIOS {
        if id.strip_suffix("-by-api-key").unwrap_or(id) != operation {
            continue;
        }
        let fixture = Fixture::new().await;
        let reply = scenario(&fixture).await;
        let replied = reply.operation.unwrap_or_default();
        let replied = replied.strip_suffix("-by-server").unwrap_or(replied);
        assert_eq!(replied, *id, "{code}");
        assert_eq!(reply.body["code"], *code, "{id} {code}: {}", reply.body);
    }
}

macro_rules! code_tests {
    (
        api { $($area:ident::$operation:ident)* }
        others { $($other_area:ident::$other:ident)* }
    ) => {
        $(#[tokio::test]
        async fn $operation() {
            assert_codes_given(&stringify!($operation).replace('_', "-")).await;
        })*
    };
}

functions::for_each_operation!(code_tests);
