//! The cost of each operation: sequential round trips and capacity units, as listed
//! in `docs/data-model.md`.

use std::{collections::BTreeMap, fmt::Write, fs};

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    access::{self, Access},
    api_keys,
    completeness::repository,
    harness::Fixture,
    server, webhook,
    wire::Exchange,
};

/// Sequential round trips and capacity units.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    pub rounds: usize,
    pub units: f64,
}

impl Cost {
    pub fn of(exchanges: &[Exchange]) -> Self {
        Self {
            rounds: exchanges
                .iter()
                .map(|exchange| exchange.round)
                .max()
                .unwrap_or_default(),
            // An empty sum is -0.0.
            units: exchanges
                .iter()
                .map(|exchange| exchange.capacity)
                .sum::<f64>()
                + 0.0,
        }
    }
}

pub async fn cost_of(access: &Access, fixture: &Fixture) -> Cost {
    access.prepare(fixture).await;
    fixture.world.wire.take();
    let reply = access.send_as_permitted(fixture).await;
    assert!(
        (200..300).contains(&reply.status),
        "{}: {}",
        access.operation,
        reply.body
    );
    Cost::of(&fixture.world.wire.take())
}

async fn cost_of_expiry() -> Cost {
    let fixture = Fixture::new().await;
    fixture
        .creator
        .invite(&fixture.organization, "mail@example.com", "user")
        .await;
    fixture.world.clock.advance(TimeDelta::days(14));
    // The run ends two invites; its cost grows with their number.
    let path = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    let admin = fixture.world.sign_in("anna@example.com");
    admin.delete(&path).await.expect("410 invite_expired");
    fixture.world.wire.take();
    fixture.world.stack.run_schedule("expire-invites").await;
    Cost::of(&fixture.world.wire.take())
}

async fn measured() -> BTreeMap<String, Cost> {
    let mut costs = BTreeMap::new();
    for access in access::ACCESS {
        let fixture = access.fixture().await;
        if access.operation == "record-usage" {
            // The first use also allocates the credits, so it is not measured.
            crate::usage::render(&fixture.api_client, "first", 1)
                .await
                .expect("200");
        }
        costs.insert(access.operation.to_owned(), cost_of(access, &fixture).await);
    }
    let fixture = Fixture::new().await;
    // The second use in an hour is measured: the first also writes the hour.
    for rounds in [2, 1] {
        api_keys::authorize(&fixture.world, &fixture.key)
            .await
            .unwrap();
        let cost = Cost::of(&fixture.world.wire.take());
        assert_eq!(cost.rounds, rounds);
        costs.insert("authorize-api-key".to_owned(), cost);
    }
    fixture.world.wire.take();
    webhook::describe(&fixture.world).await;
    costs.insert(
        "describe-events".to_owned(),
        Cost::of(&fixture.world.wire.take()),
    );
    server::authorize(&fixture.world, &fixture.world.server())
        .await
        .unwrap();
    costs.insert(
        "authorize-server".to_owned(),
        Cost::of(&fixture.world.wire.take()),
    );
    fixture
        .creator
        .invite(&fixture.organization, "mail@example.com", "user")
        .await;
    fixture.world.wire.take();
    fixture.world.drain().await;
    costs.insert(
        "deliver-email".to_owned(),
        Cost::of(&fixture.world.wire.take()),
    );
    fixture
        .creator
        .invite(
            &fixture.organization,
            "bounce@simulator.amazonses.com",
            "user",
        )
        .await;
    fixture.world.drain().await;
    fixture.world.wire.take();
    fixture.world.stack.deliver_events().await;
    costs.insert(
        "record-email-delivery".to_owned(),
        Cost::of(&fixture.world.wire.take()),
    );
    // The shards are read concurrently. On a busy machine a late read looks like a
    // round trip of its own, so the run with the fewest counts.
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(cost_of_expiry().await);
    }
    let least = runs.into_iter().min_by_key(|cost| cost.rounds).unwrap();
    costs.insert("expire-invites".to_owned(), least);

    let fixture = Fixture::new().await;
    fixture.change_plan("basic", "period_end").await;
    fixture.world.clock.advance(TimeDelta::days(31));
    fixture.world.wire.take();
    fixture.world.stack.run_schedule("apply-plan-changes").await;
    costs.insert(
        "apply-plan-changes".to_owned(),
        Cost::of(&fixture.world.wire.take()),
    );
    let deleted = Fixture::new().await;
    let path = &deleted.organization;
    deleted.owner.delete(path).await.expect("200");
    deleted.world.clock.advance(TimeDelta::days(30));
    deleted.world.wire.take();
    deleted
        .world
        .stack
        .run_schedule("purge-organizations")
        .await;
    costs.insert(
        "purge-organizations".to_owned(),
        Cost::of(&deleted.world.wire.take()),
    );
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    costs.insert(
        "record-billing-event".to_owned(),
        Cost::of(&fixture.world.wire.take()),
    );
    costs
}

/// Returns the page with the measured costs in the last two cells of each operation's row.
fn with_costs(page: &str, costs: &BTreeMap<String, Cost>) -> String {
    let mut filled = String::new();
    let mut seen = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`');
        match costs
            .get(name)
            .filter(|_| line.starts_with("| `") && cells.len() == 6)
        {
            Some(Cost { rounds, units }) => {
                seen.push(name.to_owned());
                writeln!(
                    filled,
                    "| {} | {rounds} | {units} |",
                    cells[..4].join(" | ")
                )
                .unwrap();
            }
            None => writeln!(filled, "{line}").unwrap(),
        }
    }
    for name in costs.keys() {
        assert!(
            seen.contains(name),
            "docs/data-model.md has no row for `{name}`"
        );
    }
    filled
}

#[tokio::test]
async fn measured_costs_match_the_data_model() {
    let path = repository("docs/data-model.md");
    let page = fs::read_to_string(&path).unwrap();
    let filled = with_costs(&page, &measured().await);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &filled).unwrap();
        return;
    }
    assert_eq!(page.lines().count(), filled.lines().count());
    for (written, measured) in page.lines().zip(filled.lines()) {
        assert_eq!(
            written, measured,
            "docs/data-model.md is out of date: UPDATE_DOCS=1 fills in the measured costs"
        );
    }
}

/// Operations that first have to find their organization or recipient take one round trip
/// more.
#[tokio::test]
async fn reads_take_one_round_trip_and_mutations_two() {
    for (name, cost) in measured().await {
        let allowed = match name.as_str() {
            "deliver-email"
            | "expire-invites"
            | "record-email-delivery"
            | "apply-plan-changes"
            | "purge-organizations"
            | "erase-person" => continue,
            "list-organizations" | "find-organizations" | "list-my-invites" | "get-account"
            | "list-audit-events" => 2,
            // Nothing changes.
            "restore-organization"
            | "unsuspend-organization"
            | "change-creator"
            | "lift-invite-pause"
            | "opt-in-to-invites" => 1,
            // The organization, then each person or row in turn.
            "add-members" | "import-api-keys" => 3,
            "create-invites" => 5,
            "describe-events" => 0,
            "accept-invite" | "decline-invite" | "resend-invite" => 3,
            name if name.starts_with("get-") || name.starts_with("list-") => 1,
            "preview-invite" | "authorize-api-key" | "authorize-server" => 1,
            "pages" => 0,
            _ => 2,
        };
        assert_eq!(cost.rounds, allowed, "{name}");
    }
}

/// Disables the table's stream, then adds any number of members with [`seed`].
pub async fn crowd(fixture: &Fixture, size: usize) -> Vec<String> {
    // The embedded database scans the whole stream for each record that it adds.
    fixture
        .world
        .dynamodb(
            "UpdateTable",
            json!({"StreamSpecification": {"StreamEnabled": false}}),
        )
        .await;
    seed(fixture, size).await
}

/// Adds members directly to the table and returns their user ids.
pub async fn seed(fixture: &Fixture, size: usize) -> Vec<String> {
    let items = fixture.world.items().await;
    let template = items
        .iter()
        .find(|item| item["sk"]["S"] == json!(format!("MEMBER#{}", fixture.user.user_id)))
        .unwrap();
    let names: Vec<String> = (0..size).map(|n| format!("crowd-{n:05}")).collect();
    for chunk in names.chunks(25) {
        let puts: Vec<_> = chunk
            .iter()
            .map(|name| {
                let mut item = template.clone();
                item["sk"] = json!({"S": format!("MEMBER#{name}")});
                item["user_id"] = json!({"S": name});
                item["email"] = json!({"S": format!("{name}@example.com")});
                json!({"PutRequest": {"Item": item}})
            })
            .collect();
        fixture
            .world
            .dynamodb(
                "BatchWriteItem",
                json!({"RequestItems": {"organizations": puts}}),
            )
            .await;
    }
    names
}

#[tokio::test]
async fn operation_cost_is_independent_of_organization_size() {
    let operations = [
        "create-invite",
        "update-member",
        "remove-member",
        "accept-invite",
        "get-organization",
    ];
    for operation in operations {
        let mut costs = Vec::new();
        for size in [10, 10_000] {
            let fixture = Fixture::new().await;
            // User ids have the same length in both, so the items have the same size.
            crowd(&fixture, size).await;
            costs.push(cost_of(access::access(operation), &fixture).await);
        }
        assert_eq!(costs[0], costs[1], "{operation}");
    }
}
