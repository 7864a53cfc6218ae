//! The data of the settings page.

use domain::{
    Action, Caller, Counts, EmailAddress, InvitesPaused, MAX_API_KEYS, MAX_OUTSTANDING_INVITES,
    PlanChanges, may_change_plan, permit,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    InviteView, List, ManagedOrganizationView, MemberView, OrganizationView, Permission,
    PlanPeriodView, RoleChoice, UsageSummaryView,
};

/// The data of the settings page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SettingsView {
    /// The organization.
    pub(crate) organization: OrganizationView,
    /// The caller's own membership.
    pub(crate) me: MemberView,
    /// The verified address of the caller's sign-in, if another member has it: then the
    /// caller's membership keeps its own.
    pub(crate) email_in_use: Option<EmailAddress>,
    /// The caller's permissions.
    pub(crate) may: Permissions,
    #[serde(flatten)]
    pub(crate) state: OrganizationStateView,
}

/// The data of the settings page, as the server sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ManagedSettingsView {
    /// The organization.
    pub(crate) organization: ManagedOrganizationView,
    #[serde(flatten)]
    pub(crate) state: OrganizationStateView,
}

/// The first pages of an organization's lists, its plan and its usage.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OrganizationStateView {
    /// The first page of the members.
    pub(crate) members: List<MemberView>,
    /// The first page of the pending invites.
    pub(crate) invites: List<InviteView>,
    /// The pause of the invites after bounces or complaints; `null` if they are not paused.
    pub(crate) invites_paused: Option<InvitesPaused>,
    /// The counts of what is limited.
    pub(crate) counts: CountsView,
    /// The plan and its period.
    pub(crate) billing: PlanPeriodView,
    /// The credits of the period.
    pub(crate) usage: UsageSummaryView,
}

/// The counts of what is limited in an organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CountsView {
    /// The pending invites; expired ones count until the hourly cleanup.
    invites: u32,
    /// The maximum number of pending invites.
    max_invites: u32,
    /// The API keys.
    api_keys: u32,
    /// The maximum number of API keys.
    max_api_keys: u32,
}

impl CountsView {
    pub(crate) fn of(counts: Option<&Counts>) -> Self {
        Self {
            invites: counts.map_or(0, |counts| counts.outstanding_invites),
            max_invites: MAX_OUTSTANDING_INVITES,
            api_keys: counts.map_or(0, |counts| counts.api_keys),
            max_api_keys: MAX_API_KEYS,
        }
    }
}

/// The caller's permissions in the organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Permissions {
    /// Rename it and change its metadata.
    update_organization: Permission,
    /// Delete it.
    delete_organization: Permission,
    /// Hand the creator's place to another owner.
    hand_over: Permission,
    /// Change plan and billing details.
    manage_billing: Permission,
    /// Change the plan.
    change_plan: Permission,
    /// Create, rotate and revoke API keys.
    manage_api_keys: Permission,
    /// Read the audit log.
    view_audit_log: Permission,
    /// Invite people, as these roles.
    invite: RoleChoice,
}

impl Permissions {
    pub(crate) fn of(caller: &Caller, policy: &PlanChanges) -> Self {
        let may = |action| Permission::of(permit(caller, action));
        Self {
            update_organization: may(Action::UpdateOrganization),
            delete_organization: may(Action::DeleteOrganization),
            hand_over: may(Action::HandOver),
            manage_billing: may(Action::ManageBilling),
            change_plan: Permission::of(may_change_plan(caller, policy)),
            manage_api_keys: may(Action::ManageApiKeys),
            view_audit_log: may(Action::ViewAuditLog),
            invite: RoleChoice::of(|role| permit(caller, Action::Invite(role))),
        }
    }
}
