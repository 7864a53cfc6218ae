//! Plans, billing periods and billing details.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Fixture, Session, audit_kinds};

impl Fixture {
    pub fn billing(&self) -> String {
        format!("{}/billing", self.organization)
    }

    pub async fn change_plan(&self, plan: &str, when: &str) -> Value {
        let input = json!({"plan": plan, "when": when});
        self.admin.patch(&self.billing(), input).await.expect("200")
    }
}

async fn billing_kinds(fixture: &Fixture) -> Vec<String> {
    let mut kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
    kinds.retain(|kind| kind.starts_with("billing."));
    kinds
}

#[tokio::test]
async fn new_organization_has_the_first_plan_and_a_period() {
    let fixture = Fixture::new().await;
    let seen = fixture.user.get(&fixture.billing()).await.expect("200");
    assert_eq!(
        seen,
        json!({
            "plan": {"id": "free", "name": "Free", "monthly_credits": 50, "price": null},
            "period": {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"},
            "next_plan": null,
            "plans": [
                {"id": "free", "name": "Free", "monthly_credits": 50, "price": null},
                {"id": "basic", "name": "Basic", "monthly_credits": 3000, "price": null},
                {"id": "pro", "name": "Pro", "monthly_credits": 10000, "price": null},
                {"id": "scale", "name": "Scale", "monthly_credits": 100_000, "price": null},
            ],
            "details": null,
            "version": "0",
            "may": {
                "manage": {
                    "allowed": false, "reason": "only an owner or an admin can manage billing",
                },
                "change_plan": {
                    "allowed": false, "reason": "only an owner or an admin can manage billing",
                },
            },
        })
    );
    let seen = fixture.admin.get(&fixture.billing()).await.expect("200");
    assert_eq!(
        seen["details"],
        json!({"company_name": null, "tax_id": null, "invoice_address": null})
    );
    assert_eq!(seen["may"]["manage"], json!({"allowed": true}));
}

#[tokio::test]
async fn billing_details_are_hidden_from_users_and_the_log() {
    let fixture = Fixture::new().await;
    let input = json!({
        "company_name": " Acme Ltd ", "tax_id": "DE123456789",
        "invoice_address": "1 Main Street\r\nTown",
    });
    let seen = fixture.admin.patch(&fixture.billing(), input.clone()).await;
    let details = json!({
        "company_name": "Acme Ltd", "tax_id": "DE123456789", "invoice_address": "1 Main Street\nTown",
    });
    assert_eq!(seen.expect("200")["details"], details);
    assert_eq!(
        fixture.owner.get(&fixture.billing()).await.expect("200")["details"],
        details
    );
    assert_eq!(
        fixture.user.get(&fixture.billing()).await.expect("200")["details"],
        Value::Null
    );
    // The same values again change nothing, and no event is recorded.
    fixture
        .admin
        .patch(&fixture.billing(), input)
        .await
        .expect("200");
    let input = json!({"tax_id": null, "invoice_address": ""});
    let seen = fixture
        .owner
        .patch(&fixture.billing(), input)
        .await
        .expect("200");
    assert_eq!(
        seen["details"],
        json!({"company_name": "Acme Ltd", "tax_id": null, "invoice_address": null})
    );
    assert_eq!(
        billing_kinds(&fixture).await,
        ["billing.details_updated", "billing.details_updated"]
    );
    let log = fixture
        .creator
        .get(&format!("{}/audit-events", fixture.organization))
        .await
        .expect("200");
    assert!(!log.to_string().contains("DE123"), "{log}");
    assert!(!log.to_string().contains("Main Street"), "{log}");
}

#[tokio::test]
async fn invalid_billing_update_names_the_field() {
    let fixture = Fixture::new().await;
    for (input, detail) in [
        (
            json!({"plan": "gold"}),
            "`plan` must be one of free, basic, pro, scale",
        ),
        (
            json!({"plan": "No plan"}),
            "`plan` must be 1 to 32 lower-case letters, digits, hyphens or underscores",
        ),
        (json!({"plan": null}), "`plan` must be a string"),
        (json!({"when": "now"}), "`when` requires a `plan`"),
        (
            json!({"plan": "basic", "when": "later"}),
            "`when` must be `now` or `period_end`",
        ),
        (
            json!({"company_name": "x".repeat(201)}),
            "`company_name` must be at most 200 characters",
        ),
        (
            json!({"company_name": "a\nb"}),
            "`company_name` must not contain line breaks or other control characters",
        ),
        (
            json!({"tax_id": "x".repeat(51)}),
            "`tax_id` must be at most 50 characters",
        ),
        (json!({"tax_id": 7}), "`tax_id` must be a string"),
        (
            json!({"invoice_address": "\n".repeat(9) + &"a\n".repeat(11)}),
            "`invoice_address` must be at most 10 lines",
        ),
        (
            json!({"monthly_credits": 7}),
            "`monthly_credits` is not a field of this request",
        ),
    ] {
        let reply = fixture.admin.patch(&fixture.billing(), input.clone()).await;
        assert_eq!(reply.refused("400 invalid_request"), detail, "{input}");
    }
    assert!(billing_kinds(&fixture).await.is_empty());
}

#[tokio::test]
async fn plan_change_takes_effect_now_or_at_period_end() {
    let fixture = Fixture::new().await;
    let seen = fixture.change_plan("basic", "now").await;
    assert_eq!(seen["plan"]["id"], "basic");
    assert_eq!(seen["period"]["start"], "2026-03-01T00:00:00Z");
    let seen = fixture.change_plan("pro", "period_end").await;
    assert_eq!(seen["plan"]["id"], "basic");
    assert_eq!(
        seen["next_plan"],
        json!({"id": "pro", "name": "Pro", "monthly_credits": 10000, "price": null, "from": "2026-04-01T00:00:00Z"})
    );
    // The change is repeated, and then cancelled.
    fixture.change_plan("pro", "period_end").await;
    let seen = fixture.change_plan("basic", "period_end").await;
    assert!(seen["next_plan"].is_null());
    fixture.change_plan("free", "period_end").await;
    assert_eq!(
        billing_kinds(&fixture).await,
        [
            "billing.plan_changed",
            "billing.plan_change_scheduled",
            "billing.plan_change_cancelled",
            "billing.plan_change_scheduled",
        ]
    );

    let end: DateTime<Utc> = "2026-04-01T00:00:00Z".parse().unwrap();
    let left = end - fixture.world.clock.now();
    fixture
        .world
        .clock
        .advance(left - TimeDelta::milliseconds(1));
    let user = fixture.world.sign_in("ulla@example.com");
    let seen = user.get(&fixture.billing()).await.expect("200");
    assert_eq!(
        (&seen["plan"]["id"], &seen["next_plan"]["id"]),
        (&json!("basic"), &json!("free"))
    );
    fixture.world.clock.advance(TimeDelta::milliseconds(1));
    let seen = user.get(&fixture.billing()).await.expect("200");
    assert_eq!(seen["plan"]["id"], "free");
    assert!(seen["next_plan"].is_null());
    assert_eq!(
        seen["period"],
        json!({"start": "2026-04-01T00:00:00Z", "end": "2026-05-01T00:00:00Z"})
    );
}

#[tokio::test]
async fn due_plan_change_without_usage_is_recorded_once() {
    let fixture = Fixture::new().await;
    fixture.change_plan("basic", "period_end").await;
    let run = async || fixture.world.stack.run_schedule("apply-plan-changes").await;
    run().await;
    assert_eq!(
        billing_kinds(&fixture).await,
        ["billing.plan_change_scheduled"]
    );
    fixture.world.clock.advance(TimeDelta::days(31));
    tokio::join!(run(), run());
    run().await;
    let admin = fixture.world.sign_in("anna@example.com");
    let path = format!("{}/audit-events?limit=1", fixture.organization);
    let log = admin.get(&path).await.expect("200");
    let event = &log["items"][0];
    assert_eq!(event["kind"], "billing.plan_changed");
    assert_eq!(event["actor"], json!({"kind": "system"}));
    assert_eq!(
        event["changes"],
        json!([
            {"field": "plan", "from": "free", "to": "basic"},
            {"field": "monthly_credits", "from": "50", "to": "3000"},
        ])
    );
    let kinds = audit_kinds(&admin, &fixture.organization).await;
    let changed = kinds.iter().filter(|kind| *kind == "billing.plan_changed");
    assert_eq!(changed.count(), 1);
}

#[tokio::test]
async fn settings_include_plan_and_usage() {
    let fixture = Fixture::new().await;
    fixture.change_plan("basic", "period_end").await;
    let path = format!("{}/settings", fixture.organization);
    let seen = fixture.user.get(&path).await.expect("200");
    assert_eq!(
        seen["billing"],
        json!({
            "plan": {"id": "free", "name": "Free", "monthly_credits": 50, "price": null},
            "period": {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"},
            "next_plan": {
                "id": "basic", "name": "Basic", "monthly_credits": 3000, "price": null,
                "from": "2026-04-01T00:00:00Z",
            },
        })
    );
    let usage = &seen["usage"];
    assert_eq!(
        (&usage["used"], &usage["allowed"], &usage["remaining"]),
        (&json!(0), &json!(50), &json!(50))
    );
    let days = usage["days"].as_array().unwrap();
    assert_eq!(days.len(), 60);
    assert_eq!(days[0], json!({"date": "2026-01-01", "credits": 0}));
    assert_eq!(days[59]["date"], "2026-03-01");
}

#[tokio::test]
async fn usage_has_an_entry_for_every_hour_day_and_month() {
    let fixture = Fixture::new().await;
    let seen = fixture
        .user
        .get(&format!("{}/usage", fixture.organization))
        .await
        .expect("200");
    let count = |unit: &str| seen["data"][unit].as_object().unwrap().len();
    assert_eq!((count("hour"), count("day"), count("month")), (72, 60, 12));
    assert_eq!(seen["data"]["hour"]["2026-03-01T12:00:00Z"], 0);
    assert_eq!(seen["data"]["day"]["2026-01-01T00:00:00Z"], 0);
    assert_eq!(seen["data"]["month"]["2025-04-01T00:00:00Z"], 0);
    assert_eq!(
        seen["per_billing_period"],
        json!([{
            "total_images": 0,
            "start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z",
        }])
    );
}

#[tokio::test]
async fn billing_of_another_organization_is_not_found() {
    let fixture = Fixture::new().await;
    let strangers: [&Session; 3] = [&fixture.outsider, &fixture.stranger, &fixture.dana];
    for caller in strangers {
        for path in ["billing", "usage", "settings"] {
            let path = format!("{}/{path}", fixture.organization);
            caller
                .get(&path)
                .await
                .refused("404 organization_not_found");
        }
        caller
            .patch(&fixture.billing(), json!({"plan": "basic"}))
            .await
            .refused("404 organization_not_found");
    }
}
