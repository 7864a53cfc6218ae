//! `GET /v1/organizations/{organization_id}/audit-events`.

use domain::{Action, permit};
use lambda_http::Request;

use super::people::People;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    response::Response,
    views::{AuditEventView, List},
};

/// Lists an organization's audit log, newest first.
pub static OPERATION: Operation = Operation::http("list-audit-events", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("List audit events, newest first", "owner, admin")
    .lists::<AuditEventView>()
    .refuses(&[
        "invalid_request",
        "owner_or_admin_required",
        "organization_not_found",
    ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let page = input::page(request)?;
    let id = scope.organization_id;
    let events = || app.store.audit_events(id, &page);
    let (caller, events) = scope.read_beside(app, events).await?;
    permit(&caller, Action::ViewAuditLog)?;
    let people = People::of(app, id, &events.items).await?;
    let view = |event: &_| AuditEventView::of(event, &people);
    Ok(Response::ok(&List::of(events, view)))
}
