//! The use of credits.

pub mod get_usage;
pub mod record_usage;
pub mod refund_usage;

mod spender;
