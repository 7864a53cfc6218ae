//! What runs behind the requests: the table's stream, the schedule and events
//! call it.

pub mod apply_plan_changes;
pub mod deliver_email;
pub mod expire_invites;
pub mod record_email_delivery;

mod billing_email;
mod email_tags;
mod stream;
