//! `GET /v1/invites/{token}`. Changes nothing.

use lambda_http::Request;

use super::link;
use crate::{App, Operation, Shape, error::Error, response::Response, views::PreviewView};

/// Returns what the holder of a link may see of the invite.
pub static OPERATION: Operation = Operation::http("preview-invite", |app, request| {
    Box::pin(handle(app, request))
})
.needs(&["LINK_KEY_SECRET_ID"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("Preview an invite by its link", "anyone with the link")
    .responds::<PreviewView>(200)
    .refuses(&[
        "invite_not_found",
        "link_replaced",
        "invite_accepted",
        "invite_declined",
        "invite_cancelled",
        "invite_expired",
    ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let (organization, state) = link::follow(app, request).await?;
    let invite = state.pending(app.clock.now())?;
    Ok(Response::ok(&PreviewView::of(invite, &organization)))
}
