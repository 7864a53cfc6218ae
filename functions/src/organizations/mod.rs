//! Organizations.

pub mod create_organization;
pub mod get_organization;
pub mod get_settings;
pub mod list_organizations;
pub mod update_organization;
