//! Plans that were to begin when a period ends. The hourly schedule calls it.

use domain::{Billing, begin_next_plan};
use serde_json::json;
use store::{Commit, Transaction};

use crate::{App, Operation, failure::Failure};

/// How many due changes are read at once.
const BATCH: u16 = 100;

/// Makes plans that are due the plan, and records it. Which plan an
/// organization has does not hang on this: the clock decides.
pub static OPERATION: Operation = Operation::event("apply-plan-changes", |app, _| {
    Box::pin(async move { Ok(json!({ "changed": sweep(&app).await? })) })
});

async fn sweep(app: &App) -> Result<u64, Failure> {
    let mut changed = 0;
    loop {
        let now = app.clock.now();
        let keys = app.store.due_plan_changes(now, BATCH).await?;
        let mut found = app.store.get_all(&keys).await?;
        let (before, mut failure) = (changed, None);
        // One that cannot be changed does not keep the others from it.
        for key in &keys {
            let outcome = match found.take::<Billing>(key) {
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
        // The index lags: changes that were just made may be in it still.
        if changed == before || keys.len() < usize::from(BATCH) {
            return Ok(changed);
        }
    }
}

/// Gives whether it was this call that changed it. Whoever changes the same
/// billing at this moment settles it as well; if not, the next run does.
async fn begin(app: &App, billing: &Billing) -> Result<bool, Failure> {
    let now = app.clock.now();
    let Some((billing, event)) = begin_next_plan(billing, &app.plans, now) else {
        return Ok(false);
    };
    let transaction = Transaction::new().write_billing(&billing);
    let transaction = app.record(transaction, billing.organization_id, now, [event]);
    Ok(app.store.commit(transaction).await? == Commit::Done)
}
