//! `POST /v1/invites/{token}/decline`.

use domain::decline;
use lambda_http::Request;
use store::Transaction;

use super::link;
use crate::{App, Operation, Shape, error::Error, mutate::Decision, response::Response};

/// Declines an invite without signing in.
pub static OPERATION: Operation = Operation::http("decline-invite-by-link", |app, request| {
    Box::pin(handle(app, request))
})
.needs(&["LINK_KEY_SECRET_ID"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Decline an invite by its link", "anyone with the link")
    .refuses(&[
        "invite_not_found",
        "link_replaced",
        "invite_accepted",
        "invite_cancelled",
        "invite_expired",
    ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    app.mutate(move |now| async move {
        let (organization, state) = link::follow(app, request).await?;
        let Some(ended) = decline(None, &state, now)? else {
            return Ok(Decision::Unchanged(()));
        };
        let transaction = Transaction::in_organization(organization.id, now, [ended.event])
            .end_pending_invite(&ended.invite, ended.holder);
        Ok(Decision::Commit(transaction, ()))
    })
    .await?;
    Ok(Response::no_content())
}
