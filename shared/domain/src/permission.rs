//! Who may do what: the table of the rules, and nothing else.

use crate::{Caller, Member, Refusal, Role};

/// What a member wants to do.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// See the organization, its members, invites, usage, plan and API keys (never secrets).
    View,
    /// Create images with the organization's API keys.
    CreateImages,
    /// Rename the organization or change its metadata.
    UpdateOrganization,
    /// Delete the organization.
    DeleteOrganization,
    /// Change plan and billing details.
    ManageBilling,
    /// Create, rotate and revoke API keys.
    ManageApiKeys,
    /// Read the audit log.
    ViewAuditLog,
    /// Invite somebody as this role.
    Invite(Role),
    /// Give a member a role.
    ChangeRole {
        /// Whose role.
        of: &'a Member,
        /// The role to give.
        to: Role,
    },
    /// Remove a member; removing oneself is leaving.
    RemoveMember(&'a Member),
    /// Turn a member's billing emails on or off.
    SetBillingEmails {
        /// Whose billing emails.
        of: &'a Member,
        /// On or off.
        to: bool,
    },
    /// Change a pending invite; the roles are the present and the wished one.
    UpdateInvite {
        /// The invite's role.
        from: Role,
        /// The role to give it.
        to: Role,
    },
    /// Cancel a pending invite of this role.
    CancelInvite(Role),
    /// Send a pending invite of this role again.
    ResendInvite(Role),
}

/// Decides whether a member may do something.
///
/// # Errors
/// The [`Refusal`] says, in words for that member, who may.
pub fn permit(caller: &Caller, action: Action<'_>) -> Result<(), Refusal> {
    match action {
        Action::View | Action::CreateImages => Ok(()),
        Action::UpdateOrganization => owner(caller, "change the organization's name and metadata"),
        Action::DeleteOrganization => owner(caller, "delete the organization"),
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

fn owner(caller: &Caller, what: &'static str) -> Result<(), Refusal> {
    match caller {
        Caller::Member(me) => match me.role {
            Role::Owner => Ok(()),
            Role::Admin | Role::User => Err(Refusal::OwnerRequired(what)),
        },
    }
}

fn owner_or_admin(caller: &Caller, what: &'static str) -> Result<(), Refusal> {
    match caller {
        Caller::Member(me) => match me.role {
            Role::Owner | Role::Admin => Ok(()),
            Role::User => Err(Refusal::OwnerOrAdminRequired(what)),
        },
    }
}

/// Whatever touches the owner role takes an owner.
fn owner_for(role: Role, caller: &Caller, what: &'static str) -> Result<(), Refusal> {
    match role {
        Role::Owner => owner(caller, what),
        Role::Admin | Role::User => Ok(()),
    }
}
