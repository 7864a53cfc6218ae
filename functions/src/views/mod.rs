//! The API's views: the only forms in which the domain's values leave as JSON.

mod account;
mod api_key;
mod audit;
mod billing;
mod common;
mod invite;
mod member;
mod organization;
mod published;
mod settings;
mod usage;
mod version;

pub(crate) use account::{AcceptedView, AccountView};
pub(crate) use api_key::{
    ApiKeySummary, ApiKeyView, ImportedKey, ImportedKeysView, OwnApiKeyView, SecretView,
};
pub(crate) use audit::AuditEventView;
pub(crate) use billing::{BillingView, PeriodView, PlanPeriodView, PlanView};
pub(crate) use common::{List, Permission, RoleChoice};
pub(crate) use invite::{InviteView, InvitedRow, InvitedView, MyInviteView, PreviewView};
pub(crate) use member::{
    AddedMember, AddedMembersView, MemberView, RemovedView, UpdatedMemberView,
};
pub(crate) use organization::{
    DeletedView, ManagedOrganizationView, OrganizationForCaller, OrganizationSummary,
    OrganizationView,
};
pub(crate) use published::PublishedEvent;
pub(crate) use settings::{
    CountsView, ManagedSettingsView, OrganizationStateView, Permissions, SettingsView,
};
pub(crate) use usage::{ConsumedView, RefundedView, RemainingView, UsageSummaryView, UsageView};
pub(crate) use version::Version;
