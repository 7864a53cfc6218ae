//! The path of an email: from its audit event through SES to the delivery reports.

pub mod deliver_email;
pub mod record_email_delivery;

mod attempt;
mod billing_email;
pub(crate) mod email_tags;
pub(crate) mod stream;
