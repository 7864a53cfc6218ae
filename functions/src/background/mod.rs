//! What runs behind the requests: the table's stream and the schedule call it.

pub mod deliver_mail;
pub mod expire_invites;

mod stream;
