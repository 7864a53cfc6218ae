//! `GET /v1/organizations`.

use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, Shape, access,
    error::Error,
    input,
    response::Response,
    views::{List, OrganizationView},
};

/// Lists the organizations that the person is a member of, oldest first, each
/// with their role.
pub static OPERATION: Operation = Operation::http("list-organizations", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read("List your organizations, oldest first", "person")
    .lists::<OrganizationView>()
    .refuses(&["invalid_request"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = access::person(app, request)?;
    // Each takes two items, so all fit into one batch.
    let page = input::page(request)?.at_most(50);

    let memberships = app.store.memberships(&person.user_id, &page).await?;
    let ids = memberships.items.iter().map(|item| item.organization_id);
    let keys = ids.map(|id| (Key::organization(id), Key::member(id, &person.user_id)));
    let found = app.store.read(keys.collect::<Vec<_>>()).await?;

    // A membership may have ended after its pointer was read.
    let existing = found
        .into_iter()
        .filter_map(|(organization, member)| organization.zip(member))
        .filter(|(organization, _)| !organization.is_deleted());
    let items = existing.map(|(organization, member)| OrganizationView::of(&organization, &member));
    Ok(Response::ok(&List {
        items: items.collect(),
        next_cursor: memberships.next_cursor,
    }))
}
