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

/// Lists an organization's pending invites, oldest first.
pub static OPERATION: Operation = Operation::http("list-invites", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("List pending invites, oldest first", "member")
    .lists::<InviteView>()
    .refuses(&["invalid_request", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let page = input::page(request)?;
    let id = scope.organization_id;
    let invites = || app.store.invites(id, &page);
    let (caller, invites) = scope.read_beside(app, invites).await?;
    let now = app.clock.now();
    let pending = invites.keep(|invite| !invite.terms.is_expired(now));
    Ok(Response::ok(&List::of(pending, |invite| {
        InviteView::of(invite, &caller)
    })))
}
