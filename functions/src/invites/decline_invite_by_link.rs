//! `POST /v1/invites/{token}/decline`: whoever holds the link.

use domain::decline;
use lambda_http::Request;
use store::{Commit, Transaction};

use super::link;
use crate::{App, Operation, attempts::Attempts, failure::Failure, output::Answer};

/// Declines an invite without signing in.
pub static OPERATION: Operation = Operation::http("decline-invite-by-link", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (organization, state) = link::follow(app, request).await?;
        let Some(ended) = decline(None, &state, now)? else {
            return Ok(Answer::no_content());
        };

        let transaction = Transaction::new().end_pending_invite(&ended);
        let transaction = app.record(transaction, organization.id, now, [ended.event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(Answer::no_content()),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
