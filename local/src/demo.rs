//! A believable organization, made through the API itself.

use axum::http::Method;
use chrono::TimeDelta;
use functions::Clock;
use serde_json::{Value, json};

use crate::{gateway::Gateway, issuer::SignIn, stack::Stack};

/// Whose organization it is.
const CREATOR: (&str, &str) = ("ada@example.com", "Ada Lovelace");

/// Who joined, as what, and with billing emails or not.
const MEMBERS: [(&str, &str, &str, bool); 6] = [
    ("grace@example.com", "Grace Hopper", "owner", true),
    ("katherine@example.com", "Katherine Johnson", "admin", true),
    ("annie@example.com", "Annie Easley", "admin", false),
    ("mary@example.com", "Mary Jackson", "user", false),
    ("dorothy@example.com", "Dorothy Vaughan", "user", true),
    ("margaret@example.com", "Margaret Hamilton", "user", false),
];

/// Why the demo could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the demo organization cannot be made: {method} {path} answered {status}: {detail}")]
pub struct DemoError {
    method: Method,
    path: String,
    status: u16,
    detail: String,
}

/// Fills the stack with an organization, unless it is there. Gives the address
/// of its creator.
///
/// # Errors
/// [`DemoError`] tells which request failed.
pub async fn fill(stack: &Stack, clock: &Clock) -> Result<&'static str, DemoError> {
    let now = stack.gateway().clone();
    let ada = token(stack, CREATOR);
    let mine = send(&now, Method::GET, "/v1/organizations", &ada, None).await?;
    if mine.pointer("/items/0").is_some() {
        return Ok(CREATOR.0);
    }
    // Three weeks ago the first people joined, and somebody never answered.
    let then = clock.clone();
    let past = stack.gateway_at(Clock::new(move || then.now() - TimeDelta::days(21)));
    let organization = json!({ "name": "Analytical Images", "metadata": { "plan": "pro" } });
    let made = send(
        &past,
        Method::POST,
        "/v1/organizations",
        &ada,
        Some(&organization),
    )
    .await?;
    let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
    let invites = format!("/v1/organizations/{id}/invites");
    for (n, (email, name, role, billing)) in MEMBERS.into_iter().enumerate() {
        let gateway = if n < 4 { &past } else { &now };
        let wish = json!({ "email": email, "role": role, "receives_billing_emails": billing });
        let invite = send(gateway, Method::POST, &invites, &ada, Some(&wish)).await?;
        let invite_id = invite.get("id").and_then(Value::as_str).unwrap_or_default();
        let accept = format!("/v1/account/invites/{invite_id}/accept");
        send(
            gateway,
            Method::POST,
            &accept,
            &token(stack, (email, name)),
            None,
        )
        .await?;
    }
    let grace = token(stack, ("grace@example.com", "Grace Hopper"));
    let unanswered = json!({ "email": "betty@example.com", "role": "user" });
    send(&past, Method::POST, &invites, &grace, Some(&unanswered)).await?;

    for (email, role, billing) in [
        ("radia@example.com", "admin", true),
        ("frances@example.com", "user", false),
        ("barbara@example.com", "owner", false),
    ] {
        let wish = json!({ "email": email, "role": role, "receives_billing_emails": billing });
        send(&now, Method::POST, &invites, &grace, Some(&wish)).await?;
    }
    let wish = json!({ "email": "sister@example.com", "role": "user" });
    let declined = send(&now, Method::POST, &invites, &ada, Some(&wish)).await?;
    let declined_id = declined
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = format!("/v1/account/invites/{declined_id}/decline");
    send(
        &now,
        Method::POST,
        &path,
        &token(stack, ("sister@example.com", "Sister")),
        None,
    )
    .await?;
    Ok(CREATOR.0)
}

fn token(stack: &Stack, (email, name): (&str, &str)) -> String {
    stack.sign_in(&SignIn {
        name: Some(name.to_owned()),
        ..SignIn::with_email(email)
    })
}

async fn send(
    gateway: &Gateway,
    method: Method,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> Result<Value, DemoError> {
    let answer = gateway.call(method.clone(), path, Some(token), body).await;
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    let detail = answer
        .body
        .get("detail")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Err(DemoError {
        method,
        path: path.to_owned(),
        status: answer.status,
        detail,
    })
}
