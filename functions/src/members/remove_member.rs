//! `DELETE /v1/organizations/{organization_id}/members/{user_id}`: by the
//! rules; oneself, to leave.

use domain::{UserId, remove_member};
use lambda_http::Request;
use store::{Commit, Transaction};

use crate::{
    App, Operation,
    access::Asked,
    attempts::Attempts,
    failure::Failure,
    input,
    output::Answer,
    representation::{ApiKeySummary, RemovedView},
};

/// Removes a member. Their power ends with the next request; the API keys that
/// they made stay good, and are named.
pub static OPERATION: Operation = Operation::http("remove-member", |app, request| {
    Box::pin(handle(app, request))
});

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let target_id = UserId::parse(input::path(request, "user_id"));

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (loaded, keys) = tokio::join!(
            super::load(app, &asked, target_id.as_ref().ok()),
            super::all_keys(app, &asked),
        );
        let (me, target) = loaded?;
        let answer = Answer::ok(&RemovedView {
            api_keys: ApiKeySummary::made_by(&target.user_id, &keys?),
        });
        let event = remove_member(&me, &target)?;

        let mut transaction = Transaction::new().remove_member(&target);
        if target.user_id != me.user_id {
            transaction = transaction.require_member(&me);
        }
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
