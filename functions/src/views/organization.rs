//! Organizations.

use chrono::{DateTime, Utc};
use domain::{
    Caller, ExternalId, Member, Metadata, Organization, OrganizationId, OrganizationName, Role,
    Standing, SuspensionReason, UserId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::Version;

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
    /// Its version, for `If-Match`: another one after each change.
    version: Version,
    /// The caller's role.
    role: Role,
    /// The suspension: the organization can be read, but not used or changed. `null` if
    /// there is none.
    suspension: Option<SuspensionView>,
    /// The time until which its owners can restore it; `null` if it is not deleted.
    restorable_until: Option<DateTime<Utc>>,
}

/// The suspension of an organization by the product.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct SuspensionView {
    /// The reason.
    reason: SuspensionReason,
    /// The time of its beginning.
    since: DateTime<Utc>,
}

impl SuspensionView {
    fn of(standing: &Standing) -> Option<Self> {
        let suspension = standing.suspended.as_ref();
        suspension.map(|suspension| Self {
            reason: suspension.reason.clone(),
            since: suspension.since,
        })
    }
}

impl OrganizationView {
    pub(crate) fn of(organization: &Organization, me: &Member) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            metadata: organization.metadata.clone(),
            creator_id: organization.creator_id.clone(),
            created_at: organization.created_at,
            version: organization.into(),
            role: me.role,
            suspension: SuspensionView::of(&organization.standing),
            restorable_until: organization.standing.purge_at(),
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
    /// Its version, for `If-Match`: another one after each change.
    version: Version,
    /// Its id in the product; `null` if it has none.
    external_id: Option<ExternalId>,
    /// The product's data about it that no person sees.
    private_metadata: Metadata,
    /// The suspension; `null` if there is none.
    suspension: Option<SuspensionView>,
    /// The time of the deletion; `null` if it is not deleted.
    deleted_at: Option<DateTime<Utc>>,
    /// The time until which a deleted organization can be restored.
    restorable_until: Option<DateTime<Utc>>,
}

/// A deleted organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeletedView {
    /// The organization's id.
    pub(crate) id: OrganizationId,
    /// The time until which it can be restored.
    pub(crate) restorable_until: Option<DateTime<Utc>>,
}

impl ManagedOrganizationView {
    pub(crate) fn of(organization: &Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            metadata: organization.metadata.clone(),
            creator_id: organization.creator_id.clone(),
            created_at: organization.created_at,
            version: organization.into(),
            external_id: organization.external_id.clone(),
            private_metadata: organization.private_metadata.clone(),
            suspension: SuspensionView::of(&organization.standing),
            deleted_at: organization.standing.deleted_at,
            restorable_until: organization.standing.purge_at(),
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
        match caller.member() {
            Some(me) => Self::Member(OrganizationView::of(organization, me)),
            None => Self::Server(ManagedOrganizationView::of(organization)),
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
