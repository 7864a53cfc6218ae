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
    /// The product's own backend, with the authority of the server key.
    Server(Server),
}

/// The product's own backend, acting in one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The person that the backend says it acts for. It gives no authority, and is
    /// recorded in the log.
    pub on_behalf_of: Option<UserId>,
}

impl Caller {
    /// Returns whether the caller is this person.
    pub fn is(&self, user_id: &UserId) -> bool {
        match self {
            Self::Member(member) => member.user_id == *user_id,
            Self::Server(_) => false,
        }
    }

    /// Returns the organization that the caller's authority is of.
    pub fn organization_id(&self) -> OrganizationId {
        match self {
            Self::Member(member) => member.organization_id,
            Self::Server(server) => server.organization_id,
        }
    }

    /// Returns the caller as the actor of an audit event.
    pub(crate) fn as_actor(&self) -> Actor {
        match self {
            Self::Member(member) => member.as_actor(),
            Self::Server(server) => Actor::Server {
                on_behalf_of: server.on_behalf_of.clone(),
            },
        }
    }

    /// Returns the caller as the inviter on whose authority an invite rests; `None`
    /// for the server.
    pub(crate) fn as_inviter(&self) -> Option<Inviter> {
        match self {
            Self::Member(member) => Some(Inviter {
                id: member.user_id.clone(),
                name: member.public_name(),
            }),
            Self::Server(_) => None,
        }
    }

    /// Returns the caller as the creator of an API key; `None` for the server.
    pub(crate) fn as_key_creator(&self) -> Option<KeyCreator> {
        match self {
            Self::Member(member) => Some(KeyCreator {
                id: member.user_id.clone(),
                name: member.public_name(),
            }),
            Self::Server(_) => None,
        }
    }
}
