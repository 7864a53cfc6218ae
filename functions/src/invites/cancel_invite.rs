//! `DELETE /v1/organizations/{organization_id}/invites/{invite_id}`: owners and
//! admins.

use domain::cancel;
use lambda_http::Request;
use store::{Commit, Transaction};

use super::load;
use crate::{App, Operation, access::Asked, attempts::Attempts, failure::Failure, output::Answer};

/// Takes a pending invite back. It cannot be accepted any more, not even by a
/// request that is under way.
pub static OPERATION: Operation = Operation::http("cancel-invite", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = load::invite_id(request).ok();

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, state) = load::membership_and_invite(app, &asked, id).await?;
        let Some(ended) = cancel(&me, &state, now)? else {
            return Ok(Answer::no_content());
        };

        let transaction = Transaction::new()
            .require_member(&me)
            .end_pending_invite(&ended);
        let transaction = app.record(transaction, asked.organization_id, now, [ended.event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(Answer::no_content()),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
