//! The limits on emails and on organizations.

#![allow(clippy::unwrap_used, clippy::panic)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::*;
use uuid::Uuid;

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Returns the id of an organization that was created then.
fn organization_of(at: DateTime<Utc>) -> OrganizationId {
    let milliseconds = u128::try_from(at.timestamp_millis()).unwrap();
    OrganizationId::new(Uuid::from_u128(milliseconds << 80 | 7 << 76 | 1))
}

/// The table, for one organization.
struct World {
    limits: EmailLimits,
    owner: Member,
    counts: Counts,
    address: Option<Address>,
    recipient: Option<Recipient>,
}

impl World {
    fn new(limits: EmailLimits) -> Self {
        Self::of(organization_of(noon()), limits)
    }

    fn of(organization_id: OrganizationId, limits: EmailLimits) -> Self {
        Self {
            limits,
            owner: Member {
                organization_id,
                user_id: UserId::parse("olga").unwrap(),
                email: email("olga@example.com"),
                name: None,
                role: Role::Owner,
                receives_billing_emails: false,
                billing_emails_stopped: None,
                is_creator: false,
                joined_at: noon(),
                profile_at: None,
                last_event_id: None,
                version: 1,
            },
            counts: Counts::default(),
            address: None,
            recipient: None,
        }
    }

    /// Invites an address, and cancels the invite if it was sent.
    fn invite(&mut self, to: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        let caller = Caller::Member(self.owner.clone());
        let request = InviteRequest {
            id: InviteId::new(Uuid::from_u128(7)),
            email: email(to),
            role: Role::User,
            receives_billing_emails: false,
        };
        let history = EmailHistory {
            counts: &self.counts,
            address: self.address.as_ref(),
            recipient: self.recipient.as_ref(),
        };
        let created = create_invite(&caller, history, &self.limits, request, now)?;
        let state = InviteState::Pending(created.invite);
        let cancelled = cancel(&caller, &state, now).unwrap().unwrap();
        self.address = Some(created.address.held_by(cancelled.holder));
        self.recipient = created.email.recipient;
        self.counts.emails = created.email.emails;
        Ok(())
    }

    /// Invites another address each time, and returns how many emails leave.
    fn strangers(&mut self, now: DateTime<Utc>) -> usize {
        let sent = (0..1000).take_while(|n| {
            (self.address, self.recipient) = (None, None);
            self.invite(&format!("guest{n}@example.com"), now).is_ok()
        });
        sent.count()
    }
}

/// Returns the limit and the seconds to wait.
fn limit(outcome: Result<(), Refusal>) -> (EmailLimit, i64) {
    match outcome.unwrap_err() {
        Refusal::EmailLimitReached { limit, wait } => (limit, wait.num_seconds()),
        other => panic!("{other}"),
    }
}

#[test]
fn cancelled_invite_counts_for_the_interval_and_the_14_days() {
    let mut world = World::new(EmailLimits {
        recipient_per_day: 0,
        recipient_per_week: 0,
        ..EmailLimits::default()
    });
    let masked = "d…@example.com".to_owned();
    for sent in 0..6 {
        let now = noon() + TimeDelta::minutes(sent);
        world.invite("dana@example.com", now).unwrap();
        let soon = limit(world.invite("dana@example.com", now + TimeDelta::seconds(59)));
        let interval = EmailLimit::AddressInterval {
            masked: masked.clone(),
            interval: TimeDelta::minutes(1),
        };
        assert_eq!(soon, (interval, 1));
    }
    let later = noon() + TimeDelta::days(14) - TimeDelta::seconds(1);
    let refused = limit(world.invite("dana@example.com", later));
    let six = EmailLimit::Address { masked, max: 6 };
    assert_eq!(refused, (six, 1));
    world
        .invite("dana@example.com", later + TimeDelta::seconds(1))
        .unwrap();
}

#[test]
fn recipient_gets_three_emails_a_day_and_ten_a_week() {
    let mut world = World::new(EmailLimits {
        address: 0,
        ..EmailLimits::default()
    });
    let recipient = EmailLimit::Recipient {
        masked: "d…@example.com".to_owned(),
    };
    // Each email is of another organization, so only the recipient's record stays.
    let mut send = |at: TimeDelta| {
        let known = world.recipient.take();
        world = World {
            recipient: known,
            ..World::new(world.limits)
        };
        world.invite("dana@example.com", noon() + at)
    };
    for day in 0..3 {
        for hour in 0..3 {
            send(TimeDelta::hours(24 * day + hour)).unwrap();
        }
        let refused = limit(send(TimeDelta::hours(24 * day + 23)));
        assert_eq!(refused, (recipient.clone(), 3600));
    }
    send(TimeDelta::days(3)).unwrap();
    let refused = limit(send(TimeDelta::days(6)));
    assert_eq!(refused, (recipient, 24 * 3600));
    send(TimeDelta::days(7)).unwrap();
}

#[test]
fn address_with_a_tag_is_the_same_recipient() {
    let id = |text| email(text).recipient_id();
    let dana = id("dana@example.com");
    for same in ["Dana+1@example.com", "dana+a+b@EXAMPLE.com"] {
        assert_eq!(id(same), dana, "{same}");
    }
    for other in ["d.ana@example.com", "dana@example.org", "dan@example.com"] {
        assert_ne!(id(other), dana, "{other}");
    }
    assert_ne!(id("+a@example.com"), id("+b@example.com"));
    assert!(!dana.as_str().contains("dana"));
}

#[test]
fn new_organization_sends_50_emails_a_day_then_500() {
    let mut world = World::of(organization_of(noon()), EmailLimits::default());
    let evening = noon() + TimeDelta::hours(11);
    assert_eq!(world.strangers(evening), 50);
    (world.address, world.recipient) = (None, None);
    let refused = limit(world.invite("new@example.com", evening));
    assert_eq!(refused, (EmailLimit::Organization { max: 50 }, 3600));
    assert_eq!(world.strangers(evening + TimeDelta::hours(1)), 50);
    assert_eq!(world.strangers(noon() + TimeDelta::days(29)), 50);
    assert_eq!(world.strangers(noon() + TimeDelta::days(30)), 500);
    assert_eq!(world.counts.emails.total, 650);
}

#[test]
fn clock_that_is_behind_does_not_begin_a_day_again() {
    let mut world = World::new(EmailLimits::default());
    assert_eq!(world.strangers(noon() + TimeDelta::days(1)), 50);
    assert_eq!(world.strangers(noon()), 0);
}

#[test]
fn zero_is_no_limit() {
    let mut world = World::new(EmailLimits::NONE);
    for _ in 0..1000 {
        world.invite("dana@example.com", noon()).unwrap();
    }
    assert_eq!(world.recipient, None);
    assert!(world.address.unwrap().sent_at.is_empty());
    assert_eq!(world.counts.emails.total, 1000);
}

#[test]
fn records_keep_only_what_a_limit_looks_at() {
    let mut world = World::new(EmailLimits::default());
    for day in 0..40 {
        let now = noon() + TimeDelta::days(3 * day);
        world.invite("dana@example.com", now).unwrap();
    }
    let recipient = world.recipient.unwrap();
    assert_eq!(recipient.sent_at.len(), 3);
    let last = noon() + TimeDelta::days(3 * 39);
    assert_eq!(recipient.forget_at(), Some(last + TimeDelta::days(7)));
    assert_eq!(world.address.unwrap().sent_at.len(), 5);
}

#[test]
fn person_creates_ten_organizations_a_day_and_50_in_all() {
    let person = Person {
        user_id: UserId::parse("sten").unwrap(),
        email: Some(email("sten@example.com")),
        email_verified: true,
        name: None,
        issued_at: None,
    };
    let create = |created, now| {
        create_organization(
            &person,
            created,
            OrganizationLimits::default(),
            organization_of(now),
            OrganizationName::parse("Acme").unwrap(),
            Metadata::default(),
            now,
        )
    };
    let mut created = DailyCount::default();
    for day in 0..5 {
        let now = noon() + TimeDelta::days(day);
        for _ in 0..10 {
            created = create(created, now).unwrap().created;
        }
        let refusal = create(created, now).unwrap_err();
        let expected = if day < 4 {
            Refusal::OrganizationLimitReached {
                max: 10,
                wait: TimeDelta::hours(12),
            }
        } else {
            Refusal::TooManyOrganizations(50)
        };
        assert_eq!(refusal, expected);
    }
}

#[test]
fn only_permanent_bounces_of_the_first_100_emails_pause() {
    let mut world = World::new(EmailLimits::NONE);
    world.invite("dana@example.com", noon()).unwrap();
    let caller = Caller::Member(world.owner.clone());
    let person = Person {
        user_id: UserId::parse("olga").unwrap(),
        email: Some(email("olga@example.com")),
        email_verified: true,
        name: None,
        issued_at: None,
    };
    let organization = create_organization(
        &person,
        DailyCount::default(),
        OrganizationLimits::NONE,
        caller.organization_id(),
        OrganizationName::parse("Acme").unwrap(),
        Metadata::default(),
        noon(),
    );
    let organization = organization.unwrap().organization;
    let request = InviteRequest {
        id: InviteId::new(Uuid::from_u128(7)),
        email: email("erin@example.com"),
        role: Role::User,
        receives_billing_emails: false,
    };
    let history = EmailHistory {
        counts: &Counts::default(),
        address: None,
        recipient: None,
    };
    let created = create_invite(&caller, history, &EmailLimits::NONE, request, noon()).unwrap();
    let state = InviteState::Pending(created.invite);
    let counted = |report, total| {
        let counts = Counts {
            emails: DailyCount {
                total,
                ..DailyCount::default()
            },
            reports: EmailReports {
                bounces: 4,
                complaints: 0,
            },
            ..Counts::default()
        };
        let limits = &PauseLimits::default();
        let reported = record_report(&organization, &counts, limits, &state, report, 1, noon());
        let counted = reported.and_then(|reported| reported.counted);
        counted.map(|counted| counted.paused.map(|paused| paused.reason))
    };
    for bounce in [Bounce::NoMailbox, Bounce::Suppressed, Bounce::Unknown] {
        let report = EmailReport::Bounced(bounce);
        assert_eq!(counted(report, 100), Some(Some(PauseReason::Bounces)));
        assert_eq!(counted(report, 101), None);
    }
    for bounce in [Bounce::MailboxFull, Bounce::Refused, Bounce::Unavailable] {
        assert_eq!(counted(EmailReport::Bounced(bounce), 100), None);
    }
    assert_eq!(counted(EmailReport::NotSent, 100), None);
    let complained = counted(EmailReport::Complained, 100);
    assert_eq!(complained, Some(Some(PauseReason::Complaints)));
}

#[test]
fn opted_out_recipient_is_refused_without_any_limit() {
    let mut world = World::new(EmailLimits::NONE);
    let id = email("dana@example.com").recipient_id();
    let stopped = opt_out(&id, None, noon()).unwrap();
    assert_eq!(opt_out(&id, Some(stopped.clone()), noon()), None);
    assert_eq!(stopped.forget_at(), None);
    world.recipient = Some(stopped.clone());
    let refused = world.invite("Dana+x@example.com", noon()).unwrap_err();
    assert_eq!(refused.code(), "recipient_opted_out");

    let allowed = opt_in(Some(stopped)).unwrap();
    assert_eq!(opt_in(Some(allowed.clone())), None);
    world.recipient = Some(allowed);
    world.invite("dana@example.com", noon()).unwrap();
}
