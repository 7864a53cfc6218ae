//! `GET /v1/organizations/{organization_id}/members/{user_id}`.

use lambda_http::Request;

use super::load;
use crate::{
    App, Operation, Shape, access::Scope, error::Error, response::Response, views::MemberView,
};

/// Returns a member: the role of a person in an organization.
pub static OPERATION: Operation =
    Operation::http("get-member", |app, request| Box::pin(handle(app, request)));

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("Get a member", "member")
    .responds::<MemberView>(200)
    .refuses(&["organization_not_found", "member_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let user_id = load::user_id(request);
    let (caller, member) = load::caller_and_member(app, &scope, user_id.as_ref()).await?;
    Ok(Response::ok(&MemberView::of(&member, &caller)))
}
