//! `GET /v1/organizations/{organization_id}/invites`.

use lambda_http::Request;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    response::Response,
    views::{InviteView, List},
};

/// Lists an organization's invites: those pending, oldest first, or those that have ended,
/// newest first.
pub static OPERATION: Operation = Operation::http("list-invites", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "List pending invites, oldest first, or ended ones, newest first",
    "member",
)
.lists::<InviteView>()
.query(&[(
    "status",
    "`pending`, the default; or `ended`: the invites that ended in the last 30 days.",
)])
.refuses(&["invalid_request", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let page = input::page_and(request, &["status"])?;
    let id = scope.organization_id;
    let list = match input::query(request, "status") {
        None | Some("pending") => {
            let invites = || app.store.invites(id, &page);
            let (caller, invites) = scope.read_beside(app, invites).await?;
            let now = app.clock.now();
            let pending = invites.keep(|invite| !invite.terms.is_expired(now));
            List::of(pending, |invite| InviteView::of(invite, &caller))
        }
        Some("ended") => {
            let invites = || app.store.ended_invites(id, &page);
            let (caller, invites) = scope.read_beside(app, invites).await?;
            List::of(invites, |ended| InviteView::ended(ended, &caller))
        }
        Some(_) => return Err(Error::field("status", "must be `pending` or `ended`")),
    };
    Ok(Response::ok(&list))
}
