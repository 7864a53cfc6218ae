//! The removal of deleted organizations, which the hourly schedule invokes.

use domain::{OrganizationId, purge_organization};
use serde_json::json;
use store::{Key, Transaction};

use crate::{App, Operation, error::Error, mutate::Decision};

/// The number of organizations of a run; the next run takes the others.
const BATCH: u16 = 20;
/// The number of steps of a run, of a hundred items each.
const MAX_STEPS: u32 = 200;

/// Removes everything of organizations whose 30 days are over. What a run leaves, the
/// next one removes.
pub static OPERATION: Operation = Operation::event("purge-organizations", |app, _| {
    Box::pin(async move { Ok(json!({ "purged": sweep(&app).await? })) })
});

async fn sweep(app: &App) -> Result<u64, Error> {
    app.claim_table().await?;
    let due = app.store.due_purges(app.clock.now(), BATCH).await?;
    let (mut purged, mut steps, mut failure) = (0, MAX_STEPS, None);
    // A failure does not stop the others.
    for id in due {
        match purge(app, id, &mut steps).await {
            Ok(is_done) => purged += u64::from(is_done),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(purged), Err)
}

/// Purges an organization, within the steps left. Returns whether it is gone.
async fn purge(app: &App, id: OrganizationId, steps: &mut u32) -> Result<bool, Error> {
    let organization = app.store.get(Key::organization(id)).await?;
    // The index lags.
    let Some(organization) = organization else {
        return Ok(false);
    };
    if purge_organization(&organization, app.clock.now()).is_none() {
        return Ok(false);
    }
    while *steps > 0 {
        *steps -= 1;
        if !app.store.purge_step(id).await? {
            return finish(app, id).await;
        }
    }
    Ok(false)
}

async fn finish(app: &App, id: OrganizationId) -> Result<bool, Error> {
    app.mutate(move |now| async move {
        let organization = app.store.get(Key::organization(id)).await?;
        let Some(organization) = organization else {
            return Ok(Decision::Unchanged(false));
        };
        Ok(match purge_organization(&organization, now) {
            Some(event) => Decision::Commit(
                Transaction::in_organization(id, now, [event]).purge_organization(&organization),
                true,
            ),
            None => Decision::Unchanged(false),
        })
    })
    .await
}
