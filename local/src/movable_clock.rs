//! The stack's clock: it follows another one, and can be ahead of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use functions::Clock;

/// The furthest that the clock can be ahead.
const MAX_AHEAD: TimeDelta = TimeDelta::days(36_525);

/// An error of moving the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClockError {
    /// Data that is newer than the clock would have no meaning.
    #[error("the clock cannot go back: `POST /local/reset` starts again at the present time")]
    Back,
    /// The time is out of range.
    #[error("the clock can be at most 100 years ahead")]
    TooFar,
}

/// A clock that can be moved ahead of the one that it follows.
#[derive(Clone)]
pub(crate) struct MovableClock {
    followed: Clock,
    ahead: Arc<Mutex<TimeDelta>>,
}

impl MovableClock {
    pub(crate) fn following(followed: Clock) -> Self {
        let ahead = Arc::new(Mutex::new(TimeDelta::zero()));
        Self { followed, ahead }
    }

    /// Returns the clock for the parts that only read it.
    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.followed.now() + *self.ahead()
    }

    /// Moves the clock by a time, in which it goes on.
    ///
    /// # Errors
    /// [`ClockError`] if the time is negative or too long.
    pub(crate) fn advance(&self, by: TimeDelta) -> Result<(), ClockError> {
        if by < TimeDelta::zero() {
            return Err(ClockError::Back);
        }
        let mut ahead = self.ahead();
        let sum = ahead.checked_add(&by).filter(|sum| *sum <= MAX_AHEAD);
        *ahead = sum.ok_or(ClockError::TooFar)?;
        Ok(())
    }

    /// Moves the clock to a time, from which it goes on.
    ///
    /// # Errors
    /// [`ClockError`] if the time is past or too far.
    pub(crate) fn advance_to(&self, time: DateTime<Utc>) -> Result<(), ClockError> {
        self.advance(time - self.now())
    }

    /// Puts the clock back to the one that it follows.
    pub(crate) fn reset(&self) {
        *self.ahead() = TimeDelta::zero();
    }

    /// Locks the distance. No operation behind this lock is left half done by a panic.
    fn ahead(&self) -> MutexGuard<'_, TimeDelta> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> (DateTime<Utc>, MovableClock) {
        let start = DateTime::from_timestamp(1_730_871_464, 0).unwrap();
        (start, MovableClock::following(Clock::new(move || start)))
    }

    #[test]
    fn moved_clock_is_ahead_until_reset() {
        let (start, clock) = clock();
        let readers = clock.clock();
        clock.advance(TimeDelta::days(14)).unwrap();
        clock.advance_to(start + TimeDelta::days(15)).unwrap();
        assert_eq!(readers.now(), start + TimeDelta::days(15));
        clock.reset();
        assert_eq!(readers.now(), start);
    }

    #[test]
    fn clock_moved_back_or_too_far_stands() {
        let (start, clock) = clock();
        clock.advance(TimeDelta::days(1)).unwrap();
        for (moved, error) in [
            (clock.advance(-TimeDelta::seconds(1)), ClockError::Back),
            (clock.advance_to(start), ClockError::Back),
            (clock.advance(MAX_AHEAD), ClockError::TooFar),
            (clock.advance(TimeDelta::MAX), ClockError::TooFar),
            (
                clock.advance_to(DateTime::<Utc>::MAX_UTC),
                ClockError::TooFar,
            ),
        ] {
            assert_eq!(moved, Err(error));
            assert_eq!(clock.now(), start + TimeDelta::days(1));
        }
    }
}
