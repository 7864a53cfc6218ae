//! The use of credits.

pub mod get_usage;
pub mod record_usage;
