//! The operations of organization settings, each with a Lambda binary of its own.
//!
//! An operation reads the same everywhere: parse, load, decide, commit, respond.
//! Its rules are in the `domain` crate, the table in `store`, emails in `mail`.

mod access;
mod app;
mod config;
mod error;
mod error_chain;
mod input;
mod ledger;
mod memory;
mod metrics;
mod mutate;
mod operation;
#[cfg(test)]
mod parsers;
mod problem;
mod repeat;
mod response;
mod secrets;
mod shape;
mod take_over;
mod telemetry;
mod tls;
mod views;

pub mod account;
pub mod api_keys;
pub mod audit;
pub mod billing;
pub mod docs;
pub mod emails;
pub mod invites;
pub mod members;
pub mod openapi;
pub mod organizations;
pub mod server;
pub mod usage;
pub mod web;

pub use access::EmailVerification;
pub use app::{App, Clock};
pub use brand::Brand;
pub use config::{Aws, Config, ConfigError};
pub use domain::{
    EmailLimits, ImportedPrefixes, InvalidPlans, Limits, OrganizationLimits, PauseLimits,
    PlanChanges, Plans, RateLimit, ServerKeys, UsageRates,
};
pub use lambda_runtime::Context;
pub use metrics::Metrics;
pub use operation::{Operation, invoke, serve};
pub use shape::Shape;
pub use store::StoreError;
pub use web::SignInConfig;

/// A request allocates many short-lived strings, at which this allocator is fast
/// (`docs/decisions/0025-the-release-profile.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Calls a macro with the list of operations in the order of the API: first those with
/// routes of the API, each with its shape, then the others.
///
/// This is the only handwritten list. The binaries, their sample events, the tables of
/// the docs and the tests of every operation follow from it.
#[macro_export]
macro_rules! for_each_operation {
    ($then:path) => {
        $then! {
            api {
                organizations::create_organization
                organizations::list_organizations
                organizations::get_organization
                organizations::update_organization
                organizations::get_settings
                organizations::delete_organization
                organizations::restore_organization
                organizations::change_creator
                members::list_members
                members::get_member
                members::update_member
                members::remove_member
                invites::create_invite
                invites::create_invites
                invites::list_invites
                invites::update_invite
                invites::cancel_invite
                invites::resend_invite
                invites::preview_invite
                invites::decline_invite_by_link
                invites::opt_out_of_invites
                invites::opt_in_to_invites
                api_keys::create_api_key
                api_keys::list_api_keys
                api_keys::get_api_key
                api_keys::update_api_key
                api_keys::rotate_api_key
                api_keys::revoke_api_key
                audit::list_audit_events
                billing::get_billing
                billing::update_billing
                usage::get_usage
                usage::record_usage
                usage::refund_usage
                server::find_organizations
                server::provision_organization
                server::suspend_organization
                server::unsuspend_organization
                server::lift_invite_pause
                server::add_members
                server::import_api_keys
                server::erase_person
                account::get_account
                account::switch_organization
                account::list_my_invites
                account::accept_invite
                account::decline_invite
            }
            others {
                web::pages
                api_keys::authorize_api_key
                server::authorize_server
                audit::describe_events
                emails::deliver_email
                emails::record_email_delivery
                invites::expire_invites
                billing::apply_plan_changes
                organizations::purge_organizations
                billing::record_billing_event
            }
        }
    };
}

macro_rules! list {
    (
        api { $($area:ident::$operation:ident)* }
        others { $($other_area:ident::$other:ident)* }
    ) => {
        /// Every operation.
        pub static OPERATIONS: &[&Operation] = &[
            $(&$area::$operation::OPERATION,)*
            $(&$other_area::$other::OPERATION,)*
        ];

        /// The area, and with it the module, of every operation, in the same order.
        pub static AREAS: &[&str] = &[
            $(stringify!($area),)*
            $(stringify!($other_area),)*
        ];

        /// The shapes of the operations of the API, by their names.
        pub(crate) const SHAPES: &[(&str, &str, Shape)] = &[
            $((stringify!($area), $area::$operation::OPERATION.name, $area::$operation::SHAPE),)*
        ];
    };
}

for_each_operation!(list);

/// Returns the operation with a name such as `create-invite`.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS
        .iter()
        .copied()
        .find(|operation| operation.name == name)
}
