//! `DELETE /v1/organizations/{organization_id}/api-keys/{api_key_id}`: owners
//! and admins.

use domain::revoke_api_key;
use lambda_http::Request;
use store::{Commit, Transaction};

use super::load;
use crate::{App, Operation, access::Asked, attempts::Attempts, failure::Failure, output::Answer};

/// Takes a key away. It lets nobody in any more, but for the seconds that API
/// Gateway keeps an answer.
pub static OPERATION: Operation = Operation::http("revoke-api-key", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = load::api_key_id(request);

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, key) = load::membership_and_key(app, &asked, id).await?;
        let event = revoke_api_key(&me, &key)?;

        let transaction = Transaction::new().require_member(&me).revoke_api_key(&key);
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(Answer::no_content()),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
