//! `PATCH /v1/organizations/{organization_id}/members/{user_id}`.

use domain::{ApiKey, Caller, MemberUpdate, Role, update_member};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, IfMatch, Patch},
    mutate::Decision,
    response::Response,
    views::{ApiKeySummary, MemberView, UpdatedMemberView},
};

/// Changes a member's role or billing emails: all of the request or nothing.
pub static OPERATION: Operation = Operation::http("update-member", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Change a member's role or billing emails",
    "owner; admin for admins and users",
)
.takes::<Body>()
.responds::<UpdatedMemberView>(200)
.conditional_on::<MemberView>()
.refuses(&[
    "invalid_request",
    "owner_required",
    "owner_or_admin_required",
    "creator_protected",
    "organization_not_found",
    "member_not_found",
]);

/// The changes; a field that is left out keeps its value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The new role.
    role: Patch<Role>,
    /// Whether the member receives billing emails.
    receives_billing_emails: Patch<bool>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let user_id = load::user_id(request);
    let user_id = user_id.as_ref();
    let if_match = &IfMatch::of(request)?;
    let body: Body = input::body(request)?;
    let update = MemberUpdate {
        role: body.role.into_option(),
        receives_billing_emails: body.receives_billing_emails.into_option(),
    };

    let view = app
        .mutate(move |now| async move {
            let (loaded, keys) = tokio::join!(
                load::caller_and_member(app, scope, user_id),
                keys_to_list(app, scope, update.role),
            );
            let (caller, member) = loaded?;
            let (mut updated, events) = update_member(&caller, &member, update)?;
            let transaction = if events.is_empty() {
                None
            } else {
                if_match.require((&member).into(), || MemberView::of(&member, &caller))?;
                Some(Transaction::by(&caller, now, events).write_member(&mut updated))
            };

            let caller = if caller.is(&updated.user_id) {
                Caller::Member(updated.clone())
            } else {
                caller
            };
            let view = UpdatedMemberView {
                member: MemberView::of(&updated, &caller),
                api_keys: ApiKeySummary::created_by(&updated.user_id, &keys?),
            };
            Ok(match transaction {
                Some(transaction) => Decision::Commit(transaction, view),
                None => Decision::Unchanged(view),
            })
        })
        .await?;
    Ok(Response::ok(&view))
}

/// Reads the API keys, to list those that a demoted member can no longer manage.
async fn keys_to_list(app: &App, scope: &Scope, role: Option<Role>) -> Result<Vec<ApiKey>, Error> {
    match role {
        Some(Role::User) => Ok(app.store.all_api_keys(scope.organization_id).await?),
        Some(Role::Admin | Role::Owner) | None => Ok(Vec::new()),
    }
}
