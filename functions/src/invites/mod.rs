//! An organization's invites, and what the holder of an invite's link may do.

pub mod cancel_invite;
pub mod create_invite;
pub mod create_invites;
pub mod decline_invite_by_link;
pub mod expire_invites;
pub mod list_invites;
pub mod opt_in_to_invites;
pub mod opt_out_of_invites;
pub mod preview_invite;
pub mod resend_invite;
pub mod update_invite;

pub(crate) mod load;

mod link;
mod opt_out_link;
