//! The payment provider's events, and the billing emails to their recipients.

use chrono::TimeDelta;
use local::{Published, PutEvent};
use serde_json::{Value, json};

use crate::{
    emails::{REJECTED, THROTTLED},
    harness::{Fixture, audit_kinds},
    wire::Fault,
};

impl Fixture {
    /// Puts an event about an invoice with some fields changed; `null` removes a field.
    pub async fn payment_event(&self, kind: &str, changes: Value) -> Published {
        let mut detail = json!({
            "organization_id": self.organization_id(),
            "invoice_number": "INV-0042",
            "amount": 4900,
            "currency": "usd",
            "due_date": "2026-03-15",
            "hosted_invoice_url": "https://pay.example.com/i/INV-0042",
        });
        for (field, value) in changes.as_object().unwrap() {
            detail[field] = value.clone();
        }
        let mut detail = detail.as_object().unwrap().clone();
        detail.retain(|_, value| !value.is_null());
        self.world
            .stack
            .put_event(PutEvent {
                id: None,
                source: "shop".to_owned(),
                detail_type: kind.to_owned(),
                detail,
                resources: Vec::new(),
            })
            .await
    }

    /// Returns the recipients of the emails with this text in the subject.
    pub fn recipients_of(&self, subject: &str) -> Vec<String> {
        let emails = self.world.stack.emails();
        let about = emails.iter().filter(|sent| sent.subject.contains(subject));
        let mut to: Vec<String> = about.flat_map(|sent| sent.to.clone()).collect();
        to.sort();
        to
    }

    pub async fn set_billing_emails(&self, user_id: &str, on: bool) {
        let path = format!("{}/members/{user_id}", self.organization);
        let input = json!({ "receives_billing_emails": on });
        self.admin.patch(&path, input).await.expect("200");
    }
}

pub fn failed(published: &Published) -> bool {
    assert_eq!(published.called.len(), 1, "{published:?}");
    published.called[0].failed
}

#[tokio::test]
async fn invoice_event_is_recorded_and_emailed_to_recipients() {
    for (kind, subject) in [
        ("billing.invoice_issued", "Invoice INV-0042 for “Acme”"),
        (
            "billing.payment_failed",
            "Payment failed: invoice INV-0042 for “Acme”",
        ),
        (
            "billing.payment_succeeded",
            "Payment received: invoice INV-0042 for “Acme”",
        ),
    ] {
        let fixture = Fixture::new().await;
        fixture
            .set_billing_emails(&fixture.user.user_id, true)
            .await;
        assert!(!failed(&fixture.payment_event(kind, json!({})).await));
        fixture.world.drain().await;
        assert_eq!(
            fixture.recipients_of(subject),
            ["ada@example.com", "ulla@example.com"],
            "{kind}"
        );
        let email = fixture.world.stack.emails().pop().unwrap();
        assert!(email.text.contains("Amount: 49.00 USD"), "{}", email.text);
        assert!(email.text.contains("https://pay.example.com/i/INV-0042"));

        let path = format!("{}/audit-events?limit=1", fixture.organization);
        let log = fixture.admin.get(&path).await.expect("200");
        let event = &log["items"][0];
        assert_eq!(event["kind"], kind);
        assert_eq!(event["actor"], json!({"kind": "system"}));
        assert_eq!(
            event["subject"],
            json!({"kind": "billing", "id": "INV-0042", "name": "INV-0042"})
        );
        assert_eq!(
            event["changes"],
            json!([
                {"field": "amount", "to": "49.00 USD"},
                {"field": "due_date", "to": "2026-03-15"},
            ])
        );
        assert!(!log.to_string().contains("https://"), "{log}");
    }
}

#[tokio::test]
async fn invoice_of_nothing_is_recorded_and_not_emailed() {
    let fixture = Fixture::new().await;
    let before = fixture.world.stack.emails().len();
    for kind in ["billing.invoice_issued", "billing.payment_succeeded"] {
        assert!(!failed(
            &fixture.payment_event(kind, json!({"amount": 0})).await
        ));
    }
    fixture.world.drain().await;
    assert_eq!(fixture.world.stack.emails().len(), before);
    let kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
    assert!(kinds.ends_with(&[
        "billing.invoice_issued".to_owned(),
        "billing.payment_succeeded".to_owned()
    ]));
}

#[tokio::test]
async fn amount_in_stripes_unit_is_shown_right() {
    let fixture = Fixture::new().await;
    let changes = json!({"amount": 490_000, "currency": "isk", "amount_unit": "stripe"});
    fixture
        .payment_event("billing.payment_succeeded", changes)
        .await;
    fixture.world.drain().await;
    let email = fixture.world.stack.emails().pop().unwrap();
    assert!(email.text.contains("Amount: 4900 ISK"), "{}", email.text);
}

#[tokio::test]
async fn link_in_a_credits_email_names_its_organization() {
    let fixture = Fixture::new().await;
    crate::usage::render(&fixture.api_client, "all", 50)
        .await
        .expect("200");
    fixture.world.drain().await;
    let email = fixture.world.stack.emails().pop().unwrap();
    let link = format!(
        "{}/dashboard/organization-settings?organization={}#usage",
        fixture.world.stack.url(),
        fixture.organization_id()
    );
    assert!(
        email.text.lines().any(|line| line == link),
        "{}",
        email.text
    );
}

#[tokio::test]
async fn due_date_in_any_format_is_shown_as_a_date() {
    for (due, shown) in [
        (json!("2026-03-15T23:00:00Z"), Some("15 March 2026")),
        (json!(1_773_532_800), Some("15 March 2026")),
        (Value::Null, None),
    ] {
        let fixture = Fixture::new().await;
        let changes = json!({"due_date": due, "hosted_invoice_url": null});
        assert!(!failed(
            &fixture
                .payment_event("billing.invoice_issued", changes)
                .await
        ));
        fixture.world.drain().await;
        let email = fixture.world.stack.emails().pop().unwrap();
        let due = email
            .text
            .lines()
            .find_map(|line| line.strip_prefix("Due: "));
        assert_eq!(due, shown);
        assert!(!email.text.contains("https://"), "{}", email.text);
    }
}

#[tokio::test]
async fn invalid_payment_event_becomes_a_dead_letter() {
    for changes in [
        json!({"organization_id": null}),
        json!({"organization_id": "acme"}),
        json!({"organization_id": "01930000-0000-7000-8000-000000000009"}),
        json!({"invoice_number": ""}),
        json!({"amount": -1}),
        json!({"amount": 49.5}),
        json!({"amount_unit": "cents"}),
        json!({"currency": "dollars"}),
        json!({"due_date": "soon"}),
        json!({"hosted_invoice_url": "http://pay.example.com/"}),
        json!({"hosted_invoice_url": "javascript:alert(1)"}),
    ] {
        let fixture = Fixture::new().await;
        let before = fixture.world.stack.emails().len();
        let published = fixture
            .payment_event("billing.invoice_issued", changes.clone())
            .await;
        assert!(failed(&published), "{changes}");
        for _ in 0..2 {
            fixture.world.clock.advance(TimeDelta::minutes(5));
            fixture.world.stack.deliver_events().await;
        }
        let dead = fixture.world.stack.dead_events();
        assert_eq!(dead.len(), 1, "{changes}");
        assert_eq!(dead[0]["id"], published.id.as_str());
        fixture.world.drain().await;
        assert_eq!(fixture.world.stack.emails().len(), before, "{changes}");
        let admin = fixture.world.sign_in("anna@example.com");
        let kinds = audit_kinds(&admin, &fixture.organization).await;
        assert!(
            !kinds.iter().any(|kind| kind.starts_with("billing.")),
            "{changes}"
        );
    }
}

/// `docs/operations.md` describes how to restore lost items.
#[tokio::test]
async fn restored_event_without_its_outbox_sends_no_email() {
    for (with_email, sent) in [(true, 1), (false, 0)] {
        let fixture = Fixture::new().await;
        fixture
            .payment_event("billing.invoice_issued", json!({}))
            .await;
        fixture.world.drain().await;
        let before = fixture.world.stack.emails().len();
        for mut item in fixture.world.items().await {
            let pk = item["pk"]["S"].as_str().unwrap().to_owned();
            // The delivery records have expired by the time of a restore.
            if pk.starts_with("AUDIT#") || pk.starts_with("BILLING_DELIVERY#") {
                let key = json!({ "pk": item["pk"], "sk": item["sk"] });
                let request = json!({ "Key": key });
                fixture.world.dynamodb("DeleteItem", request).await;
            }
            if pk.starts_with("AUDIT#") {
                if !with_email {
                    item.as_object_mut().unwrap().remove("outbox");
                }
                let request = json!({ "Item": item });
                fixture.world.dynamodb("PutItem", request).await;
            }
        }
        fixture.world.drain().await;
        assert_eq!(fixture.world.stack.emails().len() - before, sent);
    }
}

#[tokio::test]
async fn own_events_call_no_function() {
    let fixture = Fixture::new().await;
    let own = PutEvent {
        id: None,
        source: "organization-settings".to_owned(),
        detail_type: "billing.invoice_issued".to_owned(),
        detail: serde_json::Map::new(),
        resources: Vec::new(),
    };
    assert!(fixture.world.stack.put_event(own).await.called.is_empty());
}

#[tokio::test]
async fn redelivered_event_after_any_fault_is_recorded_once() {
    let sample = |fixture: &Fixture| {
        let text = std::fs::read_to_string(crate::completeness::repository(
            "events/record-billing-event.json",
        ));
        let mut event: Value = serde_json::from_str(&text.unwrap()).unwrap();
        event["detail"]["organization_id"] = json!(fixture.organization_id());
        event
    };
    let operation = functions::operation("record-billing-event").unwrap();
    let invoke = async |fixture: &Fixture| {
        functions::invoke(
            fixture.world.stack.app(),
            operation,
            sample(fixture),
            Default::default(),
        )
        .await
    };
    let clean = Fixture::new().await;
    assert_eq!(invoke(&clean).await.unwrap(), json!({"recorded": true}));
    let requests = clean.world.wire.take().len();
    assert_eq!(invoke(&clean).await.unwrap(), json!({"recorded": false}));
    assert!(requests > 0);
    for skip in 0..requests {
        for fault in Fault::ALL {
            for times in [1, 3] {
                let fixture = Fixture::new().await;
                fixture.world.wire.fail(skip, times, fault);
                let first = invoke(&fixture).await;
                assert!(times == 3 || first.is_ok(), "{skip} {fault:?}: {first:?}");
                fixture.world.wire.heal();
                invoke(&fixture).await.unwrap();
                let kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
                let recorded = kinds
                    .iter()
                    .filter(|kind| *kind == "billing.invoice_issued");
                assert_eq!(recorded.count(), 1, "{skip} {times} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn retry_after_partial_failure_sends_no_duplicates() {
    let fixture = Fixture::new().await;
    for member in [&fixture.owner, &fixture.user] {
        fixture.set_billing_emails(&member.user_id, true).await;
    }
    fixture
        .payment_event("billing.payment_failed", json!({}))
        .await;
    fixture.world.stack.mail_catcher().fail_next(1, THROTTLED);
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    // The one failure does not delay the others.
    assert_eq!(fixture.recipients_of("Payment failed").len(), 2);
    fixture.world.drain().await;
    assert_eq!(
        fixture.recipients_of("Payment failed"),
        ["ada@example.com", "olga@example.com", "ulla@example.com"]
    );
}

#[tokio::test]
async fn billing_email_after_any_fault_reaches_all_recipients() {
    let prepare = async || {
        let fixture = Fixture::new().await;
        fixture
            .set_billing_emails(&fixture.user.user_id, true)
            .await;
        fixture
            .payment_event("billing.payment_failed", json!({}))
            .await;
        fixture.world.wire.take();
        fixture
    };
    let clean = prepare().await;
    clean.world.drain().await;
    let requests = clean.world.wire.take().len();
    assert!(requests > 0);
    for skip in 0..requests {
        for fault in Fault::ALL {
            let case = format!("request {skip} fails by {fault:?}");
            let fixture = prepare().await;
            fixture.world.wire.fail(skip, 3, fault);
            fixture.world.stack.drain_stream().await.unwrap();
            fixture.world.wire.heal();
            fixture.world.drain().await;
            let mut to = fixture.recipients_of("Payment failed");
            // A duplicate is possible only if SES's response, or that of the delivery
            // record's write, was lost.
            assert!(
                to.len() <= 3 + usize::from(fault == Fault::LostAnswer),
                "{case}: {to:?}"
            );
            to.dedup();
            assert_eq!(to, ["ada@example.com", "ulla@example.com"], "{case}");
        }
    }
}

#[tokio::test]
async fn member_removed_during_delivery_gets_no_email() {
    let fixture = Fixture::new().await;
    for member in [&fixture.owner, &fixture.user] {
        fixture.set_billing_emails(&member.user_id, true).await;
    }
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    let mut held = fixture.world.wire.hold("SendEmail");
    let removing = async {
        held.arrived().await;
        // Emails go out in the order of user ids: the first is in flight.
        let mut ids = [
            &fixture.creator.user_id,
            &fixture.owner.user_id,
            &fixture.user.user_id,
        ];
        ids.sort();
        let removed = ids[1..]
            .iter()
            .find(|id| **id != &fixture.creator.user_id)
            .unwrap();
        let path = format!("{}/members/{removed}", fixture.organization);
        let gone = fixture.creator.delete(&path).await;
        assert!((200..300).contains(&gone.status), "{}", gone.body);
        held.release();
        (*removed).clone()
    };
    let (_, removed) = tokio::join!(fixture.world.drain(), removing);
    let removed = if removed == fixture.owner.user_id {
        &fixture.owner.email
    } else {
        &fixture.user.email
    };
    let to = fixture.recipients_of("Invoice INV-0042");
    assert_eq!(to.len(), 2, "{to:?}");
    assert!(!to.contains(removed), "{to:?}");
}

#[tokio::test]
async fn rejected_address_does_not_block_other_recipients() {
    let fixture = Fixture::new().await;
    fixture
        .set_billing_emails(&fixture.user.user_id, true)
        .await;
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    fixture.world.stack.mail_catcher().fail_next(1, REJECTED);
    fixture.world.drain().await;
    assert_eq!(fixture.recipients_of("Invoice INV-0042").len(), 1);
    // An abandoned email is not retried.
    fixture.world.drain().await;
    assert_eq!(fixture.recipients_of("Invoice INV-0042").len(), 1);
}

#[tokio::test]
async fn failing_billing_email_is_abandoned_after_thirty_minutes() {
    let fixture = Fixture::new().await;
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    fixture
        .world
        .stack
        .mail_catcher()
        .fail_next(1000, THROTTLED);
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    fixture
        .world
        .clock
        .advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    assert_eq!(fixture.world.stack.drain_stream().await.unwrap().stuck, 1);
    fixture.world.clock.advance(TimeDelta::seconds(1));
    fixture.world.drain().await;
    fixture.world.stack.mail_catcher().recover();
    fixture.world.drain().await;
    assert!(fixture.recipients_of("Invoice INV-0042").is_empty());
    assert!(fixture.world.stack.pump().dead_letters().await.is_empty());
}

#[tokio::test]
async fn members_beyond_the_first_page_get_billing_emails() {
    let fixture = Fixture::new().await;
    let names = crate::costs::seed(&fixture, 230).await;
    fixture
        .set_billing_emails(&fixture.user.user_id, true)
        .await;
    for name in [&names[0], &names[150], &names[229]] {
        fixture.set_billing_emails(name, true).await;
    }
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    fixture.world.drain().await;
    assert_eq!(
        fixture.recipients_of("Invoice INV-0042"),
        [
            "ada@example.com",
            "crowd-00000@example.com",
            "crowd-00150@example.com",
            "crowd-00229@example.com",
            "ulla@example.com"
        ]
    );
}
