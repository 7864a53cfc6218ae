//! `GET /v1/organizations/{organization_id}/members`: members.

use domain::{Member, Refusal};
use lambda_http::Request;

use crate::{
    App, Operation,
    access::Asked,
    failure::Failure,
    input,
    output::Answer,
    representation::{List, MemberView},
};

/// Lists an organization's members, by user id.
pub static OPERATION: Operation = Operation::http("list-members", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let page = input::page(request)?;
    let (me, members) = tokio::join!(
        app.store.get::<Member>(asked.membership_key()),
        app.store.members(asked.organization_id, &page),
    );
    let me = me?.ok_or(Refusal::OrganizationNotFound)?;
    Ok(Answer::ok(&List::of(members?, |member| {
        MemberView::of(member, &me)
    })))
}
