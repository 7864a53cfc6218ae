//! `POST /v1/account/invites/{invite_id}/decline`: the invitee.

use domain::{Refusal, decline};
use lambda_http::Request;
use store::{Commit, Transaction};

use super::invitation;
use crate::{
    App, Operation, access, attempts::Attempts, failure::Failure, invites::load, output::Answer,
};

/// Declines an invite to the caller's verified address.
pub static OPERATION: Operation = Operation::http("decline-invite", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let person = access::person(request)?;
    person.verified_email()?;
    let invite_id = load::invite_id(request)?;

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let address = invitation::find(app, &person, invite_id).await?;
        let id = address.organization_id;
        let (_, state) = load::with_others(app, &[], id, invite_id).await?;
        let state = state.ok_or(Refusal::InviteNotFound)?;
        let Some(ended) = decline(Some(&person), &state, now)? else {
            return Ok(Answer::no_content());
        };

        let transaction = Transaction::new().end_pending_invite(&ended);
        let transaction = app.record(transaction, id, now, [ended.event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(Answer::no_content()),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
