//! Usage: credits that are taken from a billing period's, and how many were
//! taken when.
//!
//! The credits of a period are allocated out to counters, so that many requests at
//! once need not change the same item. What is left on the counters and what is
//! used is, together, never more than the plan's credits; so nothing can be
//! taken beyond them. Not all credits are allocated out at once: those with which
//! 80% are reached, and the very last one, are kept back. Whoever needs them
//! changes the meter, and thereby is the only one who reaches the threshold.

mod counter;
mod ledger;
mod meter;
mod slots;
mod spend;

pub use counter::{Counter, Debit, MAX_COUNTERS, Stale};
pub use ledger::{Ledger, UsageReport};
pub use meter::{Level, Meter};
pub use slots::{Slots, Tally};
pub use spend::{Credits, InvalidCredits, Spending, Spent, spend};
