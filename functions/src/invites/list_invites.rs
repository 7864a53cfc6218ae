//! `GET /v1/organizations/{organization_id}/invites`: members.

use domain::{Member, Refusal};
use lambda_http::Request;

use crate::{
    App, Operation,
    access::Asked,
    failure::Failure,
    input,
    output::Answer,
    representation::{InviteView, List},
};

/// Lists an organization's pending invites, oldest first.
pub static OPERATION: Operation = Operation::http("list-invites", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let page = input::page(request)?;
    let (me, invites) = tokio::join!(
        app.store.get::<Member>(asked.membership_key()),
        app.store.invites(asked.organization_id, &page),
    );
    let me = me?.ok_or(Refusal::OrganizationNotFound)?;
    let now = app.clock.now();
    let pending = invites?.keep(|invite| !invite.is_expired(now));
    Ok(Answer::ok(&List::of(pending, |invite| {
        InviteView::of(invite, &me)
    })))
}
