//! Plan changes due at a period's end, which the hourly schedule applies.

use domain::{Billing, begin_next_plan};
use serde_json::json;
use store::{Each, Transaction};

use crate::{App, Operation, error::Error};

/// The number of due changes read at once.
const BATCH: u16 = 100;

/// Applies and records due plan changes. An organization's plan does not depend on this:
/// the clock decides.
pub static OPERATION: Operation = Operation::event("apply-plan-changes", |app, _| {
    Box::pin(async move { Ok(json!({ "changed": sweep(&app).await? })) })
})
.needs(&["PLANS"]);

async fn sweep(app: &App) -> Result<u64, Error> {
    app.claim_table().await?;
    let mut changed = 0;
    loop {
        let now = app.clock.now();
        let keys = app.store.due_plan_changes(now, BATCH).await?;
        let is_last = keys.len() < usize::from(BATCH);
        let (before, mut failure) = (changed, None);
        // A failure does not stop the others.
        for read in app.store.read(Each(keys)).await? {
            let outcome = match read {
                Ok(Some(billing)) => begin(app, &billing).await,
                Ok(None) => Ok(false),
                Err(error) => Err(error.into()),
            };
            match outcome {
                Ok(by_us) => changed += u64::from(by_us),
                Err(error) => failure = Some(error),
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        // The index lags: it may still hold changes just applied.
        if is_last || changed == before {
            return Ok(changed);
        }
    }
}

/// Applies the due change and returns whether this call made it. A concurrent change of
/// the same record applies it as well; if that fails, the next run does.
async fn begin(app: &App, billing: &Billing) -> Result<bool, Error> {
    let now = app.clock.now();
    let Some((mut billing, event)) = begin_next_plan(billing, &app.plans, now) else {
        return Ok(false);
    };
    let transaction = Transaction::in_organization(billing.organization_id, now, [event])
        .write_billing(&mut billing);
    app.commit_once(transaction).await
}
