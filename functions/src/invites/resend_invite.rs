//! `POST /v1/organizations/{organization_id}/invites/{invite_id}/resend`.

use domain::{EmailHistory, InviteState, resend};
use lambda_http::Request;
use store::{Key, Transaction};

use super::load;
use crate::{
    App, Operation, Shape, access::Scope, config, error::Error, mutate::Decision,
    response::Response, views::InviteView,
};

/// Sends a pending invite again: valid for another 14 days, on the caller's authority,
/// with a new link that replaces all earlier ones.
pub static OPERATION: Operation = Operation::http("resend-invite", |app, request| {
    Box::pin(handle(app, request))
})
.needs(config::EMAIL_LIMITS);

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
    "invites_paused",
    "recipient_opted_out",
    "email_limit_reached",
]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    scope.require_verified_email()?;
    let id = &load::invite_id(request);

    let (invite, caller) = app
        .mutate(move |now| async move {
            let (caller, state) = load::caller_and_invite(app, scope, id).await?;
            // Only the invite tells the address that the emails are counted by.
            let invite = state.invite();
            let (counts, address, recipient) = app
                .store
                .read((
                    Key::counts(scope.organization_id),
                    Key::address(scope.organization_id, &invite.email),
                    Key::recipient(&invite.email.recipient_id()),
                ))
                .await?;
            let is_held = address.as_ref().is_some_and(|held| held.is_held_by(invite));
            if matches!(state, InviteState::Pending(_)) && !is_held {
                return Ok(Decision::Reload);
            }
            let history = EmailHistory {
                counts: &counts.unwrap_or_default(),
                address: address.as_ref(),
                recipient: recipient.as_ref(),
            };
            let mut resent = resend(&caller, &state, history, &app.limits.emails, now)?;
            let transaction = Transaction::by(&caller, now, [resent.event])
                .write_invite(&mut resent.invite)
                .write_address(&resent.address)
                .write_recipient(resent.email.recipient.as_ref())
                .count_email(scope.organization_id, &resent.email);
            Ok(Decision::Commit(transaction, (resent.invite, caller)))
        })
        .await?;
    Ok(Response::ok(&InviteView::of(&invite, &caller)))
}
