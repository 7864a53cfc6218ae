//! `PUT /v1/account/current-organization`.

use domain::{Caller, OrganizationId, Refusal};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use crate::{
    App, Operation, Shape, access,
    error::Error,
    input,
    mutate::Decision,
    response::Response,
    views::{AccountView, OrganizationView},
};

/// Makes an organization the person's current one. This is a convenience: no
/// operation takes authority from it.
pub static OPERATION: Operation = Operation::http("switch-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Switch your current organization", "member of it")
    .takes::<Body>()
    .responds::<AccountView>(200)
    .refuses(&["invalid_request", "organization_not_found"]);

/// The organization to switch to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// An organization that the person is a member of.
    organization_id: OrganizationId,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = &access::person(app, request)?;
    let id = input::body::<Body>(request)?.organization_id;

    let current = app
        .mutate(move |now| async move {
            let found = access::organization_of(app, &person.user_id, id).await?;
            let (organization, member) = found.ok_or(Refusal::OrganizationNotFound)?;
            let view = OrganizationView::of(&organization, &member);
            let caller = Caller::Member(member);
            let transaction = Transaction::by(&caller, now, []).switch_to(&person.user_id, id);
            Ok(Decision::Commit(transaction, view))
        })
        .await?;
    Ok(Response::ok(&AccountView::of(
        person.clone(),
        Some(current),
    )))
}
