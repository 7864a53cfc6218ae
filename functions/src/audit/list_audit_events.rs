//! `GET /v1/organizations/{organization_id}/audit-events`.

use chrono::{DateTime, Utc};
use domain::{Action, EventKind, UserId, permit};
use lambda_http::Request;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error as ValueError},
};
use store::EventChoice;

use super::people::People;
use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, Time},
    response::Response,
    views::{AuditEventView, List},
};

/// The first parts of the kinds of events.
const AREAS: [&str; 6] = [
    "organization",
    "member",
    "invite",
    "api_key",
    "billing",
    "usage",
];

/// Lists an organization's audit log, newest first.
pub static OPERATION: Operation = Operation::http("list-audit-events", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("List audit events, newest first", "owner, admin")
    .lists::<AuditEventView>()
    .query(&[
        (
            "kind",
            "Only events of this kind, such as `member.removed`, or of an area: `organization`, \
             `member`, `invite`, `api_key`, `billing` or `usage`.",
        ),
        (
            "person",
            "Only events that the person with this user id caused, or that are about them.",
        ),
        ("from", "Only events from this time on, in RFC 3339."),
        ("until", "Only events before this time, in RFC 3339."),
    ])
    .refuses(&[
        "invalid_request",
        "owner_or_admin_required",
        "organization_not_found",
    ]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let page = input::page_and(request, &["kind", "person", "from", "until"])?;
    let choice = choice(request)?;
    let id = scope.organization_id;
    let events = || app.store.audit_events(id, &choice, &page);
    let (caller, events) = scope.read_beside(app, events).await?;
    permit(&caller, Action::ViewAuditLog)?;
    let people = People::of(app, id, &events.items).await?;
    let view = |event: &_| AuditEventView::of(event, &people);
    Ok(Response::ok(&List::of(events, view)))
}

/// Reads the filters of the query.
fn choice(request: &Request) -> Result<EventChoice, Error> {
    let person = input::query(request, "person").map(UserId::parse);
    let (from, until) = (time(request, "from")?, time(request, "until")?);
    if from.is_some_and(|from| until.is_some_and(|until| until <= from)) {
        return Err(Error::field("until", "must be after `from`"));
    }
    Ok(EventChoice {
        kind: input::query(request, "kind").map(kind).transpose()?,
        person: person
            .transpose()
            .map_err(|invalid| Error::field("person", invalid))?,
        from,
        until,
    })
}

fn kind(text: &str) -> Result<String, Error> {
    let kind: Result<EventKind, ValueError> = EventKind::deserialize(text.into_deserializer());
    if kind.is_err() && !AREAS.contains(&text) {
        let detail =
            "must be a kind of event, such as `member.removed`, or an area, such as `member`";
        return Err(Error::field("kind", detail));
    }
    Ok(text.to_owned())
}

fn time(request: &Request, name: &str) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(text) = input::query(request, name) else {
        return Ok(None);
    };
    let time: Result<Time, ValueError> = Time::deserialize(text.into_deserializer());
    time.map(|time| Some(time.0))
        .map_err(|invalid| Error::field(name, invalid))
}
