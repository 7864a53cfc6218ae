//! Usage: the use of a billing period's credits, and the history of use.
//!
//! The credits of a period are allocated to sharded counters, so that concurrent
//! requests need not change the same item. The credits left on the counters plus
//! the used ones never exceed the plan's, so that no use can exceed them. Two
//! parts are held back at first: the credits from 80% on, and the very last one.
//! A request that needs them changes the meter, on the condition that it is
//! unchanged, and so is the only one to reach the threshold.

mod counter;
mod ledger;
mod meter;
mod refund;
mod remaining;
mod slots;
mod spend;

pub use counter::{Counter, Debit, MAX_COUNTERS, Stale};
pub use ledger::{Ledger, UsageReport};
pub use meter::{Level, Meter, Notified};
pub use refund::{Credit, Part, Refund, Used, refund, refund_by_meter};
pub use remaining::{Remaining, remaining};
pub use slots::{Slots, Tally};
pub use spend::{Credits, InvalidCredits, Spending, Spent, spend};
