//! The caller of an operation, and the authority that its decision rests on.

use crate::{Actor, Inviter, KeyCreator, Member, UserId};

/// The caller of an operation on an organization.
///
/// A decision takes its caller and the member that it is about as different
/// types: swapping the two does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A member, with the authority of their role.
    Member(Member),
}

impl Caller {
    /// Whether the caller is this person.
    pub fn is(&self, user_id: &UserId) -> bool {
        match self {
            Self::Member(member) => member.user_id == *user_id,
        }
    }

    /// The caller as the actor of an audit event.
    pub(crate) fn as_actor(&self) -> Actor {
        match self {
            Self::Member(member) => member.as_actor(),
        }
    }

    /// The caller as the inviter whose authority an invite rests on.
    pub(crate) fn as_inviter(&self) -> Inviter {
        match self {
            Self::Member(member) => Inviter {
                id: member.user_id.clone(),
                name: member.public_name(),
            },
        }
    }

    /// The caller as the creator of an API key.
    pub(crate) fn as_key_creator(&self) -> KeyCreator {
        match self {
            Self::Member(member) => KeyCreator {
                id: member.user_id.clone(),
                name: member.public_name(),
            },
        }
    }
}
