//! Members.

use chrono::{DateTime, Utc};
use domain::{Action, Caller, EmailAddress, Member, PersonName, Role, UserId, permit};
use schemars::JsonSchema;
use serde::Serialize;

use super::{ApiKeySummary, Permission, RoleChoice};

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberView {
    /// The person's id at the sign-in provider.
    user_id: UserId,
    /// The address that they joined with.
    email: EmailAddress,
    /// Their name, where the sign-in told one.
    name: Option<PersonName>,
    /// What they are in the organization.
    role: Role,
    /// Whether billing emails go to them.
    receives_billing_emails: bool,
    /// Whether they created the organization.
    is_creator: bool,
    /// When they joined.
    joined_at: DateTime<Utc>,
    /// What the caller may do with them.
    may: MemberPermissions,
}

/// What the caller may do with a member.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberPermissions {
    /// The roles that the caller may give them.
    change_role: RoleChoice,
    /// Turn their billing emails on or off, whichever they are not.
    change_billing_emails: Permission,
    /// Remove them; for the caller's own membership, leave.
    remove: Permission,
}

impl MemberView {
    pub(crate) fn of(member: &Member, caller: &Caller) -> Self {
        let change_role = |to| permit(caller, Action::ChangeRole { of: member, to });
        let to = !member.receives_billing_emails;
        Self {
            user_id: member.user_id.clone(),
            email: member.email.clone(),
            name: member.name.clone(),
            role: member.role,
            receives_billing_emails: member.receives_billing_emails,
            is_creator: member.is_creator,
            joined_at: member.joined_at,
            may: MemberPermissions {
                change_role: RoleChoice::of(change_role),
                change_billing_emails: Permission::of(permit(
                    caller,
                    Action::SetBillingEmails { of: member, to },
                )),
                remove: Permission::of(permit(caller, Action::RemoveMember(member))),
            },
        }
    }
}

/// A member after a change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UpdatedMemberView {
    /// The member.
    #[serde(flatten)]
    pub(crate) member: MemberView,
    /// For whoever was made a user: the API keys that they made and cannot
    /// manage any more. The keys stay good; rotate those whose secret the person
    /// may have kept. Otherwise empty.
    pub(crate) api_keys: Vec<ApiKeySummary>,
}

/// What is left of a member who was removed, or has left.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RemovedView {
    /// The API keys that they made. The keys stay good; rotate those whose secret
    /// the person may have kept.
    pub(crate) api_keys: Vec<ApiKeySummary>,
}
