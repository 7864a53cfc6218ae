//! The members of an organization.

pub mod get_member;
pub mod list_members;
pub mod remove_member;
pub mod update_member;

mod load;
