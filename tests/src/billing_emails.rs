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
                source: "shop".to_owned(),
                detail_type: kind.to_owned(),
                detail,
                resources: Vec::new(),
            })
            .await
    }

    /// Returns the recipients of the emails with this text in the subject.
    pub fn mailed(&self, subject: &str) -> Vec<String> {
        let emails = self.world.stack.emails();
        let about = emails.iter().filter(|sent| sent.subject.contains(subject));
        let mut to: Vec<String> = about.flat_map(|sent| sent.to.clone()).collect();
        to.sort();
        to
    }

    pub async fn receives(&self, user_id: &str, on: bool) {
        let path = format!("{}/members/{user_id}", self.organization);
        let input = json!({ "receives_billing_emails": on });
        self.admin.patch(&path, input).await.expect("200");
    }
}

fn failed(published: &Published) -> bool {
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
        let cast = Fixture::new().await;
        cast.receives(&cast.user.user_id, true).await;
        assert!(!failed(&cast.payment_event(kind, json!({})).await));
        cast.world.drain().await;
        assert_eq!(
            cast.mailed(subject),
            ["ada@example.com", "ulla@example.com"],
            "{kind}"
        );
        let email = cast.world.stack.emails().pop().unwrap();
        assert!(email.text.contains("Amount: 49.00 USD"), "{}", email.text);
        assert!(email.text.contains("https://pay.example.com/i/INV-0042"));

        let path = format!("{}/audit-events?limit=1", cast.organization);
        let log = cast.admin.get(&path).await.expect("200");
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
async fn due_date_in_any_format_is_shown_as_a_date() {
    for (due, shown) in [
        (json!("2026-03-15T23:00:00Z"), Some("15 March 2026")),
        (json!(1_773_532_800), Some("15 March 2026")),
        (Value::Null, None),
    ] {
        let cast = Fixture::new().await;
        let changes = json!({"due_date": due, "hosted_invoice_url": null});
        assert!(!failed(
            &cast.payment_event("billing.invoice_issued", changes).await
        ));
        cast.world.drain().await;
        let email = cast.world.stack.emails().pop().unwrap();
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
        json!({"currency": "dollars"}),
        json!({"due_date": "soon"}),
        json!({"hosted_invoice_url": "http://pay.example.com/"}),
        json!({"hosted_invoice_url": "javascript:alert(1)"}),
    ] {
        let cast = Fixture::new().await;
        let before = cast.world.stack.emails().len();
        let published = cast
            .payment_event("billing.invoice_issued", changes.clone())
            .await;
        assert!(failed(&published), "{changes}");
        for _ in 0..2 {
            cast.world.clock.advance(TimeDelta::minutes(5));
            cast.world.stack.deliver_events().await;
        }
        let dead = cast.world.stack.dead_events();
        assert_eq!(dead.len(), 1, "{changes}");
        assert_eq!(dead[0]["id"], published.id.as_str());
        cast.world.drain().await;
        assert_eq!(cast.world.stack.emails().len(), before, "{changes}");
        let admin = cast.world.sign_in("anna@example.com");
        let kinds = audit_kinds(&admin, &cast.organization).await;
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
        let cast = Fixture::new().await;
        cast.payment_event("billing.invoice_issued", json!({}))
            .await;
        cast.world.drain().await;
        let before = cast.world.stack.emails().len();
        for mut item in cast.world.items().await {
            let pk = item["pk"]["S"].as_str().unwrap().to_owned();
            // The delivery records have expired by the time of a restore.
            if pk.starts_with("AUDIT#") || pk.starts_with("BILLING_DELIVERY#") {
                let key = json!({ "pk": item["pk"], "sk": item["sk"] });
                let request = json!({ "Key": key });
                cast.world.dynamodb("DeleteItem", request).await;
            }
            if pk.starts_with("AUDIT#") {
                if !with_email {
                    item.as_object_mut().unwrap().remove("outbox");
                }
                let request = json!({ "Item": item });
                cast.world.dynamodb("PutItem", request).await;
            }
        }
        cast.world.drain().await;
        assert_eq!(cast.world.stack.emails().len() - before, sent);
    }
}

#[tokio::test]
async fn own_events_call_no_function() {
    let cast = Fixture::new().await;
    let own = PutEvent {
        source: "organization-settings".to_owned(),
        detail_type: "billing.invoice_issued".to_owned(),
        detail: serde_json::Map::new(),
        resources: Vec::new(),
    };
    assert!(cast.world.stack.put_event(own).await.called.is_empty());
}

#[tokio::test]
async fn redelivered_event_after_any_fault_is_recorded_once() {
    let sample = |cast: &Fixture| {
        let text = std::fs::read_to_string(crate::completeness::repository(
            "events/record-billing-event.json",
        ));
        let mut event: Value = serde_json::from_str(&text.unwrap()).unwrap();
        event["detail"]["organization_id"] = json!(cast.organization_id());
        event
    };
    let operation = functions::operation("record-billing-event").unwrap();
    let invoke = async |cast: &Fixture| {
        functions::invoke(
            cast.world.stack.app(),
            operation,
            sample(cast),
            Default::default(),
        )
        .await
    };
    let clean = Fixture::new().await;
    assert_eq!(invoke(&clean).await.unwrap(), json!({"recorded": true}));
    let requests = clean.world.wire.take().len();
    assert_eq!(invoke(&clean).await.unwrap(), json!({"recorded": false}));
    for skip in 0..requests {
        for fault in Fault::ALL {
            for times in [1, 3] {
                let cast = Fixture::new().await;
                cast.world.wire.fail(skip, times, fault);
                let first = invoke(&cast).await;
                assert!(times == 3 || first.is_ok(), "{skip} {fault:?}: {first:?}");
                cast.world.wire.heal();
                invoke(&cast).await.unwrap();
                let kinds = audit_kinds(&cast.creator, &cast.organization).await;
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
    let cast = Fixture::new().await;
    for member in [&cast.owner, &cast.user] {
        cast.receives(&member.user_id, true).await;
    }
    cast.payment_event("billing.payment_failed", json!({}))
        .await;
    cast.world.stack.mail_catcher().fail_next(1, THROTTLED);
    assert_eq!(cast.world.stack.drain_stream().await.unwrap().stuck, 1);
    // The one failure does not delay the others.
    assert_eq!(cast.mailed("Payment failed").len(), 2);
    cast.world.drain().await;
    assert_eq!(
        cast.mailed("Payment failed"),
        ["ada@example.com", "olga@example.com", "ulla@example.com"]
    );
}

#[tokio::test]
async fn billing_email_after_any_fault_reaches_all_recipients() {
    let prepare = async || {
        let cast = Fixture::new().await;
        cast.receives(&cast.user.user_id, true).await;
        cast.payment_event("billing.payment_failed", json!({}))
            .await;
        cast.world.wire.take();
        cast
    };
    let clean = prepare().await;
    clean.world.drain().await;
    let requests = clean.world.wire.take().len();
    for skip in 0..requests {
        for fault in Fault::ALL {
            let case = format!("request {skip} fails by {fault:?}");
            let cast = prepare().await;
            cast.world.wire.fail(skip, 3, fault);
            cast.world.stack.drain_stream().await.unwrap();
            cast.world.wire.heal();
            cast.world.drain().await;
            let mut to = cast.mailed("Payment failed");
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
    let cast = Fixture::new().await;
    for member in [&cast.owner, &cast.user] {
        cast.receives(&member.user_id, true).await;
    }
    cast.payment_event("billing.invoice_issued", json!({}))
        .await;
    let mut held = cast.world.wire.hold("SendEmail");
    let removing = async {
        held.arrived().await;
        // Emails go out in the order of user ids: the first is in flight.
        let mut ids = [
            &cast.creator.user_id,
            &cast.owner.user_id,
            &cast.user.user_id,
        ];
        ids.sort();
        let removed = ids[1..]
            .iter()
            .find(|id| **id != &cast.creator.user_id)
            .unwrap();
        let path = format!("{}/members/{removed}", cast.organization);
        let gone = cast.creator.delete(&path).await;
        assert!((200..300).contains(&gone.status), "{}", gone.body);
        held.release();
        (*removed).clone()
    };
    let (_, removed) = tokio::join!(cast.world.drain(), removing);
    let removed = if removed == cast.owner.user_id {
        &cast.owner.email
    } else {
        &cast.user.email
    };
    let to = cast.mailed("Invoice INV-0042");
    assert_eq!(to.len(), 2, "{to:?}");
    assert!(!to.contains(removed), "{to:?}");
}

#[tokio::test]
async fn rejected_address_does_not_block_other_recipients() {
    let cast = Fixture::new().await;
    cast.receives(&cast.user.user_id, true).await;
    cast.payment_event("billing.invoice_issued", json!({}))
        .await;
    cast.world.stack.mail_catcher().fail_next(1, REJECTED);
    cast.world.drain().await;
    assert_eq!(cast.mailed("Invoice INV-0042").len(), 1);
    // An abandoned email is not retried.
    cast.world.drain().await;
    assert_eq!(cast.mailed("Invoice INV-0042").len(), 1);
}

#[tokio::test]
async fn failing_billing_email_is_abandoned_after_thirty_minutes() {
    let cast = Fixture::new().await;
    cast.payment_event("billing.invoice_issued", json!({}))
        .await;
    cast.world.stack.mail_catcher().fail_next(1000, THROTTLED);
    assert_eq!(cast.world.stack.drain_stream().await.unwrap().stuck, 1);
    cast.world.clock.advance(TimeDelta::minutes(30));
    cast.world.drain().await;
    cast.world.stack.mail_catcher().recover();
    cast.world.drain().await;
    assert!(cast.mailed("Invoice INV-0042").is_empty());
    assert!(cast.world.stack.pump().dead_letters().await.is_empty());
}

#[tokio::test]
async fn members_beyond_the_first_page_get_billing_emails() {
    let cast = Fixture::new().await;
    let names = crate::costs::seed(&cast, 230).await;
    cast.receives(&cast.user.user_id, true).await;
    for name in [&names[0], &names[150], &names[229]] {
        cast.receives(name, true).await;
    }
    cast.payment_event("billing.invoice_issued", json!({}))
        .await;
    cast.world.drain().await;
    assert_eq!(
        cast.mailed("Invoice INV-0042"),
        [
            "ada@example.com",
            "crowd-00000@example.com",
            "crowd-00150@example.com",
            "crowd-00229@example.com",
            "ulla@example.com"
        ]
    );
}
