//! `GET /v1/account`: the caller.

use lambda_http::Request;
use store::{Account, Key};

use crate::{
    App, Operation, access,
    failure::Failure,
    output::Answer,
    representation::{AccountView, OrganizationView},
};

/// Gives who is signed in, and their current organization.
pub static OPERATION: Operation =
    Operation::http("get-account", |app, request| Box::pin(handle(app, request)));

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    let account: Option<Account> = app.store.get(Key::account(&person.user_id)).await?;
    // One that they are not, or no longer, a member of is not the current one.
    let current = match account.map(|account| account.current_organization_id) {
        Some(id) => access::organization_of(app, &person.user_id, id).await?,
        None => None,
    };
    let current = current.map(|(organization, me)| OrganizationView::of(&organization, &me));
    Ok(Answer::ok(&AccountView::of(person, current)))
}
