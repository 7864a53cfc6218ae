//! Changes of members.

#![allow(clippy::unwrap_used)]

use chrono::DateTime;
use domain::{
    Caller, EmailAddress, EventKind, Member, MemberUpdate, OrganizationId, Role, UserId,
    update_member,
};
use uuid::Uuid;

#[test]
fn member_who_steps_down_changes_billing_emails_first() {
    let admin = Member {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        user_id: UserId::parse("anna").unwrap(),
        email: EmailAddress::parse("anna@example.com").unwrap(),
        name: None,
        role: Role::Admin,
        receives_billing_emails: false,
        billing_emails_stopped: None,
        is_creator: false,
        joined_at: DateTime::UNIX_EPOCH,
        profile_at: None,
        last_event_id: None,
        version: 1,
    };
    let update = MemberUpdate {
        role: Some(Role::User),
        receives_billing_emails: Some(true),
    };
    let (updated, events) = update_member(&Caller::Member(admin.clone()), &admin, update).unwrap();
    assert_eq!(updated.role, Role::User);
    assert!(updated.receives_billing_emails);
    let kinds: Vec<EventKind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::MemberBillingEmailsChanged,
            EventKind::MemberRoleChanged
        ]
    );
}
