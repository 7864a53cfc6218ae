//! Trying again when others changed the same things at the same time.

use std::time::Duration;

use crate::{
    failure::Failure,
    metrics::{Counter, count},
};

/// How often a decision is made anew before the client is asked to try again.
const MAX_ATTEMPTS: u32 = 8;

/// Counts the attempts of one request.
#[derive(Debug, Default)]
pub(crate) struct Attempts(u32);

impl Attempts {
    /// Waits a moment before the next attempt: random, so that those who met
    /// once do not meet again, and longer each time.
    ///
    /// # Errors
    /// [`Failure::Busy`] after the last attempt.
    pub(crate) async fn again(&mut self) -> Result<(), Failure> {
        self.0 += 1;
        if self.0 >= MAX_ATTEMPTS {
            return Err(Failure::Busy);
        }
        count(Counter::ConflictsRetried, 1);
        let longest = 10_u64 << self.0.min(5);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..longest))).await;
        Ok(())
    }
}
