//! `GET /v1/server/organizations`.

use domain::{EmailAddress, ExternalId, Holder, OrganizationId};
use lambda_http::Request;
use store::{Key, Page};

use crate::{
    App, Operation, Shape, access,
    error::Error,
    input,
    response::Response,
    views::{List, ManagedOrganizationView},
};

/// Lists organizations: all, newest first; the one with an `external_id`; or those that
/// an email address is a member of.
pub static OPERATION: Operation = Operation::http("find-organizations", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "List all organizations, newest first, or find them by `external_id` or member `email`",
    "server",
)
.lists::<ManagedOrganizationView>()
.query(&[
    (
        "external_id",
        "The organization with this id in the product.",
    ),
    (
        "email",
        "The organizations with a member of this email address.",
    ),
])
.refuses(&["invalid_request"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    access::server(request)?;
    let found = find(app, request).await?;
    let keys = found.items.iter().copied().map(Key::organization);
    let organizations = app.store.read(keys.collect::<Vec<_>>()).await?;
    let organizations = organizations.iter().flatten();
    Ok(Response::ok(&List {
        items: organizations.map(ManagedOrganizationView::of).collect(),
        next_cursor: found.next_cursor,
    }))
}

/// Finds the ids of a page of organizations.
async fn find(app: &App, request: &Request) -> Result<Page<OrganizationId>, Error> {
    let page = input::page_and(request, &["external_id", "email"])?;
    let parameter = |name| input::query(request, name);
    match (parameter("external_id"), parameter("email")) {
        (Some(_), Some(_)) => Err(Error::field(
            "email",
            "cannot be combined with `external_id`",
        )),
        (Some(id), None) => {
            let id = ExternalId::parse(id);
            let id = id.map_err(|invalid| Error::field("external_id", invalid))?;
            let pointer = app.store.get(Key::external_id(&id)).await?;
            let pointers = pointer.iter();
            Ok(Page {
                items: pointers.map(|pointer| pointer.organization_id).collect(),
                next_cursor: None,
            })
        }
        (None, Some(email)) => {
            let email = EmailAddress::parse(email);
            let email = email.map_err(|invalid| Error::field("email", invalid))?;
            let addresses = app.store.addresses(&email, &page).await?;
            let held = addresses
                .items
                .iter()
                .filter(|address| matches!(address.holder, Holder::Member { .. }));
            Ok(Page {
                items: held.map(|address| address.organization_id).collect(),
                next_cursor: addresses.next_cursor,
            })
        }
        (None, None) => {
            let entries = app.store.directory(&page).await?;
            let ids = entries.items.iter().map(|entry| entry.organization_id);
            Ok(Page {
                items: ids.collect(),
                next_cursor: entries.next_cursor,
            })
        }
    }
}
