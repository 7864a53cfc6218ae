//! Plans, billing periods, billing details, and the events of the payment provider.

pub mod apply_plan_changes;
pub mod get_billing;
pub mod record_billing_event;
pub mod update_billing;
