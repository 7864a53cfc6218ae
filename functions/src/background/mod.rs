//! What runs behind the requests: the table's stream, the schedule and events
//! call it.

pub mod apply_plan_changes;
pub mod deliver_mail;
pub mod expire_invites;
pub mod record_mail_delivery;

mod billing_mail;
mod mail_tags;
mod stream;
