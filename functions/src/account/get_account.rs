//! `GET /v1/account`.

use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, Shape, access,
    error::Error,
    response::Response,
    views::{AccountView, OrganizationView},
};

/// Returns the signed-in person, and their current organization.
pub static OPERATION: Operation =
    Operation::http("get-account", |app, request| Box::pin(handle(app, request)));

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "Get the signed-in person and their current organization",
    "person",
)
.responds::<AccountView>(200);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = access::person(app, request)?;
    let account = app.store.get(Key::account(&person.user_id)).await?;
    // An organization that they have left is no longer the current one.
    let current = match account.map(|account| account.current_organization_id) {
        Some(id) => access::organization_of(app, &person.user_id, id).await?,
        None => None,
    };
    let current =
        current.map(|(organization, member)| OrganizationView::of(&organization, &member));
    Ok(Response::ok(&AccountView::of(person, current)))
}
