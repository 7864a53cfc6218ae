//! The end of invites that nobody answered. The hourly schedule calls it.

use std::{slice, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{Address, OrganizationId};
use serde_json::json;
use store::{Commit, EXPIRY_SHARDS, ExpiryPosition, Key, StoreError, Transaction, expiry_shard};
use tokio::task::JoinSet;

use crate::{
    App, Operation,
    attempts::Attempts,
    failure::Failure,
    metrics::{self, Counter, count},
};

/// Frees the addresses of expired invites and records `invite.expired`. Whether
/// an invite can be accepted does not hang on this: the clock decides.
pub static OPERATION: Operation = Operation::event("expire-invites", |app, _event| {
    Box::pin(async move { Ok(json!({ "expired": sweep(&app).await? })) })
});

/// Ends every expired invite, one shard of the index beside the other.
async fn sweep(app: &Arc<App>) -> Result<u64, Failure> {
    let mut shards = JoinSet::new();
    for shard in 0..EXPIRY_SHARDS {
        let app = app.clone();
        shards.spawn(metrics::for_same_call(async move {
            sweep_shard(&app, shard, None).await
        }));
    }
    let mut expired = 0;
    let mut failure = None;
    // A shard that fails does not keep the others from their work.
    for (count, failed) in shards.join_all().await {
        expired += count;
        failure = failed.or(failure);
    }
    failure.map_or(Ok(expired), Err)
}

/// Ends the expired invites of one organization.
///
/// # Errors
/// [`Failure`], when there is one that cannot be ended and none that could.
pub(crate) async fn of_organization(app: &App, id: OrganizationId) -> Result<(), Failure> {
    match sweep_shard(app, expiry_shard(id), Some(id)).await {
        (0, Some(failure)) => Err(failure),
        _ => Ok(()),
    }
}

/// Ends the expired invites of one shard, or of one organization in it. One that
/// cannot be ended does not keep the others from it: the last failure is given
/// with the count.
async fn sweep_shard(
    app: &App,
    shard: u8,
    organization: Option<OrganizationId>,
) -> (u64, Option<Failure>) {
    let now = app.clock.now();
    let (mut expired, mut failure) = (0, None);
    let mut position = None;
    loop {
        let page = read_page(app, shard, organization, now, position).await;
        let (addresses, next) = match page {
            Ok(page) => page,
            Err(error) => return (expired, Some(error.into())),
        };
        for (key, address) in addresses {
            match end(app, &key, address).await {
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

/// An address as it was read.
type Read = Result<Option<Address>, StoreError>;

/// The addresses behind a page of the index.
async fn read_page(
    app: &App,
    shard: u8,
    organization: Option<OrganizationId>,
    now: DateTime<Utc>,
    position: Option<ExpiryPosition>,
) -> Result<(Vec<(Key, Read)>, Option<ExpiryPosition>), StoreError> {
    let page = app
        .store
        .expired_addresses(shard, organization, now, position);
    let (keys, next) = page.await?;
    let mut found = app.store.get_all(&keys).await?;
    let addresses = keys.into_iter().map(|key| {
        let address = found.take(&key);
        (key, address)
    });
    Ok((addresses.collect(), next))
}

/// Ends the invite that holds an address, as it was read. Gives whether it was
/// this call that ended it.
async fn end(app: &App, key: &Key, read: Read) -> Result<bool, Failure> {
    let mut attempts = Attempts::default();
    let mut address = read?;
    loop {
        let now = app.clock.now();
        // Sent again, answered, ended by another run: the index lags.
        let Some((held, ended)) = address.and_then(|held| {
            let ended = held.expire(now)?;
            Some((held, ended))
        }) else {
            return Ok(false);
        };
        let id = held.organization_id;
        let transaction = Transaction::new()
            .end_expired_invite(&ended.invite)
            .write_address(&held.held_by(ended.holder))
            .decrement_invites(id);
        let transaction = app.record(transaction, id, now, [ended.event]);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                count(Counter::InvitesExpired, 1);
                return Ok(true);
            }
            Commit::Conflict => attempts.again().await?,
        }
        address = app.store.get_all(slice::from_ref(key)).await?.take(key)?;
    }
}
