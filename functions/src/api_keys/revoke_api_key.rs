//! `DELETE /v1/organizations/{organization_id}/api-keys/{api_key_id}`.

use domain::revoke_api_key;
use lambda_http::Request;
use store::Transaction;

use super::load;
use crate::{
    App, Operation, Shape, access::Scope, error::Error, input::IfMatch, mutate::Decision,
    response::Response, views::ApiKeyView,
};

/// Revokes an API key. It authorizes no further request, except for the seconds for
/// which API Gateway caches the authorizer's response.
pub static OPERATION: Operation = Operation::http("revoke-api-key", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Revoke an API key", "owner, admin")
    .conditional_on::<ApiKeyView>()
    .refuses(&[
        "owner_or_admin_required",
        "organization_not_found",
        "api_key_not_found",
    ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let id = load::api_key_id(request);

    let if_match = &IfMatch::of(request)?;
    app.mutate(move |now| async move {
        let (caller, key) = load::caller_and_key(app, scope, id).await?;
        let event = revoke_api_key(&caller, &key)?;
        if_match.require((&key).into(), || ApiKeyView::of(&key, &caller, now))?;
        let transaction = Transaction::by(&caller, now, [event]).revoke_api_key(&key);
        Ok(Decision::Commit(transaction, ()))
    })
    .await?;
    Ok(Response::no_content())
}
