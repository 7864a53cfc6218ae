//! Organizations.

use chrono::{DateTime, Utc};
use domain::{
    Caller, Member, Metadata, Organization, OrganizationId, OrganizationName, Role, UserId,
};
use schemars::JsonSchema;
use serde::Serialize;

/// An organization, as one of its members sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OrganizationView {
    /// Its id.
    id: OrganizationId,
    /// Its name.
    name: OrganizationName,
    /// The product's own data about it.
    metadata: Metadata,
    /// The user id of the creator.
    creator_id: UserId,
    /// The time of creation.
    created_at: DateTime<Utc>,
    /// The caller's role.
    role: Role,
}

impl OrganizationView {
    pub(crate) fn of(organization: &Organization, me: &Member) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            metadata: organization.metadata.clone(),
            creator_id: organization.creator_id.clone(),
            created_at: organization.created_at,
            role: me.role,
        }
    }
}

/// An organization, as the server sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ManagedOrganizationView {
    /// Its id.
    id: OrganizationId,
    /// Its name.
    name: OrganizationName,
    /// The product's own data about it, which its members see and its owners change.
    metadata: Metadata,
    /// The user id of the creator.
    creator_id: UserId,
    /// The time of creation.
    created_at: DateTime<Utc>,
}

impl ManagedOrganizationView {
    pub(crate) fn of(organization: &Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            metadata: organization.metadata.clone(),
            creator_id: organization.creator_id.clone(),
            created_at: organization.created_at,
        }
    }
}

/// An organization, as the caller of a request sees it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum OrganizationForCaller {
    Member(OrganizationView),
    Server(ManagedOrganizationView),
}

impl OrganizationForCaller {
    pub(crate) fn of(organization: &Organization, caller: &Caller) -> Self {
        match caller {
            Caller::Member(me) => Self::Member(OrganizationView::of(organization, me)),
            Caller::Server(_) => Self::Server(ManagedOrganizationView::of(organization)),
        }
    }
}

/// The part of an organization that an invitee may see.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OrganizationSummary {
    /// The organization's id.
    id: OrganizationId,
    /// Its name.
    name: OrganizationName,
}

impl OrganizationSummary {
    pub(crate) fn of(organization: &Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
        }
    }
}
