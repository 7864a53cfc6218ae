//! Cleanup of expired invites, which the hourly schedule invokes.

use std::sync::Arc;

use domain::{Address, OrganizationId};
use serde_json::json;
use store::{EXPIRY_SHARDS, Each, Key, Transaction, expiry_shard};
use tokio::{sync::Mutex, task::JoinSet};

use crate::{
    App, Operation,
    error::Error,
    metrics::{self, Counter, count},
    mutate::Decision,
};

/// Releases the addresses of expired invites and records `invite.expired`. Whether
/// an invite can be accepted does not depend on this: the clock decides.
pub static OPERATION: Operation = Operation::event("expire-invites", |app, _event| {
    Box::pin(async move { Ok(json!({ "expired": sweep(&app).await? })) })
});

/// Ends every expired invite, with all shards of the index in parallel.
async fn sweep(app: &Arc<App>) -> Result<u64, Error> {
    app.claim_table().await?;
    let mut shards = JoinSet::new();
    for shard in 0..EXPIRY_SHARDS {
        let app = app.clone();
        shards.spawn(metrics::for_same_call(async move {
            sweep_shard(&app, shard, None).await
        }));
    }
    let mut expired = 0;
    let mut failure: Option<Error> = None;
    // A shard that fails does not stop the others.
    for (count, failed) in shards.join_all().await {
        expired += count;
        failure = failed.or(failure);
    }
    failure.map_or(Ok(expired), Err)
}

/// Ends the expired invites of one organization and returns their number.
///
/// # Errors
/// [`Error`] when none could be ended, and one failed.
pub(crate) async fn of_organization(app: &App, id: OrganizationId) -> Result<u64, Error> {
    match sweep_shard(app, expiry_shard(id), Some(id)).await {
        (0, Some(failure)) => Err(failure),
        (ended, _) => Ok(ended),
    }
}

/// Ends the expired invites of one shard, or of one organization in it. Returns their
/// number and the last failure: one that fails does not stop the others.
async fn sweep_shard(
    app: &App,
    shard: u8,
    organization: Option<OrganizationId>,
) -> (u64, Option<Error>) {
    let now = app.clock.now();
    let (mut expired, mut failure) = (0, None);
    let mut position = None;
    loop {
        let page = app
            .store
            .expired_addresses(shard, organization, now, position);
        let (keys, next) = match page.await {
            Ok(page) => page,
            Err(error) => return (expired, Some(error.into())),
        };
        let read = match app.store.read(Each(keys.clone())).await {
            Ok(read) => read,
            Err(error) => return (expired, Some(error.into())),
        };
        for (key, address) in keys.iter().zip(read) {
            let ended = match address {
                Ok(address) => end(app, key, address).await,
                Err(error) => Err(error.into()),
            };
            match ended {
                Ok(by_us) => expired += u64::from(by_us),
                Err(error) => failure = Some(error),
            }
        }
        if next.is_none() {
            return (expired, failure);
        }
        position = next;
    }
}

/// Ends the invite that holds an address. Returns whether this call ended it.
async fn end(app: &App, key: &Key<Address>, read: Option<Address>) -> Result<bool, Error> {
    // The first attempt uses the item that the batch has read.
    let read = &Mutex::new(Some(read));
    let ended = app
        .mutate(move |now| async move {
            let first = read.lock().await.take();
            let address = match first {
                Some(address) => address,
                None => app.store.read(key.clone()).await?,
            };
            // Resent, answered, or ended by another run: the index lags.
            let Some((held, ended)) = address.and_then(|held| {
                let ended = held.expire(now)?;
                Some((held, ended))
            }) else {
                return Ok(Decision::Unchanged(false));
            };
            let id = held.organization_id;
            let transaction = Transaction::in_organization(id, now, [ended.event])
                .end_expired_invite(&ended.invite)
                .write_address(&held.held_by(ended.holder))
                .decrement_invites(id);
            Ok(Decision::Commit(transaction, true))
        })
        .await?;
    if ended {
        count(Counter::InvitesExpired, 1);
    }
    Ok(ended)
}
