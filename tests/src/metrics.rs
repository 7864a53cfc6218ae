//! The metric lines for CloudWatch: their format, their counts, and the absence of
//! secrets.

use std::{collections::BTreeSet, fs};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    access,
    completeness::repository,
    emails::{REJECTED, THROTTLED},
    harness::Fixture,
};

/// Checks a line against CloudWatch's specification of the embedded metric format and
/// returns it parsed.
fn valid(line: &str) -> Value {
    let text = line;
    let line: Value = serde_json::from_str(text).unwrap();
    assert!(!text.contains('\n'));
    assert!(text.len() < 256 * 1024);
    let metadata = &line["_aws"];
    assert!(metadata["Timestamp"].is_u64(), "{text}");
    let directives = metadata["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty(), "{text}");
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap();
        assert!((1..=255).contains(&namespace.len()), "{text}");
        let sets = directive["Dimensions"].as_array().unwrap();
        assert!(!sets.is_empty(), "{text}");
        for name in sets.iter().flat_map(|set| set.as_array().unwrap()) {
            let value = line[name.as_str().unwrap()].as_str();
            let value = value.unwrap_or_else(|| panic!("no member {name}: {text}"));
            assert!((1..=1024).contains(&value.len()), "{text}");
        }
        assert!(sets.iter().all(|set| set.as_array().unwrap().len() <= 30));
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()), "{text}");
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!(line[name].is_number(), "no number {name}: {text}");
            let unit = metric["Unit"].as_str().unwrap();
            assert!(["Count", "Milliseconds"].contains(&unit), "{text}");
        }
    }
    line
}

/// Returns the names of a line's metrics from all its directives.
fn names(line: &Value) -> BTreeSet<String> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    directives
        .iter()
        .flat_map(|directive| directive["Metrics"].as_array().unwrap())
        .map(|metric| metric["Name"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the sum of a metric over the lines since the last call.
fn sum(fixture: &Fixture, name: &str) -> u64 {
    total(&new_lines(fixture), name)
}

/// Returns the lines since the last call, parsed.
fn new_lines(fixture: &Fixture) -> Vec<Value> {
    let lines = fixture.world.take_metrics();
    lines.iter().map(|line| valid(line)).collect()
}

fn total(lines: &[Value], name: &str) -> u64 {
    let lines = lines.iter();
    lines
        .filter(|line| names(line).contains(name))
        .map(|line| line[name].as_u64().unwrap())
        .sum()
}

#[tokio::test]
async fn every_refusal_writes_one_valid_line_without_secrets() {
    for access in access::ACCESS {
        let fixture = access.fixture().await;
        let link = fixture.world.link_token("dana@example.com");
        let permitted = access::session(&fixture, access.permitted);
        for caller in [&permitted, &fixture.stranger, &fixture.outsider] {
            let (method, path, body) = (access.request)(&access::Ids::of(&fixture));
            fixture.world.take_metrics();
            let reply = caller.send(method, &path, body).await;
            let lines = fixture.world.take_metrics();
            for line in &lines {
                valid(line);
                for secret in ["@", &link, fixture.organization_id()] {
                    assert!(!line.contains(secret), "{secret}: {line}");
                }
                let id = caller.user_id.as_str();
                assert!(id.is_empty() || !line.contains(id), "{id}: {line}");
            }
            // On a route for API keys, the authorizer writes a line of its own.
            let ours = lines.iter().map(|line| valid(line));
            let mut ours = ours.filter(|line| line["operation"] == access.operation);
            let Some(line) = ours.next() else {
                if reply.status < 400 {
                    // Most requests count nothing.
                    continue;
                }
                // A person's token is no key: API Gateway does not call the function.
                let takes_a_key = matches!(access.permitted, "key" | "server");
                assert!(takes_a_key, "{}: {lines:?}", access.operation);
                assert!([401, 403].contains(&reply.status), "{}", reply.body);
                continue;
            };
            assert!(ours.next().is_none(), "{lines:?}");
            assert!(!line["request_id"].as_str().unwrap().is_empty());
            if reply.status >= 400 {
                assert_eq!(line["code"], reply.body["code"], "{line}");
                assert_eq!(line["Refusals"], 1);
            } else {
                assert!(line["code"].is_null(), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn code_is_the_only_dimension() {
    let fixture = Fixture::new().await;
    fixture
        .stranger
        .get(&fixture.organization)
        .await
        .expect("404 organization_not_found");
    fixture.world.clock.advance(TimeDelta::days(14));
    fixture.world.stack.run_schedules().await;
    let mut dimensions = BTreeSet::new();
    for line in fixture.world.take_metrics() {
        let line = valid(&line);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for set in directive["Dimensions"].as_array().unwrap() {
                dimensions.insert(set.to_string());
            }
        }
    }
    let all = [r#"["code"]"#, "[]"].map(str::to_owned);
    assert_eq!(dimensions, BTreeSet::from(all));
}

#[tokio::test]
async fn invites_and_their_emails_are_counted() {
    let fixture = Fixture::without_limits().await;
    fixture.world.take_metrics();
    let invite = |email: &'static str| fixture.admin.invite(&fixture.organization, email, "user");
    invite("one@example.com").await;
    invite("bounce@simulator.amazonses.com").await;
    invite("complaint@simulator.amazonses.com").await;
    assert_eq!(sum(&fixture, "InvitesCreated"), 3);
    fixture.world.drain().await;
    assert_eq!(sum(&fixture, "EmailsSent"), 3);
    let lines = {
        fixture.world.stack.deliver_events().await;
        fixture.world.take_metrics()
    };
    let counted: Vec<BTreeSet<String>> = lines.iter().map(|line| names(&valid(line))).collect();
    assert_eq!(counted.len(), 2, "{lines:?}");
    for name in ["EmailsBounced", "EmailsComplained"] {
        assert!(
            counted.iter().any(|names| names.contains(name)),
            "{lines:?}"
        );
    }
    fixture.world.stack.mail_catcher().fail_next(1, REJECTED);
    invite("two@example.com").await;
    fixture.world.drain().await;
    assert_eq!(sum(&fixture, "EmailsFailed"), 1);
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
    // A repeated request is not a second acceptance.
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
    assert_eq!(sum(&fixture, "InvitesAccepted"), 1);
}

#[tokio::test]
async fn billing_emails_are_counted_per_recipient() {
    let fixture = Fixture::new().await;
    for member in [&fixture.owner, &fixture.user] {
        fixture.set_billing_emails(&member.user_id, true).await;
    }
    fixture.world.drain().await;
    fixture
        .payment_event("billing.invoice_issued", json!({}))
        .await;
    fixture.world.stack.mail_catcher().fail_next(1, REJECTED);
    fixture.world.take_metrics();
    fixture.world.drain().await;
    let lines = new_lines(&fixture);
    assert_eq!(total(&lines, "EmailsSent"), 2, "{lines:?}");
    assert_eq!(total(&lines, "EmailsFailed"), 1, "{lines:?}");

    // An email that will be retried counts neither as sent nor as failed.
    fixture
        .payment_event("billing.payment_failed", json!({}))
        .await;
    fixture.world.stack.mail_catcher().fail_next(1, THROTTLED);
    fixture.world.stack.drain_stream().await.unwrap();
    assert_eq!(sum(&fixture, "EmailsSent"), 2);
    fixture.world.drain().await;
    let lines = new_lines(&fixture);
    assert_eq!(total(&lines, "EmailsSent"), 1, "{lines:?}");
    assert_eq!(total(&lines, "EmailsFailed"), 0, "{lines:?}");
}

#[tokio::test]
async fn expired_invites_are_counted_for_requests_and_schedules() {
    let fixture = Fixture::new().await;
    for n in 0..5 {
        let address = format!("guest{n}@example.com");
        fixture
            .admin
            .invite(&fixture.organization, &address, "user")
            .await;
    }
    fixture.world.clock.advance(TimeDelta::days(14));
    fixture.world.take_metrics();
    fixture
        .world
        .sign_in("ada@example.com")
        .invite(&fixture.organization, "guest0@example.com", "user")
        .await;
    assert_eq!(sum(&fixture, "InvitesExpired"), 1);
    fixture.world.stack.run_schedules().await;
    assert_eq!(sum(&fixture, "InvitesExpired"), 5);
}

#[tokio::test]
async fn retried_conflict_is_counted() {
    let fixture = Fixture::new().await;
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    let mut held = fixture.world.wire.hold("TransactWriteItems");
    fixture.world.take_metrics();
    let first = fixture.owner.patch(&member, json!({"role": "admin"}));
    let second = async {
        held.arrived().await;
        let input = json!({"receives_billing_emails": true});
        fixture.admin.patch(&member, input).await.expect("200");
        held.release();
    };
    let (first, ()) = tokio::join!(first, second);
    first.expect("200");
    assert_eq!(sum(&fixture, "ConflictsRetried"), 1);
}

#[tokio::test]
async fn every_metric_is_documented() {
    let docs = fs::read_to_string(repository("docs/operations.md")).unwrap();
    let source = fs::read_to_string(repository("functions/src/metrics.rs")).unwrap();
    // Only metric names and words of the format begin with a capital letter there.
    let capital = |text: &&str| text.starts_with(|c: char| c.is_ascii_uppercase());
    let capitalized = source.split('"').skip(1).step_by(2).filter(capital);
    let format = [
        "Count",
        "METRICS_NAMESPACE",
        "Metrics",
        "Milliseconds",
        "Organizations",
        "PascalCase",
    ];
    let mut seen = 0;
    for name in capitalized.filter(|name| !format.contains(name)) {
        seen += 1;
        assert!(
            docs.contains(&format!("`{name}`")),
            "`{name}` is not documented"
        );
    }
    assert!(seen >= 12, "{seen}");
}
