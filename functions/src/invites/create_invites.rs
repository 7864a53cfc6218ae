//! `POST /v1/organizations/{organization_id}/invites/batch`.

use std::time::Duration;

use domain::{Action, EmailAddress, Role, permit};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;

use super::create_invite::{Wish, invite};
use crate::{
    App, Operation, Shape,
    access::Scope,
    config,
    error::Error,
    input, mutate,
    repeat::Mark,
    response::Response,
    views::{InvitedRow, InvitedView},
};

/// The maximum number of rows in a request.
const MAX: usize = 100;
/// The time that is kept for the last row and the response.
const RESERVE: Duration = Duration::from_millis(1500);

/// Invites several addresses. Each row is a decision and a transaction of its own.
pub static OPERATION: Operation = Operation::http("create-invites", |app, request| {
    Box::pin(handle(app, request))
})
.needs(config::EMAIL_LIMITS);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Invite up to 100 email addresses, with a result for each",
    "owner, admin, with a verified email address",
)
.takes::<Body>()
.idempotent(
    false,
    "Repeating a request with the same key within a day returns its invites, and creates those that are missing.",
)
.responds::<InvitedView>(200)
.refuses(&[
    "invalid_request",
    "owner_or_admin_required",
    "email_required",
    "email_not_verified",
    "organization_not_found",
]);

/// The addresses to invite.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// 1 to 100 rows.
    #[schemars(length(min = 1, max = 100))]
    invites: Vec<Row>,
}

/// An address to invite, and what accepting gives.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The address to invite. An invalid one refuses its row alone.
    email: String,
    /// The role that accepting gives.
    role: Role,
    /// Whether accepting turns on billing emails.
    #[serde(default)]
    receives_billing_emails: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    scope.require_verified_email()?;
    let Body { invites } = input::body(request)?;
    if !(1..=MAX).contains(&invites.len()) {
        return Err(Error::field("invites", "must be 1 to 100 rows"));
    }
    let key = input::idempotency_key(request)?;
    // A caller who can invite nobody gets one refusal, and not one for each row.
    let (caller, ()) = scope.read(app, ()).await?;
    permit(&caller, Action::Invite(Role::User))?;

    let mut items = Vec::with_capacity(invites.len());
    let mut stopped = None;
    for row in &invites {
        let is_late = mutate::time_left().is_some_and(|left| left < RESERVE);
        if is_late && stopped.is_none() {
            stopped = Some(Error::OutOfTime);
        }
        if let Some(error) = &stopped {
            items.push(InvitedRow::not_tried(&row.email, error));
            continue;
        }
        let email = match EmailAddress::parse(&row.email) {
            Ok(email) => email,
            Err(invalid) => {
                items.push(InvitedRow::refused(
                    &row.email,
                    &Error::field("email", invalid),
                ));
                continue;
            }
        };
        let wish = Wish {
            mark: key.map(|key| Mark::of(scope, key, email.normal())),
            email,
            role: row.role,
            receives_billing_emails: row.receives_billing_emails,
        };
        match invite(app, scope, &wish).await {
            Ok(view) => items.push(InvitedRow::created(&row.email, view)),
            Err(error @ Error::Refused(_)) => items.push(InvitedRow::refused(&row.email, &error)),
            // Nothing has changed yet, or the rest would fail in the same way.
            Err(error) if items.is_empty() => return Err(error),
            Err(error) => {
                items.push(InvitedRow::not_tried(&row.email, &error));
                stopped = Some(error);
            }
        }
    }
    Ok(Response::ok(&InvitedView { items }))
}
