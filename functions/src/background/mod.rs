//! What runs behind the requests: the table's stream, the schedule and events
//! call it.

pub mod deliver_mail;
pub mod expire_invites;
pub mod record_mail_delivery;

mod mail_tags;
mod stream;
