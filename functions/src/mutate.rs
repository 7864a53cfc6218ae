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

/// The time for retries where no deadline is nearer. A route's function has ten
/// seconds.
const BUDGET: Duration = Duration::from_secs(8);
/// The longest pause before another attempt.
const MAX_PAUSE_MS: u64 = 1_000;
/// How long a decision is committed again as it is. Then the time that it was
/// made at is too old, and it is made anew.
const MAX_AGE: Duration = Duration::from_secs(1);

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

    /// Commits a transaction, and sends the same one again as long as it only
    /// met others. Returns whether it was written: if not, the decision is stale.
    async fn commit(&self, transaction: Transaction, retry: &mut Retry) -> Result<bool, Error> {
        let decided = Instant::now();
        loop {
            let new_id = || EventId::new(self.new_id());
            match self.store.commit(&transaction, new_id).await? {
                Commit::Done => return Ok(true),
                Commit::Stale => return Ok(false),
                Commit::Contended => retry.pause().await?,
                Commit::Throttled => {
                    count(Counter::TransactionsThrottled, 1);
                    retry.pause().await.map_err(|_| StoreError::Throttled)?;
                }
            }
            if decided.elapsed() > MAX_AGE {
                return Ok(false);
            }
        }
    }
}

/// The pauses between the attempts of one request.
struct Retry {
    started: Instant,
    pauses: u32,
}

impl Retry {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            pauses: 0,
        }
    }

    /// Pauses before the next attempt: for a random time, so that requests that
    /// met once do not meet again, and up to twice as long each time.
    ///
    /// # Errors
    /// [`Error::Busy`] when the time is over.
    async fn pause(&mut self) -> Result<(), Error> {
        let longest = (20_u64 << self.pauses.min(6)).min(MAX_PAUSE_MS);
        let pause = Duration::from_millis(fastrand::u64(0..longest));
        if self.started.elapsed() + pause > BUDGET {
            return Err(Error::Busy);
        }
        self.pauses += 1;
        count(Counter::ConflictsRetried, 1);
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
