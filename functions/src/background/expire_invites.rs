//! The end of invites that nobody answered. The hourly schedule calls it; and
//! the table's stream does, with the invites that DynamoDB's TTL has taken first.

use std::sync::Arc;

use aws_lambda_events::dynamodb::EventRecord;
use chrono::{DateTime, Utc};
use domain::{Address, Holder, Invite, OrganizationId, expire};
use serde_json::{Value, json};
use store::{Commit, EXPIRY_SHARDS, Key, PageRequest, StoreError, Transaction};
use tokio::task::JoinSet;

use super::stream::{self, Progress};
use crate::{App, Operation, attempts::Attempts, failure::Failure};

/// How many expired invites are read at once.
const BATCH: u16 = 100;

/// Frees the addresses of expired invites and records `invite.expired`. Whether
/// an invite can be accepted does not hang on this: the clock decides.
pub static OPERATION: Operation = Operation::event("expire-invites", |app, event| {
    Box::pin(async move {
        if event.get("Records").is_none() {
            return Ok(json!({ "expired": sweep(&app).await? }));
        }
        let mut progress = Progress::default();
        for record in stream::records(event)? {
            let outcome = taken_by_ttl(&app, &record).await;
            if !progress.note(&record, outcome) {
                break;
            }
        }
        Ok::<Value, Failure>(progress.into_answer())
    })
});

/// Ends every expired invite, one shard of the index beside the other.
async fn sweep(app: &Arc<App>) -> Result<u64, Failure> {
    let mut shards = JoinSet::new();
    for shard in 0..EXPIRY_SHARDS {
        let app = app.clone();
        shards.spawn(async move { sweep_shard(&app, shard).await });
    }
    let mut expired = 0;
    let mut failure = None;
    // A shard that fails does not keep the others from their work.
    for outcome in shards.join_all().await {
        match outcome {
            Ok(count) => expired += count,
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(expired), Err)
}

async fn sweep_shard(app: &App, shard: u8) -> Result<u64, Failure> {
    let mut expired = 0;
    loop {
        let now = app.clock.now();
        let keys = app.store.expired_invites(shard, now, BATCH).await?;
        let mut found = app.store.get_all(&keys).await?;
        let invites = keys.iter().map(|key| found.take::<Invite>(key));
        let (ended, failure) = end_all(app, invites).await;
        expired += ended;
        if let Some(failure) = failure {
            return Err(failure);
        }
        // The index lags: invites that have just ended may be in it still.
        if ended == 0 || keys.len() < usize::from(BATCH) {
            return Ok(expired);
        }
    }
}

/// Ends what has expired of these invites. One that cannot be ended does not
/// keep the others from it; the last failure is given with the count.
async fn end_all(
    app: &App,
    invites: impl Iterator<Item = Result<Option<Invite>, StoreError>>,
) -> (u64, Option<Failure>) {
    let mut ended = 0;
    let mut failure = None;
    for invite in invites {
        let outcome = match invite {
            Ok(Some(invite)) => end(app, &invite).await,
            Ok(None) => Ok(false),
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(by_us) => ended += u64::from(by_us),
            Err(error) => failure = Some(error),
        }
    }
    (ended, failure)
}

/// Ends the expired invites of one organization.
///
/// # Errors
/// [`Failure`], when there is one that cannot be ended and none that could.
pub(crate) async fn of_organization(app: &App, id: OrganizationId) -> Result<(), Failure> {
    let mut page = PageRequest::first(PageRequest::MAX_LIMIT);
    loop {
        let invites = app.store.invites(id, &page).await?;
        let (ended, failure) = end_all(app, invites.items.into_iter().map(|i| Ok(Some(i)))).await;
        if let (0, Some(failure)) = (ended, failure) {
            return Err(failure);
        }
        let next = invites.next_cursor;
        match next.and_then(|cursor| PageRequest::at(PageRequest::MAX_LIMIT, &cursor)) {
            Some(next) => page = next,
            None => return Ok(()),
        }
    }
}

/// Ends an invite that was read. Gives whether it was this call that ended it.
async fn end(app: &App, invite: &Invite) -> Result<bool, Failure> {
    let mut attempts = Attempts::default();
    let key = Key::invite(invite.organization_id, invite.id);
    let mut present = Some(invite.clone());
    while let Some(invite) = present {
        let now = app.clock.now();
        if !invite.is_expired(now) {
            return Ok(false);
        }
        let transaction =
            |transaction: Transaction, ended: &domain::Ended| transaction.end_invite(&ended.invite);
        match commit_end(app, &invite, now, transaction).await? {
            Commit::Done => return Ok(true),
            Commit::Conflict => attempts.again().await?,
        }
        present = app.store.get(key.clone()).await?;
    }
    Ok(false)
}

/// Records the end of an invite that the TTL has taken, unless it is recorded.
async fn taken_by_ttl(app: &App, record: &EventRecord) -> Result<(), Failure> {
    let invite: Invite = store::from_image(record.change.old_image.clone())?;
    let ended_key = Key::ended_invite(invite.organization_id, invite.id);
    let mut attempts = Attempts::default();
    loop {
        let ended: Option<domain::EndedInvite> = app.store.get(ended_key.clone()).await?;
        if ended.is_some() {
            return Ok(());
        }
        let transaction = |transaction: Transaction, ended: &domain::Ended| {
            transaction.record_ended_invite(&ended.invite)
        };
        match commit_end(app, &invite, app.clock.now(), transaction).await? {
            Commit::Done => return Ok(()),
            Commit::Conflict => attempts.again().await?,
        }
    }
}

/// Commits the end of an invite, and frees its address where the invite still
/// has it: a new one may have taken it over.
async fn commit_end(
    app: &App,
    invite: &Invite,
    now: DateTime<Utc>,
    write: impl FnOnce(Transaction, &domain::Ended) -> Transaction,
) -> Result<Commit, Failure> {
    let id = invite.organization_id;
    let address: Option<Address> = app.store.get(Key::address(id, &invite.email)).await?;
    let ended = expire(invite, now);
    let mut transaction = write(Transaction::new(), &ended).uncount_invite(id);
    if let Some(Holder::Invite { invite_id, .. }) = address.map(|address| address.holder)
        && invite_id == invite.id
    {
        transaction = transaction.pass_address_on(invite, &ended.holder);
    }
    let transaction = app.record(transaction, id, now, [ended.event]);
    Ok(app.store.commit(transaction).await?)
}
