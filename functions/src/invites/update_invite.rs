//! `PATCH /v1/organizations/{organization_id}/invites/{invite_id}`.

use domain::{InviteUpdate, Role, update_invite};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, IfMatch, Patch},
    mutate::Decision,
    response::Response,
    views::InviteView,
};

/// Changes the terms of a pending invite, which then rests on the caller's authority.
/// The link in the email stays valid.
pub static OPERATION: Operation = Operation::http("update-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Change a pending invite",
    "owner; admin for admins and users",
)
.takes::<Body>()
.responds::<InviteView>(200)
.conditional_on::<InviteView>()
.refuses(&[
    "invalid_request",
    "owner_required",
    "owner_or_admin_required",
    "organization_not_found",
    "invite_not_found",
    "invite_accepted",
    "invite_declined",
    "invite_cancelled",
    "invite_expired",
]);

/// The changes; a field that is left out keeps its value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The role of the new member.
    role: Patch<Role>,
    /// Whether the new member receives billing emails.
    receives_billing_emails: Patch<bool>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let id = &load::invite_id(request);
    let if_match = &IfMatch::of(request)?;
    let body: Body = input::body(request)?;
    let update = InviteUpdate {
        role: body.role.into_option(),
        receives_billing_emails: body.receives_billing_emails.into_option(),
    };

    let (invite, caller) = app
        .mutate(move |now| async move {
            let (caller, state) = load::caller_and_invite(app, scope, id).await?;
            let (mut updated, event) = update_invite(&caller, &state, update, now)?;
            let Some(event) = event else {
                return Ok(Decision::Unchanged((updated, caller)));
            };
            let present = state.invite();
            if_match.require(present.into(), || InviteView::of(present, &caller))?;
            let transaction = Transaction::by(&caller, now, [event])
                .write_invite(&mut updated)
                .claim_address(&updated);
            Ok(Decision::Commit(transaction, (updated, caller)))
        })
        .await?;
    Ok(Response::ok(&InviteView::of(&invite, &caller)))
}
