//! The operations of organization settings, each with a Lambda binary of its own.
//!
//! An operation reads the same everywhere: parse, load, decide, commit, answer.
//! The rules it decides by are in the `domain` crate; how the table is reached,
//! in `store`; how emails look and leave, in `mail`.

mod access;
mod app;
mod attempts;
mod failure;
mod input;
mod ledger;
mod link_keys;
mod metrics;
mod operation;
mod output;
mod representation;
mod telemetry;
mod tls;

pub mod account;
pub mod api_keys;
pub mod audit;
pub mod background;
pub mod billing;
pub mod invites;
pub mod members;
pub mod openapi;
pub mod organizations;
pub mod pages;
pub mod usage;

pub use app::{App, Aws, Clock, Config, ConfigError};
pub use domain::{InvalidPlans, Plans};
pub use metrics::Metrics;
pub use operation::{Operation, invoke, serve};
pub use pages::SignInConfig;

/// A request is many small texts that come and go, which this allocator is made
/// for (`docs/decisions/0025-the-release-profile.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Every operation, in the order of the API's table.
pub static OPERATIONS: &[&Operation] = &[
    &organizations::create_organization::OPERATION,
    &organizations::list_organizations::OPERATION,
    &organizations::get_organization::OPERATION,
    &organizations::update_organization::OPERATION,
    &organizations::get_settings::OPERATION,
    &members::list_members::OPERATION,
    &members::update_member::OPERATION,
    &members::remove_member::OPERATION,
    &invites::create_invite::OPERATION,
    &invites::list_invites::OPERATION,
    &invites::update_invite::OPERATION,
    &invites::cancel_invite::OPERATION,
    &invites::resend_invite::OPERATION,
    &api_keys::create_api_key::OPERATION,
    &api_keys::list_api_keys::OPERATION,
    &api_keys::update_api_key::OPERATION,
    &api_keys::rotate_api_key::OPERATION,
    &api_keys::revoke_api_key::OPERATION,
    &api_keys::authorize_api_key::OPERATION,
    &audit::list_audit_events::OPERATION,
    &billing::get_billing::OPERATION,
    &billing::update_billing::OPERATION,
    &usage::get_usage::OPERATION,
    &usage::record_usage::OPERATION,
    &account::get_account::OPERATION,
    &account::switch_organization::OPERATION,
    &account::list_my_invites::OPERATION,
    &account::accept_invite::OPERATION,
    &account::decline_invite::OPERATION,
    &invites::preview_invite::OPERATION,
    &invites::decline_invite_by_link::OPERATION,
    &pages::OPERATION,
    &background::deliver_email::OPERATION,
    &background::expire_invites::OPERATION,
    &background::record_email_delivery::OPERATION,
    &background::apply_plan_changes::OPERATION,
    &billing::record_billing_event::OPERATION,
];

/// The operation of that name, such as `create-invite`.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS
        .iter()
        .copied()
        .find(|operation| operation.name == name)
}
