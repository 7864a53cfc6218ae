//! Deployments in which only the product's backend changes plans.

use local::PutEvent;
use serde_json::{Value, json};

use crate::{
    harness::{Fixture, World, audit_kinds},
    invariants,
};

const PLANS_PAGE: &str = "https://shop.example.com/plans";

async fn fixture() -> Fixture {
    Fixture::in_world(World::start_with_plans_by_server(PLANS_PAGE).await).await
}

/// Puts an event about a plan on the bus. Returns whether the function failed.
async fn set_plan(fixture: &Fixture, changes: Value) -> bool {
    let mut detail = json!({"organization_id": fixture.organization_id(), "plan": "pro"});
    for (field, value) in changes.as_object().unwrap() {
        detail[field] = value.clone();
    }
    let published = fixture
        .world
        .stack
        .put_event(PutEvent {
            id: None,
            source: "shop".to_owned(),
            detail_type: "billing.plan_changed".to_owned(),
            detail: detail.as_object().unwrap().clone(),
            resources: Vec::new(),
        })
        .await;
    assert_eq!(published.called.len(), 1, "{published:?}");
    crate::billing_emails::failed(&published)
}

#[tokio::test]
async fn customer_token_never_raises_credits() {
    let fixture = fixture().await;
    let people = [
        &fixture.creator,
        &fixture.owner,
        &fixture.admin,
        &fixture.user,
    ];
    for (n, person) in people.into_iter().enumerate() {
        for plan in ["basic", "pro", "scale", "free"] {
            for when in ["now", "period_end"] {
                let input = json!({"plan": plan, "when": when});
                let refused = person.patch(&fixture.billing(), input).await;
                let expected = match n {
                    3 => "403 owner_or_admin_required",
                    _ => "403 plan_change_not_allowed",
                };
                let detail = refused.refused(expected);
                assert_eq!(detail.contains(PLANS_PAGE), n != 3, "{detail}");
            }
        }
        // Details beside a plan do not get through either.
        let input = json!({"plan": "pro", "company_name": "Acme"});
        let refused = person.patch(&fixture.billing(), input).await;
        assert_eq!(refused.status, 403);
    }
    // The details alone stay the customer's.
    let input = json!({"company_name": "Acme"});
    fixture
        .admin
        .patch(&fixture.billing(), input)
        .await
        .expect("200");
    let billing = fixture.admin.get(&fixture.billing()).await.expect("200");
    assert_eq!(billing["plan"]["id"], "free");
    assert_eq!(billing["may"]["manage"]["allowed"], true);
    assert_eq!(billing["may"]["change_plan"]["allowed"], false);
    let settings = format!("{}/settings", fixture.organization);
    let settings = fixture.admin.get(&settings).await.expect("200");
    assert_eq!(settings["may"]["change_plan"]["allowed"], false);
    assert_eq!(settings["usage"]["allowed"], 50);
}

#[tokio::test]
async fn plan_event_sets_the_plan_once() {
    let fixture = fixture().await;
    crate::usage::render(&fixture.api_client, "first", 45)
        .await
        .expect("200");
    assert!(!set_plan(&fixture, json!({})).await);
    let billing = fixture.admin.get(&fixture.billing()).await.expect("200");
    assert_eq!(billing["plan"]["id"], "pro");
    let used = crate::usage::render(&fixture.api_client, "second", 100).await;
    let used = used.expect("200");
    assert_eq!(
        (&used["allowed"], &used["used"]),
        (&json!(10_000), &json!(145))
    );
    invariants::hold(&fixture.world).await;

    assert!(!set_plan(&fixture, json!({"plan": "basic", "when": "period_end"})).await);
    let billing = fixture.admin.get(&fixture.billing()).await.expect("200");
    assert_eq!(billing["plan"]["id"], "pro");
    assert_eq!(billing["next_plan"]["id"], "basic");
    let kinds = audit_kinds(&fixture.creator, &fixture.organization).await;
    let of_plan = kinds
        .iter()
        .filter(|kind| kind.starts_with("billing.plan_"));
    let expected = ["billing.plan_changed", "billing.plan_change_scheduled"];
    assert_eq!(of_plan.collect::<Vec<_>>(), expected);
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn invalid_plan_event_changes_nothing() {
    let fixture = fixture().await;
    for changes in [
        json!({"plan": "gold"}),
        json!({"plan": null}),
        json!({"when": "later"}),
        json!({"organization_id": "01930000-0000-7000-8000-000000000001"}),
        json!({"organization_id": fixture.organization_id().to_uppercase() + "x"}),
    ] {
        assert!(set_plan(&fixture, changes.clone()).await, "{changes}");
    }
    let billing = fixture.admin.get(&fixture.billing()).await.expect("200");
    assert_eq!(billing["plan"]["id"], "free");
}
