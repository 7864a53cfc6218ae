//! The rules in `docs/billing-events.md` that transform a payment provider's events
//! into ours, tested as they are documented.

use std::fs;

use serde_json::{Value as Json, json};
use serde_norway::Value;

use crate::{
    completeness::repository,
    harness::{Fixture, audit_kinds},
};

fn page() -> String {
    fs::read_to_string(repository("docs/billing-events.md")).unwrap()
}

/// Returns the documented sample: the first rule.
fn sample() -> String {
    let page = page();
    let sample = page.split("```yaml").nth(1).unwrap();
    sample.split("```").next().unwrap().to_owned()
}

/// Returns the provider's event names and ours, from the documented table.
fn names() -> Vec<(String, String)> {
    let rows = page();
    let rows = rows.lines().filter(|line| line.starts_with("| `invoice."));
    let names: Vec<_> = rows
        .map(|row| {
            let mut names = row.split('`').skip(1).step_by(2).map(str::to_owned);
            (names.next().unwrap(), names.next().unwrap())
        })
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    names
}

/// Returns an event as the provider's bus delivers it: an invoice of 49 dollars, 40 of
/// them paid.
fn event(kind: &str, organization_id: &str) -> Json {
    json!({
        "version": "0",
        "id": "01930000-0000-7000-8000-000000000008",
        "detail-type": kind,
        "source": "aws.partner/stripe.com/ed_test_16",
        "account": "123456789012",
        "time": "2026-03-01T12:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1::event-source/aws.partner/stripe.com/ed_test_16"],
        "detail": {
            "id": "evt_1NG8Du2eZvKYlo2CUI79vXWy",
            "object": "event",
            "type": kind,
            "data": { "object": {
                "id": "in_1MtHbELkdIwHu7ixl4OzzPMv",
                "object": "invoice",
                "number": "INV-0042",
                "amount_due": 4900,
                "amount_paid": 4000,
                "currency": "usd",
                "due_date": null,
                "hosted_invoice_url": "https://invoice.stripe.com/i/acct_1/test_YWNjdF8x",
                "metadata": { "organization_id": organization_id },
            } },
        },
    })
}

/// Transforms an event for a target as EventBridge does: each `<name>` in the JSON
/// template becomes the value at its path, strings with their quotation marks.
fn transformed(target: &Value, event: &Json) -> Json {
    let transformer = &target["InputTransformer"];
    let paths = transformer["InputPathsMap"].as_mapping().unwrap();
    let mut output = transformer["InputTemplate"].as_str().unwrap().to_owned();
    assert_eq!(output.matches('<').count(), paths.len(), "{output}");
    for (name, path) in paths {
        let (name, path) = (name.as_str().unwrap(), path.as_str().unwrap());
        let value = event.pointer(&path.strip_prefix('$').unwrap().replace('.', "/"));
        let value = value.unwrap_or_else(|| panic!("nothing is at {path} of {event}"));
        output = output.replacen(&format!("<{name}>"), &value.to_string(), 1);
    }
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[tokio::test]
async fn documented_rules_record_each_invoice_once_with_its_amount() {
    for (theirs, ours) in names() {
        let rule = sample()
            .replace("invoice.finalized", &theirs)
            .replace("billing.invoice_issued", &ours);
        let (rule, amount) = match theirs.as_str() {
            "invoice.paid" => (rule.replace("amount_due", "amount_paid"), "40.00 USD"),
            _ => (rule, "49.00 USD"),
        };
        let resources: Value = serde_norway::from_str(&rule).unwrap();
        let rule = &resources["StripeInvoiceFinalized"]["Properties"];
        let target = &rule["Targets"][0];
        let may_call = &resources["StripeInvoiceFinalizedMayCall"]["Properties"];
        assert_eq!(may_call["FunctionName"], target["Arn"]);

        let fixture = Fixture::new().await;
        let event = event(&theirs, fixture.organization_id());
        let pattern = serde_json::to_string(&rule["EventPattern"]).unwrap();
        let pattern = local::Pattern::parse(&pattern).unwrap();
        assert!(pattern.matches(Some(&event)), "{theirs}");
        let event = transformed(target, &event);
        assert_eq!(event["detail-type"], ours.as_str());

        let operation = functions::operation("record-billing-event").unwrap();
        for recorded in [true, false] {
            let app = fixture.world.stack.app();
            let answer = functions::invoke(app, operation, event.clone(), Default::default());
            assert_eq!(answer.await.unwrap(), json!({ "recorded": recorded }));
        }
        let kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
        assert_eq!(kinds.iter().filter(|kind| **kind == ours).count(), 1);
        fixture.world.drain().await;
        let email = fixture.world.stack.emails().pop().unwrap();
        assert_eq!(email.to, ["ada@example.com"], "{theirs}");
        assert!(email.subject.contains("INV-0042"), "{}", email.subject);
        assert!(email.text.contains(amount), "{theirs}: {}", email.text);
    }
}

#[tokio::test]
async fn own_rules_ignore_the_providers_events() {
    let fixture = Fixture::new().await;
    let rules = &fixture.world.stack.template().rules;
    assert!(!rules.is_empty());
    for (theirs, _) in names() {
        let event = event(&theirs, fixture.organization_id());
        for rule in rules {
            assert!(!rule.pattern.matches(Some(&event)), "{}", rule.name);
        }
    }
}
