//! The life of an invite, decision by decision.

#![allow(clippy::unwrap_used, clippy::panic)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::*;
use uuid::Uuid;

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00.5Z".parse().unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn organization_id() -> OrganizationId {
    OrganizationId::new(Uuid::from_u128(1))
}

fn counts(outstanding_invites: u32) -> Counts {
    Counts {
        outstanding_invites,
        ..Counts::default()
    }
}

fn history<'a>(counts: &'a Counts, address: Option<&'a Address>) -> EmailHistory<'a> {
    EmailHistory {
        counts,
        address,
        recipient: None,
    }
}

fn member(user_id: &str, role: Role) -> Member {
    Member {
        organization_id: organization_id(),
        user_id: UserId::parse(user_id).unwrap(),
        email: email(&format!("{user_id}@example.com")),
        name: PersonName::from_claim(user_id),
        role,
        receives_billing_emails: false,
        billing_emails_stopped: None,
        is_creator: false,
        joined_at: noon(),
        profile_at: None,
        last_event_id: None,
        version: 1,
    }
}

fn caller(member: &Member) -> Caller {
    Caller::Member(member.clone())
}

fn person(user_id: &str, address: &str) -> Person {
    Person {
        user_id: UserId::parse(user_id).unwrap(),
        email: Some(email(address)),
        email_verified: true,
        name: None,
        issued_at: None,
    }
}

fn request(role: Role) -> InviteRequest {
    InviteRequest {
        id: InviteId::new(Uuid::from_u128(7)),
        email: email("Dana@Example.com"),
        role,
        receives_billing_emails: true,
    }
}

fn invited(by: &Member, role: Role) -> Created {
    let mut created = create_invite(
        &caller(by),
        history(&counts(0), None),
        &EmailLimits::default(),
        request(role),
        noon(),
    )
    .unwrap();
    created.invite.version = 1;
    created.address.version = 1;
    created
}

fn try_accept(
    person: &Person,
    created: &Created,
    inviter: Option<&Member>,
    membership: Option<&Member>,
    now: DateTime<Utc>,
) -> Result<Acceptance, Refusal> {
    let state = InviteState::Pending(created.invite.clone());
    accept(
        person,
        created.invite.id,
        Some(&created.address),
        Some(&state),
        inviter,
        membership,
        now,
    )
}

#[test]
fn invite_expires_after_exactly_14_days() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let dana = person("dana", "dana@example.com");
    let end = created.invite.terms.expires_at;
    assert_eq!(
        end,
        "2026-03-15T12:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    let last_moment = end - TimeDelta::milliseconds(1);
    assert!(try_accept(&dana, &created, Some(&owner), None, last_moment).is_ok());
    let refusal = try_accept(&dana, &created, Some(&owner), None, end).unwrap_err();
    assert_eq!(refusal, Refusal::InviteEnded(Outcome::Expired));
}

#[test]
fn accepting_grants_exactly_the_terms_of_the_invite() {
    let owner = member("olga", Role::Owner);
    let dana = person("dana", "DANA@example.com");
    for role in Role::ALL {
        let created = invited(&owner, role);
        let Ok(Acceptance::Joins(accepted)) =
            try_accept(&dana, &created, Some(&owner), None, noon())
        else {
            panic!("{role} was not accepted")
        };
        assert_eq!(accepted.member.role, role);
        assert!(accepted.member.receives_billing_emails);
        assert!(!accepted.member.is_creator);
        let kinds: Vec<EventKind> = accepted.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::InviteAccepted, EventKind::MemberAdded]);
    }
}

#[test]
fn accepting_requires_the_verified_invited_address() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let unverified = Person {
        email_verified: false,
        ..person("dana", "dana@example.com")
    };
    let refusal = try_accept(&unverified, &created, Some(&owner), None, noon()).unwrap_err();
    assert_eq!(refusal, Refusal::EmailNotVerified);
    let nobody = Person {
        email: None,
        ..person("dana", "dana@example.com")
    };
    let refusal = try_accept(&nobody, &created, Some(&owner), None, noon()).unwrap_err();
    assert_eq!(refusal, Refusal::EmailRequired);
    let other = person("erin", "erin@example.com");
    let refusal = try_accept(&other, &created, Some(&owner), None, noon()).unwrap_err();
    assert_eq!(refusal, Refusal::InviteNotFound);
}

#[test]
fn old_invite_does_not_change_an_existing_members_role() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::Owner);
    let dana = person("dana", "dana@example.com");
    let membership = member("dana", Role::User);
    let refusal = try_accept(&dana, &created, Some(&owner), Some(&membership), noon()).unwrap_err();
    assert_eq!(refusal, Refusal::AlreadyMemberYourself);
}

#[test]
fn accepting_requires_the_inviters_current_authority() {
    let dana = person("dana", "dana@example.com");
    for role in Role::ALL {
        let created = invited(&member("olga", Role::Owner), role);
        assert_eq!(
            try_accept(&dana, &created, None, None, noon()).unwrap_err(),
            Refusal::InviteNeedsResend,
            "a removed inviter, {role} invite"
        );
        for now in Role::ALL {
            let inviter = member("olga", now);
            let could_send = permit(&caller(&inviter), Action::Invite(role)).is_ok();
            let accepted = try_accept(&dana, &created, Some(&inviter), None, noon());
            assert_eq!(accepted.is_ok(), could_send, "{now} inviter, {role} invite");
        }
        let somebody_else = member("otto", Role::Owner);
        assert_eq!(
            try_accept(&dana, &created, Some(&somebody_else), None, noon()).unwrap_err(),
            Refusal::InviteNeedsResend
        );
    }
}

#[test]
fn accepting_twice_makes_one_membership() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let dana = person("dana", "dana@example.com");
    let Ok(Acceptance::Joins(accepted)) = try_accept(&dana, &created, Some(&owner), None, noon())
    else {
        panic!("not accepted")
    };
    let state = InviteState::Ended(accepted.invite.clone());
    let again = |person: &Person, membership| {
        accept(
            person,
            created.invite.id,
            Some(&accepted.address),
            Some(&state),
            None,
            membership,
            noon(),
        )
    };
    assert!(matches!(
        again(&dana, Some(&accepted.member)),
        Ok(Acceptance::Joined(_))
    ));
    // Another account with the same address: one link admits one person.
    let twin = person("dana-2", "dana@example.com");
    assert_eq!(
        again(&twin, None).unwrap_err(),
        Refusal::InviteEnded(Outcome::Accepted)
    );
}

#[test]
fn ended_invite_after_a_newer_one_tells_its_outcome() {
    let owner = member("olga", Role::Owner);
    let dana = person("dana", "dana@example.com");
    let first = invited(&owner, Role::User);
    let declined = InviteState::Pending(first.invite.clone());
    let declined = decline(Some(&dana), &declined, noon()).unwrap().unwrap();
    let ended = InviteState::Ended(declined.invite);
    let id = first.invite.id;
    let second = InviteId::parse("01930000-0000-7000-8000-0000000000ff").unwrap();
    let newer = Holder::Ended {
        invite_id: second,
        outcome: Outcome::Cancelled,
        at: noon(),
    };
    for address in [None, Some(first.address.held_by(newer))] {
        let answer = |state| accept(&dana, id, address.as_ref(), state, None, None, noon());
        let refusal = answer(Some(&ended)).unwrap_err();
        assert_eq!(refusal, Refusal::InviteEnded(Outcome::Declined));
        assert_eq!(answer(None).unwrap_err(), Refusal::InviteNotFound);
        let stranger = person("erin", "erin@example.com");
        let refusal = accept(
            &stranger,
            id,
            address.as_ref(),
            Some(&ended),
            None,
            None,
            noon(),
        );
        assert_eq!(refusal.unwrap_err(), Refusal::InviteNotFound);
    }
}

#[test]
fn second_invite_to_an_address_in_another_case_is_refused() {
    let owner = member("olga", Role::Owner);
    let first = invited(&owner, Role::User);
    let again = InviteRequest {
        email: email(" dana@EXAMPLE.com"),
        ..request(Role::User)
    };
    let refusal = create_invite(
        &caller(&owner),
        history(&counts(1), Some(&first.address)),
        &EmailLimits::NONE,
        again,
        noon(),
    )
    .unwrap_err();
    let Refusal::InviteOutstanding { invite_id, masked } = refusal else {
        panic!("{refusal}")
    };
    assert_eq!(invite_id, first.invite.id);
    assert_eq!(masked, "d…@example.com");
}

#[test]
fn expired_invite_does_not_block_a_new_one_and_is_recorded() {
    let owner = member("olga", Role::Owner);
    let first = invited(&owner, Role::User);
    let later = first.invite.terms.expires_at;
    let again = create_invite(
        &caller(&owner),
        history(&counts(MAX_OUTSTANDING_INVITES), Some(&first.address)),
        &EmailLimits::NONE,
        request(Role::Admin),
        later,
    )
    .unwrap();
    let expired = again.expired.unwrap();
    assert_eq!(expired.event.kind, EventKind::InviteExpired);
    assert_eq!(expired.event.actor, Actor::System);
    assert_eq!(again.address.version, first.address.version);
}

#[test]
fn address_alone_suffices_to_expire_its_invite() {
    let owner = member("olga", Role::Owner);
    let first = invited(&owner, Role::Admin);
    let end = first.invite.terms.expires_at;
    assert!(
        first
            .address
            .expire(end - TimeDelta::milliseconds(1))
            .is_none()
    );
    let ended = first.address.expire(end).unwrap();
    assert_eq!(
        (ended.invite.outcome, ended.invite.ended_at),
        (Outcome::Expired, end)
    );
    // The address has everything but the delivery and the version.
    let rebuilt = Invite {
        version: first.invite.version,
        ..ended.invite.invite
    };
    assert_eq!(rebuilt, first.invite);
    assert_eq!(ended.event.kind, EventKind::InviteExpired);
    let freed = first.address.held_by(ended.holder);
    assert!(freed.expire(end).is_none(), "it ends once");
}

#[test]
fn ttl_of_an_invite_is_a_day_after_its_expiry() {
    let invite = invited(&member("olga", Role::Owner), Role::User).invite;
    assert_eq!(
        invite.forget_at() - invite.terms.expires_at,
        TimeDelta::days(1)
    );
}

#[test]
fn invite_above_a_hundred_is_refused() {
    let owner = member("olga", Role::Owner);
    let ask = |outstanding| {
        create_invite(
            &caller(&owner),
            history(&counts(outstanding), None),
            &EmailLimits::NONE,
            request(Role::User),
            noon(),
        )
    };
    assert!(ask(MAX_OUTSTANDING_INVITES - 1).is_ok());
    assert_eq!(
        ask(MAX_OUTSTANDING_INVITES).unwrap_err(),
        Refusal::TooManyInvites
    );
}

#[test]
fn invite_to_a_member_is_refused() {
    let owner = member("olga", Role::Owner);
    let first = invited(&owner, Role::User);
    let holder = Holder::Member {
        user_id: UserId::parse("dana").unwrap(),
        invite_id: None,
    };
    let address = Address {
        holder,
        ..first.address
    };
    let refusal = create_invite(
        &caller(&owner),
        history(&counts(0), Some(&address)),
        &EmailLimits::NONE,
        request(Role::User),
        noon(),
    );
    assert_eq!(refusal.unwrap_err().code(), "already_member");
}

/// Resends the invite that holds an address.
fn resent_by(
    by: &Member,
    state: &InviteState,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Resent, Refusal> {
    let counts = counts(1);
    let history = history(&counts, Some(address));
    resend(&caller(by), state, history, &EmailLimits::default(), now)
}

#[test]
fn resending_queues_an_email_with_a_new_link() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let state = InviteState::Pending(created.invite);
    let later = noon() + TimeDelta::minutes(1);
    let resent = resent_by(&owner, &state, &created.address, later).unwrap();
    assert_eq!(resent.invite.terms.times_sent, 2);
    assert_eq!(resent.invite.delivery.state, DeliveryState::Queued);
    assert_eq!(resent.address.holder, resent.invite.holder());
    assert_eq!(resent.address.sent_at, [noon(), later]);
    let email = OutboxEmail::Invite {
        invite_id: resent.invite.id,
        times_sent: 2,
    };
    assert_eq!(resent.event.email, Some(email));
}

#[test]
fn resending_renews_the_14_days_and_the_inviter() {
    let created = invited(&member("olga", Role::Owner), Role::User);
    let state = InviteState::Pending(created.invite);
    let admin = member("anna", Role::Admin);
    let later = noon() + TimeDelta::days(13);
    let resent = resent_by(&admin, &state, &created.address, later).unwrap();
    assert_eq!(
        resent.invite.terms.invited_by.as_ref().unwrap().id,
        admin.user_id
    );
    assert_eq!(
        resent.invite.terms.expires_at,
        "2026-03-28T12:00:00Z".parse::<DateTime<Utc>>().unwrap()
    );
    let after = later + TimeDelta::days(14);
    let state = InviteState::Pending(resent.invite);
    let refusal = resent_by(&admin, &state, &resent.address, after).unwrap_err();
    assert_eq!(refusal, Refusal::InviteEnded(Outcome::Expired));
}

#[test]
fn updating_makes_the_caller_the_inviter() {
    let state = InviteState::Pending(invited(&member("anna", Role::Admin), Role::User).invite);
    let owner = member("olga", Role::Owner);
    let to_owner = InviteUpdate {
        role: Some(Role::Owner),
        receives_billing_emails: None,
    };
    let (updated, event) = update_invite(&caller(&owner), &state, to_owner, noon()).unwrap();
    assert_eq!(updated.terms.invited_by.as_ref().unwrap().id, owner.user_id);
    assert_eq!(event.unwrap().kind, EventKind::InviteUpdated);
    assert_eq!(updated.terms.expires_at, state.invite().terms.expires_at);
    let (_, event) =
        update_invite(&caller(&owner), &state, InviteUpdate::default(), noon()).unwrap();
    assert_eq!(event, None);
}

#[test]
fn ended_invite_stays_ended_with_its_outcome() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let pending = InviteState::Pending(created.invite.clone());
    let cancelled = cancel(&caller(&owner), &pending, noon()).unwrap().unwrap();
    let state = InviteState::Ended(cancelled.invite);
    let ended = Refusal::InviteEnded(Outcome::Cancelled);
    assert_eq!(
        update_invite(&caller(&owner), &state, InviteUpdate::default(), noon()).unwrap_err(),
        ended
    );
    assert_eq!(
        resent_by(&owner, &state, &created.address, noon()).unwrap_err(),
        ended
    );
    assert_eq!(decline(None, &state, noon()).unwrap_err(), ended);
    assert!(
        cancel(&caller(&owner), &state, noon()).unwrap().is_none(),
        "cancelling is idempotent"
    );
    let declined = decline(None, &pending, noon()).unwrap().unwrap();
    assert_eq!(declined.event.actor, Actor::LinkHolder);
    let expired = decline(None, &pending, created.invite.terms.expires_at).unwrap_err();
    assert_eq!(expired, Refusal::InviteEnded(Outcome::Expired));
}

#[test]
fn invite_resent_has_new_times_and_its_first_creation() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let later = noon() + TimeDelta::days(3);
    let state = InviteState::Pending(created.invite.clone());
    let resent = resent_by(&owner, &state, &created.address, later).unwrap();
    let (resent, event) = (resent.invite, resent.event);
    let (before, after) = (&created.invite.terms, &resent.terms);
    assert_eq!((after.created_at, after.sent_at), (noon(), later));
    assert_eq!(after.expires_at, before.expires_at + TimeDelta::days(3));
    assert_eq!(after.times_sent, 2);
    assert_eq!(resent.delivery, Delivery::queued(later));
    let email = OutboxEmail::Invite {
        invite_id: resent.id,
        times_sent: 2,
    };
    assert_eq!(event.email, Some(email));
}

#[test]
fn invite_and_address_are_forgotten_after_their_time() {
    let owner = member("olga", Role::Owner);
    let created = invited(&owner, Role::User);
    let end = created.invite.terms.expires_at;
    assert_eq!(created.invite.forget_at(), end + TimeDelta::days(1));
    assert_eq!(created.address.forget_at(), None);
    let ended = created.address.expire(end).unwrap();
    let free = created.address.held_by(ended.holder);
    assert_eq!(free.forget_at(), Some(end + TimeDelta::days(30)));
}
