//! `POST /v1/organizations/{organization_id}/invites/{invite_id}/resend`.

use domain::resend;
use lambda_http::Request;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape, access::Scope, error::Error, mutate::Decision, response::Response,
    views::InviteView,
};

/// Sends a pending invite again: valid for another 14 days, on the caller's authority,
/// with a new link that replaces all earlier ones.
pub static OPERATION: Operation = Operation::http("resend-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Resend a pending invite",
    "owner; admin for admins and users; with a verified email address",
)
.responds::<InviteView>(200)
.refuses(&[
    "owner_required",
    "owner_or_admin_required",
    "email_required",
    "email_not_verified",
    "organization_not_found",
    "invite_not_found",
    "invite_accepted",
    "invite_declined",
    "invite_cancelled",
    "invite_expired",
    "resend_too_soon",
    "resend_limit_reached",
]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(request)?;
    scope.require_verified_email()?;
    let id = &load::invite_id(request);

    let (invite, caller) = app
        .mutate(move |now| async move {
            let (caller, state) = load::caller_and_invite(app, scope, id).await?;
            let (resent, event) = resend(&caller, &state, now)?;
            let transaction = Transaction::by(&caller, now, [event])
                .write_invite(&resent)
                .claim_address(&resent);
            Ok(Decision::Commit(transaction, (resent, caller)))
        })
        .await?;
    Ok(Response::ok(&InviteView::of(&invite, &caller)))
}
