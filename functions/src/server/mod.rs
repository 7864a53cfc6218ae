//! The product's own backend: what it alone may do.

pub mod authorize_server;
pub mod find_organizations;
pub mod provision_organization;
pub mod suspend_organization;
pub mod unsuspend_organization;
