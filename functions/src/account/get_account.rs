//! `GET /v1/account`: the caller.

use lambda_http::Request;
use store::{Account, Key};

use crate::{App, Operation, access, failure::Failure, output::Answer};

/// Gives who is signed in, and their current organization.
pub static OPERATION: Operation =
    Operation::http("get-account", |app, request| Box::pin(handle(app, request)));

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    let account: Option<Account> = app.store.get(Key::account(&person.user_id)).await?;
    let current = account.map(|account| account.current_organization_id);
    Ok(Answer::ok(
        &super::view::account(app, person, current).await?,
    ))
}
