//! `POST /v1/account/invites/{invite_id}/decline`.

use domain::{Refusal, decline};
use lambda_http::Request;
use store::Transaction;

use super::find_invite;
use crate::{
    App, Operation, Shape, access, error::Error, invites::load, mutate::Decision,
    response::Response,
};

/// Declines an invite to the person's verified address.
pub static OPERATION: Operation = Operation::http("decline-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Decline an invite",
    "invitee, with a verified email address",
)
.refuses(&[
    "email_required",
    "email_not_verified",
    "invite_not_found",
    "invite_accepted",
    "invite_cancelled",
    "invite_expired",
]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = &access::person(app, request)?;
    person.verified_email()?;
    let invite_id = load::invite_id(request)?;

    app.mutate(move |now| async move {
        let found = find_invite::by_id(app, person, invite_id).await?;
        let id = found.organization_id;
        let ((), state) = load::invite_with(app, (), id, invite_id).await?;
        let state = state.ok_or(Refusal::InviteNotFound)?;
        let Some(ended) = decline(Some(person), &state, now)? else {
            return Ok(Decision::Unchanged(()));
        };
        let transaction = Transaction::in_organization(id, now, [ended.event])
            .end_pending_invite(&ended.invite, ended.holder);
        Ok(Decision::Commit(transaction, ()))
    })
    .await?;
    Ok(Response::no_content())
}
