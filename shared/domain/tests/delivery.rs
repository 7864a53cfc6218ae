//! The effect of the email service's reports, in any order.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta, Utc};
use domain::*;
use uuid::Uuid;

const REPORTS: [EmailReport; 3] = [
    EmailReport::NotSent,
    EmailReport::Bounced(Bounce::NoMailbox),
    EmailReport::Complained,
];

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn invite(state: DeliveryState) -> Invite {
    Invite {
        id: InviteId::new(Uuid::from_u128(7)),
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        email: EmailAddress::parse("dana@example.com").unwrap(),
        terms: InviteTerms {
            role: Role::User,
            receives_billing_emails: false,
            invited_by: Some(Inviter {
                id: UserId::parse("ada").unwrap(),
                name: "Ada".to_owned(),
            }),
            created_at: noon(),
            expires_at: noon() + INVITE_LIFETIME,
            sent_at: noon(),
            times_sent: 2,
        },
        delivery: Delivery {
            state,
            at: noon(),
            failures: 1,
            reason: None,
        },
        version: 3,
    }
}

#[test]
fn bounce_after_queued_or_sent_replaces_the_state() {
    for before in [DeliveryState::Queued, DeliveryState::Sent] {
        let invite = invite(before);
        let report = EmailReport::Bounced(Bounce::MailboxFull);
        let (updated, event) = invite.apply_report(report, 2, noon()).unwrap();
        assert_eq!(updated.delivery.state, DeliveryState::Bounced);
        assert_eq!(
            updated.delivery.reason.as_deref(),
            Some("the mailbox is full")
        );
        assert_eq!(updated.version, invite.version);
        let event = event.unwrap();
        assert_eq!(event.kind, EventKind::InviteEmailBounced);
        assert_eq!(event.actor, Actor::System);
        assert_eq!(event.changes[0].from.as_deref(), Some(before.as_str()));
        assert_eq!(event.changes[0].to.as_deref(), Some("bounced"));
        assert_eq!(event.email, None, "a report sends no email");
    }
}

#[test]
fn reports_in_any_order_lead_to_the_same_state() {
    for a in REPORTS {
        for b in REPORTS {
            for c in REPORTS {
                let mut invite = invite(DeliveryState::Sent);
                for report in [a, b, c, a] {
                    if let Some((updated, _)) = invite.apply_report(report, 2, noon()) {
                        invite = updated;
                    }
                }
                let expected = if [a, b, c].contains(&EmailReport::Complained) {
                    DeliveryState::Complained
                } else if [a, b, c] == [EmailReport::NotSent; 3] {
                    DeliveryState::Failed
                } else {
                    DeliveryState::Bounced
                };
                assert_eq!(invite.delivery.state, expected, "{a:?}, {b:?}, {c:?}");
            }
        }
    }
}

#[test]
fn report_of_another_sending_or_expired_invite_is_ignored() {
    let invite = invite(DeliveryState::Sent);
    for report in REPORTS {
        assert!(invite.apply_report(report, 1, noon()).is_none());
        assert!(invite.apply_report(report, 3, noon()).is_none());
        assert!(
            invite
                .apply_report(report, 2, invite.terms.expires_at)
                .is_none()
        );
        let last_moment = invite.terms.expires_at - TimeDelta::seconds(1);
        assert!(invite.apply_report(report, 2, last_moment).is_some());
    }
}

#[test]
fn bounce_reason_does_not_name_the_address() {
    for bounce in [
        Bounce::NoMailbox,
        Bounce::MailboxFull,
        Bounce::Refused,
        Bounce::Unavailable,
        Bounce::Suppressed,
        Bounce::Unknown,
    ] {
        let (updated, event) = invite(DeliveryState::Sent)
            .apply_report(EmailReport::Bounced(bounce), 2, noon())
            .unwrap();
        assert!(!updated.delivery.reason.unwrap().contains('@'));
        assert_eq!(event.unwrap().subject.name, None);
    }
}
