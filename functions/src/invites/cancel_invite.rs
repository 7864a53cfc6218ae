//! `DELETE /v1/organizations/{organization_id}/invites/{invite_id}`.

use domain::cancel;
use lambda_http::Request;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape, access::Scope, error::Error, input::IfMatch, mutate::Decision,
    response::Response, views::InviteView,
};

/// Cancels a pending invite. It can no longer be accepted, not even by a request in
/// flight.
pub static OPERATION: Operation = Operation::http("cancel-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Cancel a pending invite", "owner, admin")
    .conditional_on::<InviteView>()
    .refuses(&[
        "owner_or_admin_required",
        "organization_not_found",
        "invite_not_found",
        "invite_accepted",
        "invite_declined",
        "invite_expired",
    ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let id = &load::invite_id(request);

    let if_match = &IfMatch::of(request)?;
    app.mutate(move |now| async move {
        let (caller, state) = load::caller_and_invite(app, scope, id).await?;
        let Some(ended) = cancel(&caller, &state, now)? else {
            return Ok(Decision::Unchanged(()));
        };
        let present = state.invite();
        if_match.require(present.into(), || InviteView::of(present, &caller))?;
        let transaction = Transaction::by(&caller, now, [ended.event])
            .end_pending_invite(&ended.invite, ended.holder);
        Ok(Decision::Commit(transaction, ()))
    })
    .await?;
    Ok(Response::no_content())
}
