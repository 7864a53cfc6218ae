//! The people and the invites that events name by id.

use std::collections::HashMap;

use domain::{
    Actor, AuditEvent, EmailAddress, InviteId, Member, OrganizationId, Profile, SubjectKind, UserId,
};
use store::{InvitePlaces, Key};

use crate::{App, error::Error};

/// The people and the invites of some events, as they are now.
pub(crate) struct People {
    people: HashMap<UserId, (Option<Member>, Option<Profile>)>,
    invites: HashMap<InviteId, EmailAddress>,
}

impl People {
    /// Reads everybody that the events name, and the addresses of their invites, in one
    /// round trip; more than 100 items take one more per further 100.
    ///
    /// # Errors
    /// [`Error`] when the table cannot be read.
    pub(super) async fn of(
        app: &App,
        organization_id: OrganizationId,
        events: &[AuditEvent],
    ) -> Result<Self, Error> {
        let mut people: Vec<UserId> = events.iter().flat_map(people_of).collect();
        people.sort();
        people.dedup();
        let mut invites: Vec<InviteId> = events.iter().filter_map(invite_of).collect();
        invites.sort();
        invites.dedup();
        let keys = people
            .iter()
            .map(|id| (Key::member(organization_id, id), Key::profile(id)));
        let places = invites.iter().map(|&invite_id| InvitePlaces {
            organization_id,
            invite_id,
        });
        let batch = (keys.collect::<Vec<_>>(), places.collect::<Vec<_>>());
        let (found, states) = app.store.read(batch).await?;
        let addresses = states.into_iter().map(|state| {
            let invite = state.as_ref().map(|state| state.invite());
            invite.map(|invite| invite.email.clone())
        });
        Ok(Self {
            people: people.into_iter().zip(found).collect(),
            invites: invites
                .into_iter()
                .zip(addresses)
                .filter_map(|(id, address)| Some((id, address?)))
                .collect(),
        })
    }

    /// Returns a person's name: that of the membership, or of the profile for a former
    /// member. Without a name it is the masked address; `None` for an erased person.
    pub(crate) fn name(&self, id: &UserId) -> Option<String> {
        let (member, profile) = self.people.get(id)?;
        let profile = profile.as_ref().map(|profile| match &profile.name {
            Some(name) => name.as_str().to_owned(),
            None => profile.email.masked(),
        });
        let member = member.as_ref().map(Member::public_name);
        member.or(profile)
    }

    /// Returns the address of a member; `None` for a former one, whose new addresses are
    /// not the organization's concern.
    pub(crate) fn email(&self, id: &UserId) -> Option<EmailAddress> {
        let (member, _) = self.people.get(id)?;
        member.as_ref().map(|member| member.email.clone())
    }

    /// Returns the address of an invite, while the invite is kept.
    pub(crate) fn invited(&self, id: InviteId) -> Option<EmailAddress> {
        self.invites.get(&id).cloned()
    }
}

fn people_of(event: &AuditEvent) -> impl Iterator<Item = UserId> {
    let actor = match &event.actor {
        Actor::Person { user_id } => Some(user_id.clone()),
        Actor::LinkHolder | Actor::Server { .. } | Actor::System => None,
    };
    let subject = &event.subject;
    let is_member = subject.kind == SubjectKind::Member;
    let subject = UserId::parse(&subject.id).ok().filter(|_| is_member);
    actor.into_iter().chain(subject)
}

fn invite_of(event: &AuditEvent) -> Option<InviteId> {
    let subject = &event.subject;
    let is_invite = subject.kind == SubjectKind::Invite;
    InviteId::parse(&subject.id).ok().filter(|_| is_invite)
}
