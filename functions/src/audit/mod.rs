//! The audit log of an organization.

pub mod describe_events;
pub mod list_audit_events;

pub(crate) mod people;
