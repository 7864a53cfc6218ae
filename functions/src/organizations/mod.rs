//! Organizations.

pub mod change_creator;
pub mod create_organization;
pub mod delete_organization;
pub mod get_organization;
pub mod get_settings;
pub mod list_organizations;
pub mod purge_organizations;
pub mod restore_organization;
pub mod update_organization;
