//! Load, decide, commit: the one loop that every change goes through.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use domain::EventId;
use store::{Commit, StoreError, Transaction};
use tokio::time::Instant;

use crate::{
    App,
    error::Error,
    metrics::{Counter, count},
};

/// The time for retries where the call's deadline is not nearer. A route's function
/// has ten seconds.
const BUDGET: Duration = Duration::from_secs(8);
/// The longest pause before another attempt.
const MAX_PAUSE_MS: u64 = 1_000;
/// How long a decision is committed again as it is. Then the time that it was
/// made at is too old, and it is made anew.
const MAX_AGE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// When the response of the call under way has to be made.
    static DEADLINE: Instant;
}

/// Runs a call whose mutations give up before its time is over.
pub(crate) fn within<F: Future>(time: Duration, call: F) -> impl Future<Output = F::Output> {
    DEADLINE.scope(Instant::now() + time, call)
}

/// Returns the time left for the call under way; `None` without a limit.
pub(crate) fn time_left() -> Option<Duration> {
    let deadline = DEADLINE.try_with(|deadline| *deadline).ok()?;
    Some(deadline.saturating_duration_since(Instant::now()))
}

/// The outcome of one attempt, before anything is written.
#[must_use]
pub(crate) enum Decision<T> {
    /// Nothing has to be written.
    Unchanged(T),
    /// The transaction has to be committed; then the value is good.
    Commit(Transaction, T),
    /// What was loaded does not fit together: it was read while it was changed.
    Reload,
}

impl App {
    /// Runs an attempt, which loads and decides at the time it is given, and
    /// commits its transaction. On a conflict it starts over.
    ///
    /// # Errors
    /// The attempt's error. [`Error::Busy`] when others kept changing the same
    /// items until the time was over; nothing is written then.
    pub(crate) async fn mutate<T, F>(
        &self,
        mut attempt: impl FnMut(DateTime<Utc>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Decision<T>, Error>>,
    {
        let mut retry = Retry::start();
        loop {
            match attempt(self.clock.now()).await? {
                Decision::Unchanged(value) => return Ok(value),
                Decision::Reload => {}
                Decision::Commit(transaction, value) => {
                    if self.commit(transaction, &mut retry).await? {
                        return Ok(value);
                    }
                }
            }
            retry.pause().await?;
        }
    }

    /// Commits a transaction once, without a retry of the decision. Returns
    /// whether it was written.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Busy`].
    pub(crate) async fn commit_once(&self, transaction: Transaction) -> Result<bool, Error> {
        self.commit(transaction, &mut Retry::start()).await
    }

    /// Commits a transaction. Returns whether it was written: if not, the decision is
    /// stale. Once a request has met others, its transaction is sent again as it is
    /// when it meets more; before, no copy of it is made.
    async fn commit(&self, transaction: Transaction, retry: &mut Retry) -> Result<bool, Error> {
        if retry.pauses == 0 {
            let commit = self.try_commit(transaction, retry).await?;
            return Ok(commit == Commit::Done);
        }
        let decided = Instant::now();
        loop {
            match self.try_commit(transaction.clone(), retry).await? {
                Commit::Done => return Ok(true),
                Commit::Stale => return Ok(false),
                Commit::Contended | Commit::Throttled if decided.elapsed() > MAX_AGE => {
                    return Ok(false);
                }
                Commit::Contended | Commit::Throttled => retry.pause().await?,
            }
        }
    }

    async fn try_commit(
        &self,
        transaction: Transaction,
        retry: &mut Retry,
    ) -> Result<Commit, Error> {
        let new_id = || EventId::new(self.new_id());
        let commit = self.store.commit(transaction, new_id).await?;
        if commit == Commit::Throttled {
            count(Counter::TransactionsThrottled, 1);
            retry.is_throttled = true;
        }
        Ok(commit)
    }
}

/// The pauses between the attempts of one request.
struct Retry {
    until: Instant,
    pauses: u32,
    /// Whether DynamoDB has throttled an attempt: then the end is no contention.
    is_throttled: bool,
}

impl Retry {
    fn start() -> Self {
        let latest = Instant::now() + BUDGET;
        let deadline = DEADLINE.try_with(|deadline| *deadline).unwrap_or(latest);
        Self {
            until: latest.min(deadline),
            pauses: 0,
            is_throttled: false,
        }
    }

    /// Pauses before the next attempt: for a random time, so that requests that
    /// met once do not meet again, and up to twice as long each time.
    ///
    /// # Errors
    /// [`Error::Busy`] when the time is over; [`StoreError::Throttled`] if DynamoDB
    /// has throttled.
    async fn pause(&mut self) -> Result<(), Error> {
        let longest = (20_u64 << self.pauses.min(6)).min(MAX_PAUSE_MS);
        let pause = Duration::from_millis(fastrand::u64(0..longest));
        if Instant::now() + pause >= self.until {
            return Err(match self.is_throttled {
                true => StoreError::Throttled.into(),
                false => Error::Busy,
            });
        }
        self.pauses += 1;
        count(Counter::ConflictsRetried, 1);
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
