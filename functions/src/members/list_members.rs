//! `GET /v1/organizations/{organization_id}/members`.

use lambda_http::Request;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    response::Response,
    views::{List, MemberView},
};

/// Lists an organization's members, by user id.
pub static OPERATION: Operation = Operation::http("list-members", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("List members, by user id", "member")
    .lists::<MemberView>()
    .refuses(&["invalid_request", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let page = input::page(request)?;
    let id = scope.organization_id;
    let members = || app.store.members(id, &page);
    let (caller, members) = scope.read_beside(app, members).await?;
    Ok(Response::ok(&List::of(members, |member| {
        MemberView::of(member, &caller)
    })))
}
