//! `GET /v1/organizations/{organization_id}/api-keys`.

use lambda_http::Request;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    response::Response,
    views::{ApiKeyView, List},
};

/// Lists an organization's API keys without their secrets, oldest first.
pub static OPERATION: Operation = Operation::http("list-api-keys", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "List API keys without their secrets, oldest first",
    "member",
)
.lists::<ApiKeyView>()
.refuses(&["invalid_request", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let page = input::page(request)?;
    let id = scope.organization_id;
    let keys = || app.store.api_keys(id, &page);
    let (caller, keys) = scope.read_beside(app, keys).await?;
    let now = app.clock.now();
    Ok(Response::ok(&List::of(keys, |key| {
        ApiKeyView::of(key, &caller, now)
    })))
}
