//! `GET /v1/organizations/{organization_id}/audit-events`: owners and admins.

use domain::{Action, Member, Refusal, permit};
use lambda_http::Request;

use crate::{
    App, Operation,
    access::Asked,
    failure::Failure,
    input,
    output::Answer,
    representation::{AuditEventView, List},
};

/// Lists what happened in an organization, newest first.
pub static OPERATION: Operation = Operation::http("list-audit-events", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let page = input::page(request)?;
    let (me, events) = tokio::join!(
        app.store.get::<Member>(asked.membership_key()),
        app.store.audit_events(asked.organization_id, &page),
    );
    let me = me?.ok_or(Refusal::OrganizationNotFound)?;
    permit(&me, Action::ViewAuditLog)?;
    Ok(Answer::ok(&List::of(events?, AuditEventView::of)))
}
