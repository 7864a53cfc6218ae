//! Plans, billing periods, and what stands on invoices.

pub mod get_billing;
pub mod record_billing_event;
pub mod update_billing;
