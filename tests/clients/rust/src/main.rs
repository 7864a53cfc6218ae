//! Plays the story with openapi-generator's Rust client. URL is a local stack.

use client::apis::Error;
use client::apis::account_api::{accept_invite, get_account};
use client::apis::configuration::Configuration;
use client::apis::invites_api::{create_invite, list_invites};
use client::apis::members_api::update_member;
use client::apis::organizations_api::create_organization;
use client::models::{CreateInviteRequest, CreateOrganizationRequest, Role, UpdateMemberRequest};
use serde_json::{Value, json};

fn caller(token: &str) -> Configuration {
    Configuration {
        base_path: std::env::var("URL").unwrap(),
        bearer_access_token: Some(token.to_owned()),
        ..Configuration::new()
    }
}

fn sign_in(email: &str) -> (Configuration, String) {
    let nobody = caller("");
    let url = format!("{}/local/sign-in", nobody.base_path);
    let name = email.split('@').next();
    let request = nobody
        .client
        .post(url)
        .json(&json!({ "email": email, "name": name }));
    let person: Value = request.send().unwrap().json().unwrap();
    let user_id = person["user_id"].as_str().unwrap();
    (
        caller(person["token"].as_str().unwrap()),
        user_id.to_owned(),
    )
}

/// Returns the status and the body of a refusal.
fn refusal<V: std::fmt::Debug, E: std::fmt::Debug>(result: Result<V, Error<E>>) -> (u16, Value) {
    match result {
        Err(Error::ResponseError(response)) => (
            response.status.as_u16(),
            serde_json::from_str(&response.content).unwrap(),
        ),
        other => panic!("not a refusal: {other:?}"),
    }
}

fn main() {
    let ((ada, _), (ben, ben_id)) = (sign_in("ada@example.com"), sign_in("ben@example.com"));
    let wish = CreateOrganizationRequest::new("Acme".to_owned());
    let organization = create_organization(&ada, wish, None).unwrap();
    assert_eq!(organization.role, Role::Owner);
    let id = organization.id.to_string();

    let wish = CreateInviteRequest {
        receives_billing_emails: Some(true),
        ..CreateInviteRequest::new("ben@example.com".to_owned(), Role::Admin)
    };
    let invite = create_invite(&ada, &id, wish.clone(), None).unwrap();
    assert_eq!(invite.role, Role::Admin);
    let (status, problem) = refusal(create_invite(&ada, &id, wish, None));
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("invite_outstanding"))
    );
    let page = list_invites(&ada, &id, None, None, None).unwrap();
    assert_eq!(
        page.items.iter().map(|item| item.role).collect::<Vec<_>>(),
        [Role::Admin]
    );

    let accepted = accept_invite(&ben, &invite.id.to_string()).unwrap();
    assert_eq!(accepted.organization.id, organization.id);
    let wish = UpdateMemberRequest {
        role: Some(Role::Owner),
        ..UpdateMemberRequest::new()
    };
    let changed = update_member(&ada, &id, &ben_id, wish, None).unwrap();
    assert_eq!(changed.role, Role::Owner);

    let (status, _) = refusal(get_account(&caller("x")));
    assert_eq!(status, 401);
}
