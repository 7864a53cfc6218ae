//! The signed-in person: their account, and the invites to them.

pub mod accept_invite;
pub mod decline_invite;
pub mod get_account;
pub mod list_my_invites;
pub mod switch_organization;

mod find_invite;
