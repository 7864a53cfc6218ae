//! Events put on the local event bus over HTTP.

use serde_json::json;

use crate::harness::{Fixture, World, audit_kinds};

#[tokio::test]
async fn invalid_event_is_refused_and_names_the_field() {
    let world = World::start().await;
    let client = world.nobody();
    for (event, detail) in [
        (
            json!({"source": "shop", "detail-type": "sold"}),
            "missing field `detail`",
        ),
        (
            json!({"source": "shop", "detail-type": 1, "detail": {}}),
            "detail-type: invalid type: integer `1`, expected a string",
        ),
        (
            json!({"source": "shop", "detail-type": "sold", "detail": {}, "bus": "b"}),
            "unknown field `bus`",
        ),
    ] {
        let reply = client.post("/local/events", event).await;
        let message = reply.expect("422")["message"].clone();
        assert!(message.as_str().unwrap().contains(detail), "{message}");
    }
}

#[tokio::test]
async fn unmatched_event_calls_no_function() {
    let world = World::start().await;
    let event = json!({"source": "weather", "detail-type": "rain", "detail": {"mm": 3}});
    let answer = world.nobody().post("/local/events", event).await;
    assert_eq!(answer.expect("200")["called"], json!([]));
}

#[tokio::test]
async fn billing_event_for_another_stack_calls_no_function() {
    let fixture = Fixture::new().await;
    for (stack, calls) in [(json!("other"), 0), (json!("local"), 1)] {
        let event = json!({
            "source": "shop",
            "detail-type": "billing.plan_changed",
            "detail": {
                "organization_id": fixture.organization_id(),
                "plan": "basic",
                "stack": stack,
            },
        });
        let event = serde_json::from_value(event).unwrap();
        let published = fixture.world.stack.put_event(event).await;
        assert_eq!(published.called.len(), calls, "{stack}");
    }
}

#[tokio::test]
async fn event_with_an_id_is_recognized_when_it_is_repeated() {
    let fixture = Fixture::new().await;
    let event = json!({
        "id": "evt-42", "source": "shop", "detail-type": "billing.payment_failed",
        "detail": {
            "organization_id": fixture.organization_id(), "invoice_number": "INV-42",
            "amount": 4900, "currency": "usd",
        },
    });
    for _ in 0..2 {
        let put = fixture
            .world
            .nobody()
            .post("/local/events", event.clone())
            .await;
        assert_eq!(put.expect("200")["id"], "evt-42");
    }
    let kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
    let failed = kinds
        .iter()
        .filter(|kind| *kind == "billing.payment_failed");
    assert_eq!(failed.count(), 1);
}
