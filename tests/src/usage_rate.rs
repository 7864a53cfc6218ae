//! The rate at which the local stack records usage for one organization:
//!
//! ```bash
//! cargo test --release -p system-tests usage_rate -- --ignored --nocapture
//! ```
//!
//! The measurement includes HTTP, the local gateway with its authorizer, the operation,
//! the AWS SDK and the embedded database, all on one machine.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;

use crate::harness::Fixture;

const REQUESTS: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: it prints a rate and asserts none"]
async fn usage_rate() {
    for (plan, counters) in [("basic", 1), ("scale", 16)] {
        for clients in [1, 16] {
            let fixture = Fixture::new().await;
            fixture.change_plan(plan, "now").await;
            let api_client = fixture.world.api_client(&fixture.key);
            fixture.world.wire.take();
            let begun = Instant::now();
            let mut tasks = Vec::new();
            for client in 0..clients {
                let api_client = api_client.clone();
                tasks.push(tokio::spawn(async move {
                    for n in 0..REQUESTS / clients {
                        let key = format!("{client}-{n}");
                        let body = Some(json!({"credits": 1}).to_string());
                        let headers = [("idempotency-key", key.as_str())];
                        while api_client
                            .send_with(Method::POST, "/v1/usage", body.clone(), &headers)
                            .await
                            .status
                            == 503
                        {}
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            let seconds = begun.elapsed().as_secs_f64();
            let exchanges = fixture.world.wire.take();
            let commits = exchanges
                .iter()
                .filter(|exchange| exchange.action == "TransactWriteItems");
            let (commits, done) = (commits.count(), REQUESTS / clients * clients);
            let units: f64 = exchanges.iter().map(|exchange| exchange.capacity).sum();
            let rate = done as f64 / seconds;
            println!(
                "{counters:>2} counters, {clients:>2} clients: {rate:.0} uses a second, \
                 {:.2} commits and {:.1} capacity units each",
                commits as f64 / done as f64,
                units / done as f64,
            );
        }
    }
}
