//! The audit log of an organization.

pub mod list_audit_events;

pub(crate) mod people;
