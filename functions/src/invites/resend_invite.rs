//! `POST /v1/organizations/{organization_id}/invites/{invite_id}/resend`:
//! owners and admins, by the rules.

use domain::resend;
use lambda_http::Request;
use store::{Commit, Transaction};

use super::load;
use crate::{
    App, Operation, access::Asked, attempts::Attempts, failure::Failure, output::Answer,
    representation::InviteView,
};

/// Sends a pending invite again: for another 14 days, under the caller's name,
/// with a new link in place of all earlier ones.
pub static OPERATION: Operation = Operation::http("resend-invite", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = load::invite_id(request).ok();

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, state) = load::membership_and_invite(app, &asked, id).await?;
        let (resent, event) = resend(&me, &state, now)?;

        let transaction = Transaction::new()
            .require_member(&me)
            .write_invite(&resent)
            .claim_address(&resent);
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(Answer::ok(&InviteView::of(&resent, &me))),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
