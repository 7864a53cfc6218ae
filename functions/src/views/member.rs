//! Members.

use chrono::{DateTime, Utc};
use domain::{
    Action, BillingEmailsStopped, Caller, EmailAddress, Member, PersonName, Refusal, Role, UserId,
    permit,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{ApiKeySummary, Permission, RoleChoice, Version};

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberView {
    /// The person's id at the identity provider.
    user_id: UserId,
    /// The person's address: the last one that the identity provider has verified.
    email: EmailAddress,
    /// The person's name, if the identity provider passed one.
    name: Option<PersonName>,
    /// The member's role.
    role: Role,
    /// Whether the member receives billing emails.
    receives_billing_emails: bool,
    /// Why none are sent to the address, to those who may turn them on again; `null` while
    /// they are.
    billing_emails_stopped: Option<BillingEmailsStopped>,
    /// Whether the member is the organization's creator.
    is_creator: bool,
    /// The time of joining.
    joined_at: DateTime<Utc>,
    /// Its version, for `If-Match`: another one after each change.
    version: Version,
    /// The caller's permissions on the member.
    may: MemberPermissions,
}

/// The caller's permissions on a member.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberPermissions {
    /// The roles that the caller may set.
    change_role: RoleChoice,
    /// Turn the member's billing emails on or off.
    change_billing_emails: Permission,
    /// Remove the member; for the caller's own membership, leave.
    remove: Permission,
}

impl MemberView {
    pub(crate) fn of(member: &Member, caller: &Caller) -> Self {
        let change_role = |to| permit(caller, Action::ChangeRole { of: member, to });
        let to = !member.receives_billing_emails;
        let turn_on = Action::SetBillingEmails {
            of: member,
            to: true,
        };
        let sees_stop = permit(caller, turn_on).is_ok();
        Self {
            user_id: member.user_id.clone(),
            email: member.email.clone(),
            name: member.name.clone(),
            role: member.role,
            receives_billing_emails: member.receives_billing_emails,
            billing_emails_stopped: member.billing_emails_stopped.filter(|_| sees_stop),
            is_creator: member.is_creator,
            joined_at: member.joined_at,
            version: member.into(),
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

/// The results of adding people, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AddedMembersView {
    /// A result for each person.
    pub(crate) items: Vec<AddedMember>,
}

/// The result of adding a person.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct AddedMember {
    /// The person.
    user_id: UserId,
    /// The outcome.
    outcome: AddOutcome,
    /// The member; `null` if refused. A person who was a member keeps their role.
    member: Option<MemberView>,
    /// The code of the refusal; `null` if there is none.
    code: Option<&'static str>,
    /// The reason of the refusal; `null` if there is none.
    detail: Option<String>,
}

/// The outcome of adding a person.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AddOutcome {
    /// The person became a member.
    Added,
    /// The person was a member already.
    Present,
    /// The person cannot become a member: another one has the address.
    Refused,
}

impl AddedMember {
    pub(crate) fn added(member: MemberView) -> Self {
        Self {
            user_id: member.user_id.clone(),
            outcome: AddOutcome::Added,
            member: Some(member),
            code: None,
            detail: None,
        }
    }

    pub(crate) fn present(user_id: UserId, member: Option<MemberView>) -> Self {
        Self {
            user_id,
            outcome: AddOutcome::Present,
            member,
            code: None,
            detail: None,
        }
    }

    pub(crate) fn refused(user_id: UserId, refusal: &Refusal) -> Self {
        Self {
            user_id,
            outcome: AddOutcome::Refused,
            member: None,
            code: Some(refusal.code()),
            detail: Some(refusal.to_string()),
        }
    }
}

/// A member after a change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UpdatedMemberView {
    /// The member.
    #[serde(flatten)]
    pub(crate) member: MemberView,
    /// After a demotion to user: the API keys that the person created and can no longer
    /// manage. The keys stay valid; rotate those whose secret the person may still have.
    /// Otherwise empty.
    pub(crate) api_keys: Vec<ApiKeySummary>,
}

/// The API keys that a former member has left behind.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RemovedView {
    /// The API keys that the person created. The keys stay valid; rotate those whose
    /// secret the person may still have.
    pub(crate) api_keys: Vec<ApiKeySummary>,
}
