//! `GET /v1/account/invites`.

use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, Shape, access,
    error::Error,
    input,
    response::Response,
    views::{List, MyInviteView},
};

/// Lists the pending invites to the person's verified address.
pub static OPERATION: Operation = Operation::http("list-my-invites", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "List the pending invites to your address",
    "person with a verified email address",
)
.lists::<MyInviteView>()
.refuses(&["invalid_request", "email_required", "email_not_verified"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let person = access::person(app, request)?;
    // Each takes two items, so all fit into one batch.
    let page = input::page(request)?.at_most(50);
    let email = person.verified_email()?;
    let pointers = app.store.invite_pointers(email, &page).await?;

    let invited = pointers.items.iter().map(|pointer| {
        let id = pointer.organization_id;
        (Key::organization(id), Key::invite(id, pointer.invite_id))
    });
    let found = app.store.read(invited.collect::<Vec<_>>()).await?;

    let now = app.clock.now();
    let items = found
        .into_iter()
        .filter_map(|(organization, invite)| organization.zip(invite))
        .filter(|(organization, invite)| {
            !organization.is_deleted() && !invite.terms.is_expired(now)
        })
        .map(|(organization, invite)| MyInviteView::of(&invite, &organization));
    Ok(Response::ok(&List {
        items: items.collect(),
        next_cursor: pointers.next_cursor,
    }))
}
