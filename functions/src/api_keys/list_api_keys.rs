//! `GET /v1/organizations/{organization_id}/api-keys`: members.

use domain::{Member, Refusal};
use lambda_http::Request;

use crate::{
    App, Operation,
    access::Asked,
    failure::Failure,
    input,
    output::Answer,
    representation::{ApiKeyView, List},
};

/// Lists an organization's API keys, oldest first. No secret is among it.
pub static OPERATION: Operation = Operation::http("list-api-keys", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let page = input::page(request)?;
    let (me, keys) = tokio::join!(
        app.store.get::<Member>(asked.membership_key()),
        app.store.api_keys(asked.organization_id, &page),
    );
    let me = me?.ok_or(Refusal::OrganizationNotFound)?;
    let now = app.clock.now();
    Ok(Answer::ok(&List::of(keys?, |key| {
        ApiKeyView::of(key, &me, now)
    })))
}
