//! Organizations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Address, Caller, Change, DailyCount, Event, EventKind, ExternalId, Holder, Member,
    Metadata, OrganizationId, OrganizationLimits, OrganizationName, Person, Refusal, Role, Server,
    Standing, Subject, SubjectKind, UserId, permit,
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
    /// Its id in the product; unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Data of the product that no person sees.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub private_metadata: Metadata,
    /// The restrictions of the organization.
    #[serde(default, skip_serializing_if = "Standing::is_unrestricted")]
    pub standing: Standing,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

impl Organization {
    fn manage(&mut self, update: ManagedUpdate) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(external_id) = update.external_id.filter(|id| *id != self.external_id) {
            changes.push(Change {
                field: "external_id".to_owned(),
                from: self.external_id.as_ref().map(ToString::to_string),
                to: external_id.as_ref().map(ToString::to_string),
            });
            self.external_id = external_id;
        }
        let private = update.private_metadata;
        if let Some(metadata) = private.filter(|metadata| *metadata != self.private_metadata) {
            // Owners and admins read the log, so it has not even the keys.
            changes.push(Change {
                field: "private_metadata".to_owned(),
                from: None,
                to: None,
            });
            self.private_metadata = metadata;
        }
        changes
    }

    /// Returns whether the organization is deleted: it exists for nobody but the server.
    pub fn is_deleted(&self) -> bool {
        self.standing.deleted_at.is_some()
    }

    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Organization,
            id: self.id.to_string(),
            name: Some(self.name.to_string()),
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
        billing_emails_stopped: None,
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
        external_id: None,
        private_metadata: Metadata::default(),
        standing: Standing::default(),
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
        address: Address::of(id, email, None, holder),
        created,
        organization,
        creator,
        events,
    })
}

/// Decides the creation of an organization by the server, for a person. It does not
/// count among those that the person created.
///
/// # Errors
/// As [`create_organization`].
pub fn provision_organization(
    on_behalf_of: Option<UserId>,
    creator: &Person,
    id: OrganizationId,
    name: OrganizationName,
    metadata: Metadata,
    now: DateTime<Utc>,
) -> Result<NewOrganization, Refusal> {
    let (none, unlimited) = (DailyCount::default(), OrganizationLimits::NONE);
    let mut created = create_organization(creator, none, unlimited, id, name, metadata, now)?;
    let server = Server {
        organization_id: id,
        on_behalf_of,
    };
    for event in &mut created.events {
        event.actor = server.as_actor();
    }
    Ok(created)
}

/// The changes of an organization; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct OrganizationUpdate {
    /// The new name.
    pub name: Option<OrganizationName>,
    /// The new metadata, which replaces all of the old.
    pub metadata: Option<Metadata>,
    /// The server's changes; those of a member are ignored.
    pub managed: ManagedUpdate,
}

/// The changes of an organization that are the server's alone; `None` leaves a field
/// unchanged.
#[derive(Debug, Clone, Default)]
pub struct ManagedUpdate {
    /// The new id in the product, or none.
    pub external_id: Option<Option<ExternalId>>,
    /// The new private metadata, which replaces all of the old.
    pub private_metadata: Option<Metadata>,
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
    // INVARIANT: no member changes what only the server sees.
    if let Caller::Server(_) = caller {
        changes.extend(updated.manage(update.managed));
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
