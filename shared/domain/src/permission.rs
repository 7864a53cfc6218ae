//! Permissions: the one table of rules by role.

use crate::{Caller, Member, Refusal, Role};

/// An action that a caller requests.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// View the organization, its members, invites, usage, plan and API keys (never secrets).
    View,
    /// Create images with the organization's API keys.
    CreateImages,
    /// Rename the organization or change its metadata.
    UpdateOrganization,
    /// Delete the organization.
    DeleteOrganization,
    /// Hand the creator's place to another owner.
    HandOver,
    /// Change plan and billing details.
    ManageBilling,
    /// Create, rotate and revoke API keys.
    ManageApiKeys,
    /// Read the audit log.
    ViewAuditLog,
    /// Invite a person as this role.
    Invite(Role),
    /// Give a member a role.
    ChangeRole {
        /// The member whose role changes.
        of: &'a Member,
        /// The new role.
        to: Role,
    },
    /// Remove a member; a caller who removes itself leaves.
    RemoveMember(&'a Member),
    /// Turn a member's billing emails on or off.
    SetBillingEmails {
        /// The member whose billing emails change.
        of: &'a Member,
        /// `true` turns them on.
        to: bool,
    },
    /// Update a pending invite.
    UpdateInvite {
        /// The current role.
        from: Role,
        /// The new role.
        to: Role,
    },
    /// Cancel a pending invite of this role.
    CancelInvite(Role),
    /// Resend a pending invite of this role.
    ResendInvite(Role),
}

/// Decides whether the caller may perform an action.
///
/// # Errors
/// A [`Refusal`] that names the required role, or the creator's protection.
pub fn permit(caller: &Caller, action: Action<'_>) -> Result<(), Refusal> {
    if let Caller::Suspended(_, suspension) = caller
        && !is_open_while_suspended(caller, action)
    {
        return Err(Refusal::OrganizationSuspended(suspension.reason.clone()));
    }
    match action {
        Action::View | Action::CreateImages => Ok(()),
        Action::UpdateOrganization => owner(caller, "change the organization's name and metadata"),
        Action::DeleteOrganization => owner(caller, "delete the organization"),
        Action::HandOver => match caller.member() {
            Some(me) if !me.is_creator => Err(Refusal::CreatorRequired),
            Some(_) | None => Ok(()),
        },
        Action::ManageBilling => owner_or_admin(caller, "manage billing"),
        Action::ManageApiKeys => owner_or_admin(caller, "manage API keys"),
        Action::ViewAuditLog => owner_or_admin(caller, "read the audit log"),
        Action::Invite(role) => {
            owner_or_admin(caller, "invite people")?;
            owner_for(role, caller, "invite somebody as an owner")
        }
        Action::ChangeRole { of, to } => {
            owner_or_admin(caller, "change roles")?;
            if of.is_creator {
                return Err(Refusal::CreatorProtected("is always an owner"));
            }
            owner_for(of.role, caller, "change the role of an owner")?;
            owner_for(to, caller, "give the owner role")
        }
        Action::RemoveMember(target) if caller.is(&target.user_id) => {
            if target.is_creator {
                return Err(Refusal::CreatorProtected("cannot leave it"));
            }
            Ok(())
        }
        Action::RemoveMember(target) => {
            owner_or_admin(caller, "remove members")?;
            if target.is_creator {
                return Err(Refusal::CreatorProtected("cannot be removed"));
            }
            owner_for(target.role, caller, "remove an owner")
        }
        Action::SetBillingEmails { of, to } => {
            owner_or_admin(caller, "change who receives billing emails")?;
            if of.is_creator && !to {
                return Err(Refusal::CreatorProtected("always receives billing emails"));
            }
            Ok(())
        }
        Action::UpdateInvite { from, to } => {
            owner_or_admin(caller, "change invites")?;
            owner_for(from, caller, "change an owner invite")?;
            owner_for(to, caller, "invite somebody as an owner")
        }
        Action::CancelInvite(_) => owner_or_admin(caller, "cancel invites"),
        Action::ResendInvite(role) => {
            owner_or_admin(caller, "resend invites")?;
            owner_for(role, caller, "resend an owner invite")
        }
    }
}

/// Returns whether members of a suspended organization may do this: see it, and leave.
fn is_open_while_suspended(caller: &Caller, action: Action<'_>) -> bool {
    match action {
        Action::View | Action::ViewAuditLog => true,
        Action::RemoveMember(target) => caller.is(&target.user_id),
        _ => false,
    }
}

fn owner(caller: &Caller, what: &'static str) -> Result<(), Refusal> {
    match caller.member().map(|me| me.role) {
        Some(Role::Owner) | None => Ok(()),
        Some(Role::Admin | Role::User) => Err(Refusal::OwnerRequired(what)),
    }
}

fn owner_or_admin(caller: &Caller, what: &'static str) -> Result<(), Refusal> {
    match caller.member().map(|me| me.role) {
        Some(Role::Owner | Role::Admin) | None => Ok(()),
        Some(Role::User) => Err(Refusal::OwnerOrAdminRequired(what)),
    }
}

/// Requires an owner for everything that concerns the owner role.
fn owner_for(role: Role, caller: &Caller, what: &'static str) -> Result<(), Refusal> {
    match role {
        Role::Owner => owner(caller, what),
        Role::Admin | Role::User => Ok(()),
    }
}
