//! The caller of an operation, on whose authority its decision rests.

use crate::{Actor, Inviter, KeyCreator, Member, OrganizationId, UserId};

/// The caller of an operation on an organization.
///
/// A decision takes its caller and the member that it changes as different types:
/// swapping the two does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A member, with the authority of their role.
    Member(Member),
}

impl Caller {
    /// Returns whether the caller is this person.
    pub fn is(&self, user_id: &UserId) -> bool {
        match self {
            Self::Member(member) => member.user_id == *user_id,
        }
    }

    /// Returns the organization that the caller's authority is of.
    pub fn organization_id(&self) -> OrganizationId {
        match self {
            Self::Member(member) => member.organization_id,
        }
    }

    /// Returns the caller as the actor of an audit event.
    pub(crate) fn as_actor(&self) -> Actor {
        match self {
            Self::Member(member) => member.as_actor(),
        }
    }

    /// Returns the caller as the inviter on whose authority an invite rests.
    pub(crate) fn as_inviter(&self) -> Inviter {
        match self {
            Self::Member(member) => Inviter {
                id: member.user_id.clone(),
                name: member.public_name(),
            },
        }
    }

    /// Returns the caller as the creator of an API key.
    pub(crate) fn as_key_creator(&self) -> KeyCreator {
        match self {
            Self::Member(member) => KeyCreator {
                id: member.user_id.clone(),
                name: member.public_name(),
            },
        }
    }
}
