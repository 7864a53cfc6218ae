//! The rate at which invites are created over the whole local path: from an event
//! through the operation to the embedded database, and back to the response.
//!
//! `benches/peer.py` alternates it with a peer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use functions::Clock;
use local::{Options, SignIn, Stack};
use serde_json::{Value, json};

/// The limit of outstanding invites per organization.
const PER_ORGANIZATION: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let wanted: usize = std::env::args().nth(1).map_or(2000, |n| n.parse().unwrap());
    // The first invites warm up and are not counted.
    on_a_new_stack().await;
    let mut times = Vec::new();
    while times.len() < wanted {
        times.extend(on_a_new_stack().await);
    }
    let total: Duration = times.iter().sum();
    times.sort();
    let rate = times.len() as f64 / total.as_secs_f64();
    let report = json!({
        "rate": rate,
        "p50_us": times[times.len() / 2].as_micros(),
        "p99_us": times[times.len() * 99 / 100].as_micros(),
    });
    println!("{report}");
}

/// Creates invites on a new stack and returns the time that each took. The embedded
/// database scans its whole stream at every write; on an old stack, that would
/// dominate the measurement.
async fn on_a_new_stack() -> Vec<Duration> {
    let stack = Stack::start(Options::for_tests(Clock::system()))
        .await
        .unwrap();
    let times = create(&stack, PER_ORGANIZATION).await;
    stack.stop().await;
    times
}

/// Creates invites in a new organization and returns the time that each took.
async fn create(stack: &Stack, count: usize) -> Vec<Duration> {
    let ada = stack.sign_in(&SignIn::with_email("ada@example.com"));
    let claims = stack.issuer().verify(&ada, &["local".to_owned()]).unwrap();
    let created = run(
        stack,
        &claims,
        "create-organization",
        None,
        json!({"name": "Acme"}),
    )
    .await;
    let id = created["id"].as_str().unwrap().to_owned();
    let mut times = Vec::with_capacity(count);
    for n in 0..count {
        let input = json!({"email": format!("guest{n}@example.com"), "role": "user"});
        let began = Instant::now();
        run(stack, &claims, "create-invite", Some(&id), input).await;
        times.push(began.elapsed());
    }
    times
}

async fn run(
    stack: &Stack,
    claims: &serde_json::Map<String, Value>,
    operation: &str,
    organization_id: Option<&str>,
    input: Value,
) -> Value {
    let (route, path) = match organization_id {
        None => ("/v1/organizations", "/v1/organizations".to_owned()),
        Some(id) => (
            "/v1/organizations/{organization_id}/invites",
            format!("/v1/organizations/{id}/invites"),
        ),
    };
    let event = json!({
        "version": "2.0",
        "routeKey": format!("POST {route}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": { "content-type": "application/json", "host": "api.example.com" },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "authorizer": { "jwt": { "claims": claims, "scopes": null } },
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "bench",
            },
            "requestId": "bench",
            "routeKey": format!("POST {route}"),
            "stage": "$default",
            "time": "06/Nov/2024:05:37:44 +0000",
            "timeEpoch": 1_730_871_464_000_u64,
        },
        "pathParameters": organization_id.map(|id| json!({ "organization_id": id })),
        "body": input.to_string(),
        "isBase64Encoded": false,
    });
    let operation = functions::operation(operation).unwrap();
    let answer = functions::invoke(stack.app(), operation, event, Default::default())
        .await
        .unwrap();
    assert_eq!(answer["statusCode"], 201, "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}
