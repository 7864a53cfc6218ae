//! Memberships that follow the identity provider.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Address, Counts, EmailAddress, EmailHistory, EmailLimits, EventKind, Holder, InviteId,
    InviteRequest, Member, OrganizationId, Outcome, Person, PersonName, Profile, Role, TakeOver,
    UserId, create_invite, take_over,
};
use uuid::Uuid;

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn dana() -> Member {
    Member {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        user_id: UserId::parse("dana").unwrap(),
        email: email("dana@example.com"),
        name: PersonName::from_claim("Dana"),
        role: Role::User,
        receives_billing_emails: true,
        billing_emails_stopped: None,
        is_creator: false,
        joined_at: noon(),
        profile_at: Some(noon()),
        last_event_id: None,
        version: 1,
    }
}

/// Returns what a later token says.
fn says(address: &str, name: Option<&str>) -> Person {
    Person {
        user_id: dana().user_id,
        email: Some(email(address)),
        email_verified: true,
        name: name.and_then(PersonName::from_claim),
        issued_at: Some(noon() + TimeDelta::seconds(1)),
    }
}

fn held_by(address: &str, holder: Holder) -> Address {
    Address {
        organization_id: dana().organization_id,
        email: email(address),
        holder,
        sent_at: Vec::new(),
        version: 4,
    }
}

fn kinds(taken: &TakeOver) -> Vec<EventKind> {
    taken.events.iter().map(|event| event.kind).collect()
}

#[test]
fn new_address_and_name_are_taken_over() {
    let person = says("Grace@Example.com", Some("Grace"));
    let taken = take_over(&person, &dana(), None, noon()).unwrap();
    assert_eq!(taken.member.email.as_typed(), "Grace@Example.com");
    assert_eq!(taken.member.name, person.name);
    assert_eq!(taken.member.profile_at, person.issued_at);
    assert_eq!(
        kinds(&taken),
        [EventKind::MemberEmailChanged, EventKind::MemberNameChanged]
    );
    let new = taken.address.unwrap();
    let holder = Holder::Member {
        user_id: dana().user_id,
        invite_id: None,
    };
    assert_eq!((new.address.holder, new.address.version), (holder, 0));
    assert!(new.ended.is_none());
    let same = take_over(&person, &taken.member, None, noon());
    assert!(same.is_none());
}

#[test]
fn token_that_says_nothing_new_changes_nothing() {
    let unverified = Person {
        email_verified: false,
        ..says("grace@example.com", None)
    };
    let earlier = Person {
        issued_at: Some(noon()),
        ..says("grace@example.com", Some("Grace"))
    };
    let undated = Person {
        issued_at: None,
        ..earlier.clone()
    };
    for person in [
        says("DANA@example.com", None),
        says("dana@example.com", Some("Dana")),
        unverified,
        earlier,
        undated,
    ] {
        assert!(take_over(&person, &dana(), None, noon()).is_none());
    }
}

#[test]
fn address_of_another_member_stays_with_them() {
    let other = Holder::Member {
        user_id: UserId::parse("grace").unwrap(),
        invite_id: None,
    };
    let record = held_by("grace@example.com", other);
    let person = says("grace@example.com", Some("Grace"));
    assert_eq!(dana().email_in_use(&person), person.email.as_ref());
    let taken = take_over(&person, &dana(), Some(&record), noon()).unwrap();
    assert!(taken.address.is_none());
    assert_eq!(taken.member.email, dana().email);
    assert_eq!(kinds(&taken), [EventKind::MemberNameChanged]);
    // The same token does not try again; a token of before is not the latest.
    assert!(!taken.member.is_outdated_by(&person));
    assert_eq!(taken.member.email_in_use(&person), person.email.as_ref());
    let earlier = Person {
        issued_at: Some(noon()),
        ..person
    };
    assert_eq!(taken.member.email_in_use(&earlier), None);
}

#[test]
fn invite_to_the_new_address_ends_with_the_take_over() {
    let owner = domain::Caller::Member(Member {
        role: Role::Owner,
        ..dana()
    });
    let request = InviteRequest {
        id: InviteId::new(Uuid::from_u128(7)),
        email: email("grace@example.com"),
        role: Role::Admin,
        receives_billing_emails: false,
    };
    let created = {
        let history = EmailHistory {
            counts: &Counts::default(),
            address: None,
            recipient: None,
        };
        create_invite(&owner, history, &EmailLimits::NONE, request, noon()).unwrap()
    };
    let person = says("grace@example.com", None);
    let end = created.invite.terms.expires_at;
    for (now, outcome, kind) in [
        (noon(), Outcome::Declined, EventKind::InviteDeclined),
        (end, Outcome::Expired, EventKind::InviteExpired),
    ] {
        let taken = take_over(&person, &dana(), Some(&created.address), now).unwrap();
        assert_eq!(kinds(&taken), [kind, EventKind::MemberEmailChanged]);
        assert_eq!(taken.member.role, Role::User);
        let ended = taken.address.unwrap().ended.unwrap();
        assert_eq!(
            (ended.invite.id, ended.outcome),
            (created.invite.id, outcome)
        );
    }
}

#[test]
fn address_whose_invite_has_ended_is_free() {
    let ended = Holder::Ended {
        invite_id: InviteId::new(Uuid::from_u128(7)),
        outcome: Outcome::Cancelled,
        at: noon(),
    };
    let record = held_by("grace@example.com", ended);
    let person = says("grace@example.com", None);
    let taken = take_over(&person, &dana(), Some(&record), noon()).unwrap();
    let new = taken.address.unwrap();
    assert!(matches!(new.address.holder, Holder::Member { .. }));
    assert_eq!(new.address.version, record.version);
}

#[test]
fn profile_of_an_earlier_token_replaces_nothing() {
    let stored = Profile::of(&dana());
    let later = Member {
        name: None,
        email: email("grace@example.com"),
        profile_at: Some(noon() + TimeDelta::seconds(1)),
        ..dana()
    };
    assert_eq!(stored.replaced_by(&dana()), None);
    let profile = stored.replaced_by(&later).unwrap();
    assert_eq!(profile.name, dana().name);
    assert_eq!(profile.email, later.email);
    assert_eq!(profile.replaced_by(&dana()), None);
}
