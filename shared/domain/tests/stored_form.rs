//! The stored form: the attributes of an item are those of the value's JSON.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use chrono::{DateTime, Utc};
use domain::*;
use serde_json::{Value, json};
use uuid::Uuid;

const ORGANIZATION: &str = "01930000-0000-7000-8000-000000000001";
const INVITE: &str = "01930000-0000-7000-8000-000000000007";

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn invite() -> Invite {
    Invite {
        id: InviteId::new(Uuid::parse_str(INVITE).unwrap()),
        organization_id: OrganizationId::new(Uuid::parse_str(ORGANIZATION).unwrap()),
        email: EmailAddress::parse("Dana@example.com").unwrap(),
        terms: InviteTerms {
            role: Role::Admin,
            receives_billing_emails: true,
            invited_by: Inviter {
                id: UserId::parse("ada").unwrap(),
                name: "Ada".to_owned(),
            },
            created_at: noon(),
            expires_at: noon() + INVITE_LIFETIME,
            sent_at: noon(),
            times_sent: 2,
        },
        delivery: Delivery::queued(noon()),
        version: 3,
    }
}

fn terms() -> Value {
    json!({
        "role": "admin",
        "receives_billing_emails": true,
        "invited_by": { "id": "ada", "name": "Ada" },
        "created_at": "2026-03-01T12:00:00Z",
        "expires_at": "2026-03-15T12:00:00Z",
        "sent_at": "2026-03-01T12:00:00Z",
        "times_sent": 2,
    })
}

fn with(mut object: Value, others: Value) -> Value {
    let Value::Object(others) = others else {
        return Value::Null;
    };
    object.as_object_mut().unwrap().extend(others);
    object
}

#[test]
fn invite_stored_has_its_terms_beside_its_other_fields() {
    let stored = with(
        terms(),
        json!({
            "id": INVITE,
            "organization_id": ORGANIZATION,
            "email": "Dana@example.com",
            "delivery": { "state": "queued", "at": "2026-03-01T12:00:00Z", "failures": 0 },
            "version": 3,
        }),
    );
    assert_eq!(serde_json::to_value(invite()).unwrap(), stored);
    // An item has attributes besides the fields: its keys, and the TTL.
    let item = with(stored, json!({ "pk": "x", "ttl": 1_773_576_000 }));
    assert_eq!(serde_json::from_value::<Invite>(item).unwrap(), invite());
}

#[test]
fn invite_hold_stored_has_its_terms_beside_its_kind() {
    let stored = with(terms(), json!({ "kind": "invite", "invite_id": INVITE }));
    assert_eq!(serde_json::to_value(invite().holder()).unwrap(), stored);
    assert_eq!(
        serde_json::from_value::<Holder>(stored).unwrap(),
        invite().holder()
    );
}

fn recorded(email: Option<OutboxEmail>) -> AuditEvent {
    let event = Event {
        kind: EventKind::InviteResent,
        actor: Actor::System,
        subject: Subject {
            kind: SubjectKind::Invite,
            id: INVITE.to_owned(),
            name: "d…@example.com".to_owned(),
        },
        changes: Vec::new(),
        email,
    };
    let id = EventId::new(Uuid::parse_str(INVITE).unwrap());
    event.recorded(id, invite().organization_id, noon())
}

#[test]
fn outbox_email_stored_is_one_map_with_its_kind() {
    let invite = OutboxEmail::Invite {
        invite_id: invite().id,
        times_sent: 2,
    };
    let billing = OutboxEmail::Billing {
        notice: Notice::Credits {
            percent: 80,
            used: 40,
            allowed: 50,
            plan: "Free".to_owned(),
            period_end: noon(),
        },
    };
    for (email, stored) in [
        (
            invite,
            json!({ "kind": "invite", "invite_id": INVITE, "times_sent": 2 }),
        ),
        (
            billing,
            json!({
                "kind": "billing",
                "notice": {
                    "about": "credits",
                    "percent": 80,
                    "used": 40,
                    "allowed": 50,
                    "plan": "Free",
                    "period_end": "2026-03-01T12:00:00Z",
                },
            }),
        ),
    ] {
        let event = recorded(Some(email));
        let item = serde_json::to_value(&event).unwrap();
        assert_eq!(item["outbox"], stored);
        assert_eq!(serde_json::from_value::<AuditEvent>(item).unwrap(), event);
    }
}

#[test]
fn event_without_email_stored_has_no_attribute_email() {
    let event = recorded(None);
    let item = serde_json::to_value(&event).unwrap();
    assert_eq!(item.get("outbox"), None);
    assert_eq!(serde_json::from_value::<AuditEvent>(item).unwrap(), event);
}
