//! What an operation costs: sequential round trips and capacity units, as
//! `docs/data-model.md` lists them.

use std::{collections::BTreeMap, fmt::Write, fs};

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    access::{self, Access},
    api_keys,
    completeness::repository,
    harness::Fixture,
    wire::Exchange,
};

/// Round trips one after the other, and capacity units.
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
            // The sum of nothing is -0.0.
            units: exchanges
                .iter()
                .map(|exchange| exchange.capacity)
                .sum::<f64>()
                + 0.0,
        }
    }
}

pub async fn cost_of(access: &Access, cast: &Fixture) -> Cost {
    access.prepare(cast).await;
    cast.world.wire.take();
    let reply = access.ask_rightfully(cast).await;
    assert!(
        (200..300).contains(&reply.status),
        "{}: {}",
        access.operation,
        reply.body
    );
    Cost::of(&cast.world.wire.take())
}

async fn cost_of_expiry() -> Cost {
    let cast = Fixture::new().await;
    cast.creator
        .invite(&cast.organization, "mail@example.com", "user")
        .await;
    cast.world.clock.advance(TimeDelta::days(14));
    // One of two: what a run costs grows with what it has to do.
    let path = format!("{}/invites/{}", cast.organization, cast.invite_id);
    let admin = cast.world.sign_in("anna@example.com");
    admin.delete(&path).await.expect("410 invite_expired");
    cast.world.wire.take();
    cast.world.stack.run_schedule("expire-invites").await;
    Cost::of(&cast.world.wire.take())
}

async fn measured() -> BTreeMap<String, Cost> {
    let mut costs = BTreeMap::new();
    for access in access::ACCESS {
        let cast = Fixture::new().await;
        if access.operation == "record-usage" {
            // Not the first use of all, which deals out the credits.
            crate::usage::render(&cast.machine, "first", 1)
                .await
                .expect("200");
        }
        costs.insert(access.operation.to_owned(), cost_of(access, &cast).await);
    }
    let cast = Fixture::new().await;
    // The second use in an hour: the first one notes it, which takes one more of each.
    for rounds in [2, 1] {
        api_keys::authorize(&cast.world, &cast.key).await.unwrap();
        let cost = Cost::of(&cast.world.wire.take());
        assert_eq!(cost.rounds, rounds);
        costs.insert("authorize-api-key".to_owned(), cost);
    }
    cast.creator
        .invite(&cast.organization, "mail@example.com", "user")
        .await;
    cast.world.wire.take();
    cast.world.drain().await;
    costs.insert(
        "deliver-email".to_owned(),
        Cost::of(&cast.world.wire.take()),
    );
    cast.creator
        .invite(&cast.organization, "bounce@simulator.amazonses.com", "user")
        .await;
    cast.world.drain().await;
    cast.world.wire.take();
    cast.world.stack.deliver_events().await;
    costs.insert(
        "record-email-delivery".to_owned(),
        Cost::of(&cast.world.wire.take()),
    );
    // Its shards are read side by side. On a busy machine one of them may be so
    // late that it looks like a round of its own: the fewest rounds are its cost.
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(cost_of_expiry().await);
    }
    let least = runs.into_iter().min_by_key(|cost| cost.rounds).unwrap();
    costs.insert("expire-invites".to_owned(), least);

    let cast = Fixture::new().await;
    cast.change_plan("basic", "period_end").await;
    cast.world.clock.advance(TimeDelta::days(31));
    cast.world.wire.take();
    cast.world.stack.run_schedule("apply-plan-changes").await;
    costs.insert(
        "apply-plan-changes".to_owned(),
        Cost::of(&cast.world.wire.take()),
    );
    cast.payment_event("billing.invoice_issued", json!({}))
        .await;
    costs.insert(
        "record-billing-event".to_owned(),
        Cost::of(&cast.world.wire.take()),
    );
    costs
}

/// The page with the last two cells of every operation's row as measured.
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
    for (written, measured) in page.lines().zip(filled.lines()) {
        assert_eq!(
            written, measured,
            "docs/data-model.md is out of date: UPDATE_DOCS=1 fills in what was measured"
        );
    }
}

/// Reads take one round trip and mutations two, but for those that first have
/// to find out which organization they are about.
#[tokio::test]
async fn reads_take_one_round_trip_and_mutations_two() {
    for (name, cost) in measured().await {
        let allowed = match name.as_str() {
            "deliver-email" | "expire-invites" | "record-email-delivery" | "apply-plan-changes" => {
                continue;
            }
            "list-organizations" | "list-my-invites" | "get-account" => 2,
            "accept-invite" | "decline-invite" => 3,
            // There is nothing to load: the organization is new.
            "create-organization" => 1,
            name if name.starts_with("get-") || name.starts_with("list-") => 1,
            "preview-invite" | "authorize-api-key" => 1,
            "pages" => 0,
            _ => 2,
        };
        assert_eq!(cost.rounds, allowed, "{name}");
    }
}

/// Adds members past the functions, as many as it takes, to a table whose stream
/// nobody follows from then on.
pub async fn crowd(cast: &Fixture, size: usize) -> Vec<String> {
    // The embedded database counts through all of the stream's records for each
    // one that it adds.
    cast.world
        .dynamodb(
            "UpdateTable",
            json!({"StreamSpecification": {"StreamEnabled": false}}),
        )
        .await;
    seed(cast, size).await
}

/// Adds members past the functions.
pub async fn seed(cast: &Fixture, size: usize) -> Vec<String> {
    let items = cast.world.items().await;
    let template = items
        .iter()
        .find(|item| item["sk"]["S"] == json!(format!("MEMBER#{}", cast.user.user_id)))
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
        cast.world
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
            let cast = Fixture::new().await;
            // Both have names of the same length, so that their items weigh the same.
            crowd(&cast, size).await;
            costs.push(cost_of(access::access(operation), &cast).await);
        }
        assert_eq!(costs[0], costs[1], "{operation}");
    }
}
