//! The way of an email: from the audit event that decides it, through SES, to the
//! reports of what became of it.

pub mod deliver_email;
pub mod record_email_delivery;

mod attempt;
mod billing_email;
mod email_tags;
mod stream;
