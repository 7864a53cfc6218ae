//! The caller of an operation, on whose authority its decision rests.

use crate::{Actor, Inviter, KeyCreator, Member, OrganizationId, Suspension, UserId};

/// The caller of an operation on an organization.
///
/// A decision takes its caller and the member that it changes as different types:
/// swapping the two does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A member, with the authority of their role.
    Member(Member),
    /// A member of an organization that is suspended.
    Suspended(Member, Suspension),
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

impl Server {
    /// Returns the server as the actor of an audit event.
    pub(crate) fn as_actor(&self) -> Actor {
        Actor::Server {
            on_behalf_of: self.on_behalf_of.clone(),
        }
    }
}

impl Caller {
    /// Returns the caller's membership; `None` for the server.
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Member(member) | Self::Suspended(member, _) => Some(member),
            Self::Server(_) => None,
        }
    }

    /// Returns whether the caller is this person.
    pub fn is(&self, user_id: &UserId) -> bool {
        let member = self.member();
        member.is_some_and(|member| member.user_id == *user_id)
    }

    /// Returns the organization that the caller's authority is of.
    pub fn organization_id(&self) -> OrganizationId {
        match self {
            Self::Member(member) | Self::Suspended(member, _) => member.organization_id,
            Self::Server(server) => server.organization_id,
        }
    }

    /// Returns the caller as the actor of an audit event.
    pub(crate) fn as_actor(&self) -> Actor {
        match self {
            Self::Member(member) | Self::Suspended(member, _) => member.as_actor(),
            Self::Server(server) => server.as_actor(),
        }
    }

    /// Returns the caller as the inviter on whose authority an invite rests; `None`
    /// for the server.
    pub(crate) fn as_inviter(&self) -> Option<Inviter> {
        self.member().map(|member| Inviter {
            id: member.user_id.clone(),
            name: member.public_name(),
        })
    }

    /// Returns the caller as the creator of an API key; `None` for the server.
    pub(crate) fn as_key_creator(&self) -> Option<KeyCreator> {
        self.member().map(|member| KeyCreator {
            id: member.user_id.clone(),
            name: member.public_name(),
        })
    }
}
