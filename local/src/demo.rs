//! A realistic organization, created through the API.

use axum::http::Method;
use chrono::{Datelike, TimeDelta, Weekday};
use functions::Clock;
use serde_json::{Value, json};

use crate::{
    gateway::{Gateway, GatewayResponse},
    issuer::SignIn,
    stack::Stack,
};

/// The creator of the organization.
const CREATOR: Person = ("ada@example.com", "Ada Lovelace");
const GRACE: Person = ("grace@example.com", "Grace Hopper");
const KATHERINE: Person = ("katherine@example.com", "Katherine Johnson");

/// The number of days with usage.
const DAYS_OF_USE: i64 = 62;

/// An email address and a name.
type Person = (&'static str, &'static str);

/// An error while creating the demo organization.
#[derive(Debug, thiserror::Error)]
#[error("the demo organization cannot be created: {method} {path} answered {status}: {detail}")]
pub struct DemoError {
    method: Method,
    path: String,
    status: u16,
    detail: String,
}

impl DemoError {
    /// Returns a successful response's body.
    fn check(method: Method, path: &str, response: GatewayResponse) -> Result<Value, Self> {
        if (200..300).contains(&response.status) {
            return Ok(response.body);
        }
        let detail = response.body.get("detail").and_then(Value::as_str);
        Err(Self {
            method,
            path: path.to_owned(),
            status: response.status,
            detail: detail.unwrap_or_default().to_owned(),
        })
    }
}

/// The addresses to sign in with, and the role of each.
pub const PEOPLE: [(&str, &str); 4] = [
    (CREATOR.0, "creator"),
    (KATHERINE.0, "admin"),
    ("mary@example.com", "user"),
    ("radia@example.com", "invited as admin"),
];

/// Creates the demo organization, unless it exists.
///
/// # Errors
/// [`DemoError`] names the request that failed.
pub async fn fill(stack: &Stack, clock: &Clock) -> Result<(), DemoError> {
    let mine = Demo::at(stack, clock, 0)
        .send(CREATOR, Method::GET, "/v1/organizations", None)
        .await?;
    if mine.pointer("/items/0").is_some() {
        return Ok(());
    }
    let days_ago = |days| Demo::at(stack, clock, days);
    let organization = json!({ "name": "Analytical Images", "metadata": { "shop": "images" } });
    let created = days_ago(DAYS_OF_USE + 2)
        .send(
            CREATOR,
            Method::POST,
            "/v1/organizations",
            Some(&organization),
        )
        .await?;
    let id = created
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();

    let annie = ("annie@example.com", "Annie Easley");
    let mary = ("mary@example.com", "Mary Jackson");
    let dorothy = ("dorothy@example.com", "Dorothy Vaughan");
    let margaret = ("margaret@example.com", "Margaret Hamilton");
    let sister = ("sister@example.com", "Mary Kenneth Keller");
    days_ago(39).join(id, CREATOR, GRACE, "owner", true).await?;
    days_ago(38)
        .join(id, CREATOR, KATHERINE, "admin", true)
        .await?;
    days_ago(30).join(id, GRACE, annie, "admin", false).await?;
    days_ago(29)
        .join(id, KATHERINE, mary, "user", false)
        .await?;
    days_ago(25)
        .invite(id, KATHERINE, "betty@example.com", "user", false)
        .await?;
    days_ago(12)
        .join(id, KATHERINE, dorothy, "user", true)
        .await?;
    days_ago(9)
        .join(id, KATHERINE, margaret, "user", false)
        .await?;
    let declined = days_ago(6)
        .invite(id, CREATOR, sister.0, "user", false)
        .await?;
    let decline = format!("/v1/account/invites/{declined}/decline");
    days_ago(5)
        .send(sister, Method::POST, &decline, None)
        .await?;
    days_ago(3)
        .invite(id, GRACE, "radia@example.com", "admin", true)
        .await?;
    days_ago(1)
        .invite(id, KATHERINE, "frances@example.com", "user", false)
        .await?;
    days_ago(0)
        .invite(id, GRACE, "barbara@example.com", "owner", false)
        .await?;
    let keys = format!("/v1/organizations/{id}/api-keys");
    let create_key = async |days, person: Person, key: Value| {
        let then = days_ago(days);
        let created = then.send(person, Method::POST, &keys, Some(&key)).await?;
        let id = created.pointer("/api_key/id").and_then(Value::as_str);
        Ok::<_, DemoError>(format!("{keys}/{}", id.unwrap_or_default()))
    };
    let production = create_key(37, GRACE, json!({ "name": "Production" })).await?;
    create_key(29, annie, json!({ "name": "Nightly previews" })).await?;
    let until = clock.now() + TimeDelta::days(20);
    let trial = json!({ "name": "Load test", "expires_at": until });
    create_key(10, KATHERINE, trial).await?;
    let grace = json!({ "grace_period_seconds": 7 * 24 * 3600 });
    let rotate = format!("{production}/rotate");
    days_ago(2)
        .send(KATHERINE, Method::POST, &rotate, Some(&grace))
        .await?;
    // Betty's invite expires.
    stack.run_schedules().await;
    use_credits(stack, clock, id).await
}

/// Uses credits as a growing shop does: more on weekdays, more each week.
async fn use_credits(stack: &Stack, clock: &Clock, id: &str) -> Result<(), DemoError> {
    let days_ago = |days| Demo::at(stack, clock, days);
    let billing = format!("/v1/organizations/{id}/billing");
    let plan = json!({
        "plan": "basic",
        "company_name": "Analytical Images Ltd",
        "tax_id": "GB123456789",
        "invoice_address": "12 St James's Square\nLondon SW1Y 4JH",
    });
    days_ago(DAYS_OF_USE + 1)
        .send(CREATOR, Method::PATCH, &billing, Some(&plan))
        .await?;
    let keys = format!("/v1/organizations/{id}/api-keys");
    let key = days_ago(DAYS_OF_USE + 1)
        .send(
            CREATOR,
            Method::POST,
            &keys,
            Some(&json!({ "name": "Shop" })),
        )
        .await?;
    let secret = key.get("secret").and_then(Value::as_str);
    for days in (0..=DAYS_OF_USE).rev() {
        let demo = days_ago(days);
        let is_weekend = matches!(
            (clock.now() - TimeDelta::days(days)).weekday(),
            Weekday::Sat | Weekday::Sun
        );
        let images = if is_weekend { 14 } else { 52 } + days * 37 % 23 + (DAYS_OF_USE - days) / 2;
        demo.render(secret.unwrap_or_default(), &format!("day-{days}"), images)
            .await?;
    }
    Ok(())
}

/// The API on one day of the past.
struct Demo<'a> {
    stack: &'a Stack,
    gateway: Gateway,
}

impl<'a> Demo<'a> {
    fn at(stack: &'a Stack, clock: &Clock, days_ago: i64) -> Self {
        let clock = clock.clone();
        let then = Clock::new(move || clock.now() - TimeDelta::days(days_ago));
        Self {
            stack,
            gateway: stack.parts.gateway_at(then),
        }
    }

    /// Invites a person, and returns the invite's id.
    async fn invite(
        &self,
        organization_id: &str,
        inviter: Person,
        email: &str,
        role: &str,
        billing: bool,
    ) -> Result<String, DemoError> {
        let path = format!("/v1/organizations/{organization_id}/invites");
        let input = json!({ "email": email, "role": role, "receives_billing_emails": billing });
        let invite = self
            .send(inviter, Method::POST, &path, Some(&input))
            .await?;
        let id = invite.get("id").and_then(Value::as_str);
        Ok(id.unwrap_or_default().to_owned())
    }

    async fn render(&self, secret: &str, key: &str, images: i64) -> Result<(), DemoError> {
        let (method, path) = (Method::POST, "/v1/usage");
        let body = json!({ "credits": images });
        let response = self
            .gateway
            .call_once(method.clone(), path, Some(secret), Some(&body), Some(key))
            .await;
        DemoError::check(method, path, response).map(|_| ())
    }

    async fn join(
        &self,
        organization_id: &str,
        inviter: Person,
        person: Person,
        role: &str,
        billing: bool,
    ) -> Result<(), DemoError> {
        let invite_id = self
            .invite(organization_id, inviter, person.0, role, billing)
            .await?;
        let accept = format!("/v1/account/invites/{invite_id}/accept");
        self.send(person, Method::POST, &accept, None).await?;
        Ok(())
    }

    async fn send(
        &self,
        (email, name): Person,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, DemoError> {
        let token = self.stack.sign_in(&SignIn {
            name: Some(name.to_owned()),
            ..SignIn::with_email(email)
        });
        let response = self
            .gateway
            .call(method.clone(), path, Some(&token), body)
            .await;
        DemoError::check(method, path, response)
    }
}
