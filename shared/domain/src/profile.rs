//! People as the identity provider describes them, and how memberships follow.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Address, EmailAddress, EndedInvite, Event, EventKind, Holder, Member, Outcome, Person,
    PersonName, UserId,
};

/// A person's name and address, which the person's memberships and the audit log share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The person.
    pub user_id: UserId,
    /// The name, if the identity provider has reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// The last verified address that a membership has taken over.
    pub email: EmailAddress,
    /// The time at which the token that says so was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<DateTime<Utc>>,
}

impl Profile {
    /// Returns the profile that a membership implies.
    pub fn of(member: &Member) -> Self {
        Self {
            user_id: member.user_id.clone(),
            name: member.name.clone(),
            email: member.email.clone(),
            issued_at: member.profile_at,
        }
    }

    /// Returns the profile to store in place of this one after a membership was written.
    /// Returns `None` if this one says the same already, or is of a later token.
    pub fn replaced_by(&self, member: &Member) -> Option<Self> {
        let mut profile = Self::of(member);
        profile.name = profile.name.or_else(|| self.name.clone());
        let keeps = self.issued_at > profile.issued_at
            || (&self.name, &self.email) == (&profile.name, &profile.email);
        (!keeps).then_some(profile)
    }
}

impl Member {
    /// Returns whether the person's token says otherwise than this membership: another
    /// verified address or another name. A token that is not later than the last one
    /// taken over says nothing new, so that an old and a new token never alternate.
    pub fn is_outdated_by(&self, person: &Person) -> bool {
        let is_later = person.issued_at.is_some() && person.issued_at > self.profile_at;
        is_later && (self.new_email_of(person).is_some() || self.new_name_of(person).is_some())
    }

    /// Returns the verified address of the person's sign-in, if the membership cannot take
    /// it over: another member of the organization has it.
    pub fn email_in_use<'a>(&self, person: &'a Person) -> Option<&'a EmailAddress> {
        let is_latest = person.issued_at >= self.profile_at;
        self.new_email_of(person).filter(|_| is_latest)
    }

    fn new_email_of<'a>(&self, person: &'a Person) -> Option<&'a EmailAddress> {
        let email = person.verified_email().ok();
        email.filter(|email| **email != self.email)
    }

    fn new_name_of<'a>(&self, person: &'a Person) -> Option<&'a PersonName> {
        let name = person.name.as_ref();
        name.filter(|name| self.name.as_ref() != Some(name))
    }
}

/// The changes by which a membership follows the identity provider.
#[derive(Debug, Clone)]
pub struct TakeOver {
    /// The changed membership.
    pub member: Member,
    /// The new address, if it changes.
    pub address: Option<NewAddress>,
    /// The events to record; none if another member has the new address.
    pub events: Vec<Event>,
}

/// The change of a member's address.
#[derive(Debug, Clone)]
pub struct NewAddress {
    /// The record of the new address. That of the old one goes.
    pub address: Address,
    /// The end of the invite that held the new address.
    pub ended: Option<EndedInvite>,
}

/// Decides how a membership follows what the person's token says. `address` is the record
/// of the token's verified address in the organization. Returns `None` if nothing is new.
///
/// An address that another member has stays with them, and the membership keeps its own.
/// An invite to the new address ends as declined: its invitee is a member already.
pub fn take_over(
    person: &Person,
    member: &Member,
    address: Option<&Address>,
    now: DateTime<Utc>,
) -> Option<TakeOver> {
    if !member.is_outdated_by(person) {
        return None;
    }
    let mut updated = Member {
        profile_at: person.issued_at,
        ..member.clone()
    };
    let mut events = Vec::new();
    let email = member.new_email_of(person);
    let address = email.and_then(|email| take_address(person, member, email, address, now));
    let address = address.map(|(address, event)| {
        updated.email = address.address.email.clone();
        updated.billing_emails_stopped = None;
        events.extend(event);
        events.push(updated.changed_by_itself(EventKind::MemberEmailChanged));
        address
    });
    if let Some(name) = member.new_name_of(person) {
        updated.name = Some(name.clone());
        events.push(updated.changed_by_itself(EventKind::MemberNameChanged));
    }
    Some(TakeOver {
        member: updated,
        address,
        events,
    })
}

impl Member {
    /// Returns the event of a change that the member's own sign-in brings. It holds no
    /// values: names and addresses of people stay out of the log.
    fn changed_by_itself(&self, kind: EventKind) -> Event {
        Event::new(kind, self.as_actor(), self.as_subject(), Vec::new())
    }
}

/// Decides the move of a member to a new address. Returns the event of the invite that
/// it ends; `None` if another member has the address.
fn take_address(
    person: &Person,
    member: &Member,
    email: &EmailAddress,
    record: Option<&Address>,
    now: DateTime<Utc>,
) -> Option<(NewAddress, Option<Event>)> {
    let holder = Holder::Member {
        user_id: member.user_id.clone(),
        invite_id: None,
    };
    if matches!(
        record.map(|record| &record.holder),
        Some(Holder::Member { .. })
    ) {
        return None;
    }
    let ended =
        record.and_then(|record| record.end_invite(Outcome::Declined, person.as_actor(), now));
    let (ended, event) = ended.map(|ended| (ended.invite, ended.event)).unzip();
    let address = Address::of(member.organization_id, email.clone(), record, holder);
    Some((NewAddress { address, ended }, event))
}
