//! `DELETE /v1/organizations/{organization_id}/members/{user_id}`; with the
//! caller's own id, to leave.

use domain::remove_member;
use lambda_http::Request;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::IfMatch,
    mutate::Decision,
    response::Response,
    views::{ApiKeySummary, MemberView, RemovedView},
};

/// Removes a member. Their authority ends with the next request; the API keys
/// that they created stay valid, and the response lists them.
pub static OPERATION: Operation = Operation::http("remove-member", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Remove a member, or leave",
    "owner; admin for admins and users; each member themselves",
)
.responds::<RemovedView>(200)
.conditional_on::<MemberView>()
.refuses(&[
    "owner_required",
    "owner_or_admin_required",
    "creator_protected",
    "organization_not_found",
    "member_not_found",
]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let user_id = load::user_id(request);
    let user_id = user_id.as_ref();

    let if_match = &IfMatch::of(request)?;
    let view = app
        .mutate(move |now| async move {
            let (loaded, keys) = tokio::join!(
                load::caller_and_member(app, scope, user_id),
                app.store.all_api_keys(scope.organization_id),
            );
            let (caller, member) = loaded?;
            let event = remove_member(&caller, &member)?;
            if_match.require((&member).into(), || MemberView::of(&member, &caller))?;
            let mut transaction = Transaction::by(&caller, now, [event]).remove_member(&member);
            let api_keys = ApiKeySummary::created_by(&member.user_id, &keys?);
            if !api_keys.is_empty() {
                transaction = transaction.remember_key_maker(&member);
            }
            Ok(Decision::Commit(transaction, RemovedView { api_keys }))
        })
        .await?;
    Ok(Response::ok(&view))
}
