//! The use of credits.

pub mod get_usage;
pub mod record_usage;
pub mod refund_usage;

mod limiter;
mod spender;

pub(crate) use limiter::Limiter;
