use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use functions::Clock;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::{Called, DatabaseLocation, Options, PutEvent, SignIn, Stack, database::TABLE};

const ADA: &str = "ada@example.com";

/// A clock that tests move.
fn clock() -> (Clock, impl Fn(TimeDelta)) {
    let now = Arc::new(Mutex::new(
        DateTime::<Utc>::from_timestamp(1_730_871_464, 0).unwrap(),
    ));
    let shared = now.clone();
    let wait = move |time| *now.lock().unwrap() += time;
    (Clock::new(move || *shared.lock().unwrap()), wait)
}

/// A folder that is deleted at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("local-stack-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn template(&self, text: &str) -> PathBuf {
        let file = self.0.join("template.yaml");
        fs::create_dir_all(&self.0).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    fn options(&self) -> Options {
        Options {
            database: DatabaseLocation::Folder(self.0.clone()),
            ..Options::for_tests(Clock::system())
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn post(stack: &Stack, path: &str, body: Value) -> Value {
    let token = stack.sign_in(&SignIn::with_email(ADA));
    let gateway = &stack.parts.gateway;
    let answer = gateway
        .call(Method::POST, path, Some(&token), Some(&body))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn invite(stack: &Stack, email: &str) {
    let organization = post(stack, "/v1/organizations", json!({ "name": "Acme" })).await;
    let id = organization["id"].as_str().unwrap();
    let path = format!("/v1/organizations/{id}/invites");
    post(stack, &path, json!({ "email": email, "role": "user" })).await;
}

/// Writes a record that `deliver-email` subscribes to and cannot read.
fn put_poison(stack: &Stack) {
    let item = json!({
        "pk": { "S": "AUDIT#poison" }, "sk": { "S": "1" },
        "outbox": { "M": { "kind": { "S": "invite" } } },
    });
    let put = serde_json::from_value(json!({ "TableName": TABLE, "Item": item })).unwrap();
    stack.parts.database.put_item(put).unwrap();
}

#[tokio::test]
async fn unreadable_record_does_not_block_later_ones() {
    let stack = Stack::start(Options::for_tests(Clock::system()))
        .await
        .unwrap();
    invite(&stack, "before@example.com").await;
    put_poison(&stack);
    invite(&stack, "behind@example.com").await;
    let drained = stack.drain_stream().await.unwrap();
    assert_eq!((drained.delivered, drained.stuck), (3, 0));
    assert_eq!(stack.emails().len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn ttl_sweep_uses_the_stacks_clock() {
    let (clock, wait) = clock();
    let stack = Stack::start(Options::for_tests(clock)).await.unwrap();
    invite(&stack, "never@example.com").await;
    stack.drain_stream().await.unwrap();
    assert_eq!(stack.sweep_ttl().unwrap(), 0);
    wait(TimeDelta::days(15) + TimeDelta::seconds(1));
    // The invite, and the times of the emails to its recipient.
    assert_eq!(stack.sweep_ttl().unwrap(), 2);
    // No function subscribes to removals.
    assert_eq!(stack.drain_stream().await.unwrap().delivered, 0);
    stack.stop().await;
}

/// Starts the shipped template with two more rules: one calls `deliver-email`,
/// which fails without a stream's event, and one `expire-invites`, which succeeds.
async fn start_with_rules(clock: Clock, folder: &Folder) -> Stack {
    let mut text = fs::read_to_string(Options::shipped_template()).unwrap();
    for (function, event, pattern) in [
        (
            "DeliverEmail",
            "AuditEvents",
            "source: [shop], detail: { kind: [{ prefix: re }] }",
        ),
        (
            "ExpireInvites",
            "Hourly",
            "source: [shop, pub], detail-type: [sold]",
        ),
    ] {
        let rule = format!(
            "        Rule: {{ Type: EventBridgeRule, Properties: {{ Pattern: {{ {pattern} }} }} }}\n"
        );
        let line = format!("        {event}:\n");
        let resource = text.find(&format!("\n  {function}:\n")).unwrap();
        let at = text[resource..].find(&line).unwrap();
        text.insert_str(resource + at, &rule);
    }
    let options = Options {
        template: folder.template(&text),
        ..Options::for_tests(clock)
    };
    Stack::start(options).await.unwrap()
}

fn event(source: &str, kind: &str) -> PutEvent {
    let put = json!({ "source": source, "detail-type": "sold", "detail": { "kind": kind } });
    serde_json::from_value(put).unwrap()
}

fn called(operation: &str, failed: bool) -> Called {
    Called {
        operation: operation.to_owned(),
        failed,
    }
}

#[tokio::test]
async fn event_calls_every_function_with_a_matching_rule() {
    let folder = Folder::new();
    let stack = start_with_rules(clock().0, &folder).await;
    for (event, expected) in [
        (event("pub", "red"), vec![called("expire-invites", false)]),
        (
            event("shop", "red"),
            vec![
                called("deliver-email", true),
                called("expire-invites", false),
            ],
        ),
        (
            event("shop", "green"),
            vec![called("expire-invites", false)],
        ),
        (event("bank", "red"), vec![]),
    ] {
        let published = stack.put_event(event).await;
        assert_eq!(published.called, expected);
        assert!(Uuid::parse_str(&published.id).is_ok());
    }
    stack.stop().await;
}

#[tokio::test]
async fn failing_event_is_dead_letter_after_two_retries() {
    let folder = Folder::new();
    let (clock, wait) = clock();
    let stack = start_with_rules(clock, &folder).await;
    stack.put_event(event("shop", "red")).await;
    assert_eq!(stack.deliver_events().await, 1);
    for minutes in [1, 2] {
        wait(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
        assert_eq!(stack.deliver_events().await, 1);
        assert!(stack.dead_events().is_empty());
        wait(TimeDelta::seconds(1));
        stack.deliver_events().await;
    }
    assert_eq!(stack.deliver_events().await, 0);
    let dead = stack.dead_events();
    assert_eq!(dead.len(), 1);
    let envelope = json!({
        "version": "0",
        "id": dead[0]["id"],
        "detail-type": "sold",
        "source": "shop",
        "account": "000000000000",
        "time": "2024-11-06T05:37:44Z",
        "region": "us-east-1",
        "resources": [],
        "detail": { "kind": "red" },
    });
    assert_eq!(dead[0], envelope);
    stack.stop().await;
}

#[tokio::test]
async fn restart_loses_no_email_and_repeats_none() {
    let folder = Folder::new();
    let stack = Stack::start(folder.options()).await.unwrap();
    invite(&stack, "first@example.com").await;
    assert_eq!(stack.drain_stream().await.unwrap().delivered, 1);
    invite(&stack, "second@example.com").await;
    stack.stop().await;

    let stack = Stack::start(folder.options()).await.unwrap();
    assert_eq!(stack.emails().len(), 1);
    assert_eq!(stack.drain_stream().await.unwrap().delivered, 1);
    assert_eq!(stack.emails().len(), 2);
    stack.stop().await;

    // Without positions the functions get all records again, and recognize them.
    fs::remove_file(folder.0.join("stream-positions.json")).unwrap();
    let stack = Stack::start(folder.options()).await.unwrap();
    assert_eq!(stack.drain_stream().await.unwrap().delivered, 2);
    assert_eq!(stack.emails().len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn unusable_option_is_refused_in_one_line() {
    let folder = Folder::new();
    let stack = Stack::start(folder.options()).await.unwrap();
    let port: u16 = stack.url().rsplit(':').next().unwrap().parse().unwrap();
    let mut busy = Options::for_tests(Clock::system());
    busy.dynamodb_port = Some(port);
    let broken = Folder::new();
    fs::create_dir_all(&broken.0).unwrap();
    fs::write(
        broken.0.join("organizations.db"),
        "no database ".repeat(500),
    )
    .unwrap();
    let short = Folder::new();
    fs::create_dir_all(&short.0).unwrap();
    fs::write(short.0.join("link-key"), "short").unwrap();
    for (options, said) in [
        (busy, "choose another one with `--dynamodb-port`"),
        (folder.options(), "is in use"),
        (broken.options(), "organizations.db` cannot be opened: "),
        (short.options(), "`link-key` is broken"),
    ] {
        let error = Stack::start(options).await.err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    stack.stop().await;
}

/// A connector whose requests are never answered, but for the mark of the table at the start.
#[derive(Debug)]
struct Stalled;

impl HttpConnector for Stalled {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        if target.ends_with("UpdateItem") {
            let marker = r#"{"Attributes":{"format":{"N":"1"},"release":{"S":"0.2.0"}}}"#;
            let answer = HttpResponse::new(200.try_into().unwrap(), marker.into());
            return HttpConnectorFuture::ready(Ok(answer));
        }
        HttpConnectorFuture::new(std::future::pending())
    }
}

#[tokio::test]
async fn slow_operation_answers_before_its_deadline() {
    let folder = Folder::new();
    let text = fs::read_to_string(Options::shipped_template()).unwrap();
    let short = text.replace("    Timeout: 10\n", "    Timeout: 1\n");
    assert_ne!(short, text);
    let client = http_client_fn(|_, _| SharedHttpConnector::new(Stalled));
    let stack = Stack::start(Options {
        template: folder.template(&short),
        http_client: Some(client),
        ..Options::for_tests(Clock::system())
    });
    let stack = stack.await.unwrap();
    let token = stack.sign_in(&SignIn::with_email(ADA));
    let gateway = &stack.parts.gateway;
    let answer = gateway
        .call(Method::GET, "/v1/organizations", Some(&token), None)
        .await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.body["code"], "unavailable");
    stack.stop().await;
}

/// Sends a GET with these headers and returns the status line and headers.
async fn head(url: &str, headers: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    answer.split("\r\n\r\n").next().unwrap().to_owned()
}

#[tokio::test]
async fn every_server_refuses_foreign_names_and_pages() {
    let stack = Stack::start(Options::for_tests(Clock::system())).await;
    let stack = stack.unwrap();
    for url in [stack.url(), stack.dynamodb_url(), stack.services_url()] {
        let own = format!("host: {}\r\n", url.strip_prefix("http://").unwrap());
        let rebound = head(url, "host: evil.example\r\n").await;
        assert!(rebound.starts_with("http/1.1 421 "), "{url}: {rebound}");
        let foreign = head(url, &format!("{own}origin: https://evil.example\r\n")).await;
        assert!(foreign.starts_with("http/1.1 403 "), "{url}: {foreign}");
        let own_page = format!("{own}origin: {}\r\n", stack.url());
        for headers in [&own, &own_page] {
            let answer = head(url, headers).await;
            assert!(!answer.starts_with("http/1.1 421 "), "{url}: {answer}");
            assert!(!answer.starts_with("http/1.1 403 "), "{url}: {answer}");
            assert!(!answer.contains("access-control-allow-origin"), "{answer}");
        }
    }
    stack.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn files_of_the_data_folder_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let stack = Stack::start(folder.options()).await.unwrap();
    stack.sign_in(&SignIn::with_email(ADA));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    let files: Vec<_> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("lock"))
        .collect();
    assert!(files.iter().any(|path| path.ends_with("organizations.db")));
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    stack.stop().await;
}
