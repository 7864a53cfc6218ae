//! Organizations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Address, Caller, Change, DailyCount, Event, EventKind, Holder, Member, Metadata,
    OrganizationId, OrganizationLimits, OrganizationName, Person, Refusal, Role, Subject,
    SubjectKind, UserId, permit,
};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The organization's id.
    pub id: OrganizationId,
    /// The name, for people.
    pub name: OrganizationName,
    /// Data that the deployer's product keeps with the organization.
    pub metadata: Metadata,
    /// The user id of the creator, who always stays an owner.
    pub creator_id: UserId,
    /// The time of its creation.
    pub created_at: DateTime<Utc>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

impl Organization {
    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Organization,
            id: self.id.to_string(),
            name: self.name.to_string(),
        }
    }
}

/// The result of creating an organization.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// The organization.
    pub organization: Organization,
    /// The creator, as an owner.
    pub creator: Member,
    /// The record of the creator's address.
    pub address: Address,
    /// The organizations that the creator has created, with this one.
    pub created: DailyCount,
    /// The events to record.
    pub events: Vec<Event>,
}

/// Decides the creation of an organization, with its creator as an owner who
/// receives billing emails. `created` counts the person's earlier ones.
///
/// # Errors
/// [`Refusal::EmailRequired`], [`Refusal::EmailNotVerified`] if the person has no email address;
/// [`Refusal::TooManyOrganizations`]; [`Refusal::OrganizationLimitReached`].
pub fn create_organization(
    person: &Person,
    created: DailyCount,
    limits: OrganizationLimits,
    id: OrganizationId,
    name: OrganizationName,
    metadata: Metadata,
    now: DateTime<Utc>,
) -> Result<NewOrganization, Refusal> {
    let email = person.verified_email()?.clone();
    let created = limits.count(created, now)?;
    let creator = Member {
        organization_id: id,
        user_id: person.user_id.clone(),
        email: email.clone(),
        name: person.name.clone(),
        role: Role::Owner,
        receives_billing_emails: true,
        is_creator: true,
        joined_at: now,
        profile_at: person.issued_at,
        last_event_id: None,
        version: 0,
    };
    let holder = Holder::Member {
        user_id: person.user_id.clone(),
        invite_id: None,
    };
    let organization = Organization {
        id,
        name,
        metadata,
        creator_id: person.user_id.clone(),
        created_at: now,
        version: 0,
    };
    let events = vec![
        Event::new(
            EventKind::OrganizationCreated,
            creator.as_actor(),
            organization.as_subject(),
            vec![Change::added("name", &organization.name)],
        ),
        creator.added(creator.as_actor()),
    ];
    Ok(NewOrganization {
        address: Address {
            organization_id: id,
            email,
            holder,
            sent_at: Vec::new(),
            version: 0,
        },
        created,
        organization,
        creator,
        events,
    })
}

/// The changes of an organization; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct OrganizationUpdate {
    /// The new name.
    pub name: Option<OrganizationName>,
    /// The new metadata, which replaces all of the old.
    pub metadata: Option<Metadata>,
}

/// Decides a change of name or metadata. Returns the changed organization and the
/// event to record; no event if nothing changes.
///
/// # Errors
/// [`Refusal::OwnerRequired`].
pub fn update_organization(
    caller: &Caller,
    organization: &Organization,
    update: OrganizationUpdate,
) -> Result<(Organization, Option<Event>), Refusal> {
    permit(caller, Action::UpdateOrganization)?;
    let mut updated = organization.clone();
    let mut changes = Vec::new();
    if let Some(name) = update.name.filter(|name| *name != organization.name) {
        changes.push(Change::changed("name", &organization.name, &name));
        updated.name = name;
    }
    if let Some(metadata) = update
        .metadata
        .filter(|metadata| *metadata != organization.metadata)
    {
        // The deployer's data stays out of the log, which has only the keys.
        let keys = |metadata: &Metadata| metadata.keys().collect::<Vec<_>>().join(", ");
        changes.push(Change::changed(
            "metadata",
            keys(&organization.metadata),
            keys(&metadata),
        ));
        updated.metadata = metadata;
    }
    let event = (!changes.is_empty()).then(|| {
        Event::new(
            EventKind::OrganizationUpdated,
            caller.as_actor(),
            updated.as_subject(),
            changes,
        )
    });
    Ok((updated, event))
}
