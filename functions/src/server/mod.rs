//! The product's own backend: what it alone may do.

pub mod add_members;
pub mod authorize_server;
pub mod erase_person;
pub mod find_organizations;
pub mod import_api_keys;
pub mod lift_invite_pause;
pub mod provision_organization;
pub mod suspend_organization;
pub mod unsuspend_organization;
