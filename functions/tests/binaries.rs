//! Every Lambda binary starts as under Lambda and responds to its sample event.
//!
//! A server on loopback stands in for Lambda's runtime API; the local stack provides
//! the table, the email service and the secret.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use functions::Clock;
use local::{Options, Stack};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command, sync::oneshot};

/// The variables of the limits.
const LIMITS: [&str; 12] = [
    "ADDRESS_EMAILS",
    "ADDRESS_EMAIL_INTERVAL",
    "API_KEY_USAGE_RATE",
    "NEW_ORGANIZATION_EMAILS_PER_DAY",
    "ORGANIZATION_EMAILS_PER_DAY",
    "ORGANIZATION_USAGE_RATE",
    "PAUSING_BOUNCES",
    "PAUSING_COMPLAINTS",
    "PERSON_ORGANIZATIONS",
    "PERSON_ORGANIZATIONS_PER_DAY",
    "RECIPIENT_EMAILS_PER_DAY",
    "RECIPIENT_EMAILS_PER_WEEK",
];

/// The runtime API for one event and its response.
struct Lambda {
    event: Mutex<Option<String>>,
    answer: Mutex<Option<oneshot::Sender<(String, Value)>>>,
}

async fn next(State(lambda): State<Arc<Lambda>>) -> Response {
    let event = lambda.event.lock().unwrap().take();
    match event {
        Some(event) => {
            let headers = [
                (
                    "lambda-runtime-aws-request-id",
                    "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                ),
                ("lambda-runtime-deadline-ms", "4102444800000"),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:000000000000:function:f",
                ),
                (
                    "lambda-runtime-trace-id",
                    "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
                ),
            ];
            (headers, event).into_response()
        }
        // There is no second event: the function waits until the test kills it.
        None => std::future::pending().await,
    }
}

async fn answer(State(lambda): State<Arc<Lambda>>, uri: Uri, body: Bytes) -> StatusCode {
    let kind = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(sender) = lambda.answer.lock().unwrap().take() {
        let _ = sender.send((kind, body));
    }
    StatusCode::ACCEPTED
}

/// Runs a binary with its sample event and returns the response.
async fn run(stack: &Stack, name: &str, binary: &str) -> Value {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let event = fs::read_to_string(samples.join(format!("{name}.json"))).unwrap();
    let (sender, receiver) = oneshot::channel();
    let lambda = Arc::new(Lambda {
        event: Mutex::new(Some(event)),
        answer: Mutex::new(Some(sender)),
    });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(answer))
        .route("/2018-06-01/runtime/init/error", post(answer))
        .with_state(lambda);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let mut process = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb_url())
        .env("AWS_ENDPOINT_URL_SESV2", stack.services_url())
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", stack.services_url())
        .env("TABLE_NAME", "organizations")
        .env("PUBLIC_URL", "https://app.example.com")
        .env("EMAIL_FROM", "no-reply@example.com")
        .env("LINK_KEY_SECRET_ID", "link-key")
        .env("SERVER_KEY_SECRET_ID", "server-key")
        .env("STACK_NAME", "acme")
        .env("PLANS", "free:50:Free,basic:3000:Basic")
        .env("PLAN_CHANGES", "customer")
        .env("IMPORTED_API_KEY_PREFIXES", "img_live_")
        .envs(LIMITS.map(|name| (name, "0")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let answered = tokio::select! {
        answered = receiver => answered.unwrap(),
        ended = process.wait() => panic!("{name} exited: {ended:?}"),
    };
    process.start_kill().unwrap();
    let output = process.wait_with_output().await.unwrap();
    server.abort();
    let (kind, mut body) = answered;
    // Only a function without a client may report an error: the event names no
    // existing organization.
    if name == "record-billing-event" {
        assert_eq!(kind, "error", "{name}: {body}");
        body = json!({ "errorMessage": body["errorMessage"] });
    } else {
        assert_eq!(kind, "response", "{name}: {body}");
    }
    let logs = String::from_utf8(output.stdout).unwrap();
    let line: Value =
        serde_json::from_str(logs.lines().next().expect("a line in the log")).unwrap();
    assert_eq!(line["operation"], name, "{logs}");
    assert_eq!(
        line["request_id"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "{logs}"
    );
    // A refusal is a metric. Most other calls have none to write.
    let metrics = logs.lines().find(|line| line.contains("\"_aws\""));
    assert!(metrics.is_some() || line["code"] == "ok", "{logs}");
    if let Some(metrics) = metrics {
        let metrics: Value = serde_json::from_str(metrics).unwrap();
        assert_eq!(metrics["operation"], name, "{logs}");
        let directive = &metrics["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Organizations", "{logs}");
    }
    assert!(
        !logs.contains("@example.com"),
        "an address in the log: {logs}"
    );
    body
}

/// Returns what an operation responds to its sample event. The organization of the
/// samples does not exist.
fn expected(name: &str) -> Value {
    match name {
        "create-organization" | "provision-organization" => json!(201),
        "erase-person" => json!(204),
        "list-organizations" | "find-organizations" | "get-account" | "list-my-invites"
        | "pages" => json!(200),
        "authorize-api-key" => json!({
            "isAuthorized": false,
            "context": {
                "organization_id": "01930000-0000-7000-8000-000000000001",
                "api_key_id": "01930000-0000-7000-8000-000000000003",
                "reason": "it was revoked, or never existed",
            },
        }),
        "authorize-server" => json!({"isAuthorized": false}),
        "deliver-email" => json!({"batchItemFailures": []}),
        "expire-invites" => json!({"expired": 0}),
        "record-email-delivery" => json!({
            "ignored": "no such invite",
            "organization_id": "01930000-0000-7000-8000-000000000001",
            "invite_id": "01930000-0000-7000-8000-000000000002",
        }),
        "describe-events" => json!([{
            "stack": "acme",
            "id": "01930000-0000-7000-8000-000000000009",
            "organization_id": "01930000-0000-7000-8000-000000000001",
            "at": "2026-03-01T12:00:00Z",
            "kind": "member.role_changed",
            "actor": {"kind": "person", "id": "sample-owner"},
            "subject": {"kind": "member", "id": "sample-invitee"},
            "changes": [{"field": "role", "from": "user", "to": "admin"}],
        }]),
        "purge-organizations" => json!({"purged": 0}),
        "apply-plan-changes" => json!({"changed": 0}),
        "record-billing-event" => {
            json!({"errorMessage": "`detail.organization_id` is an unknown organization"})
        }
        _ => json!(404),
    }
}

#[tokio::test]
async fn every_binary_responds_to_its_sample_event() {
    let stack = Stack::start(Options::for_tests(Clock::system()))
        .await
        .unwrap();
    // All binaries are beside one of them.
    let folder = Path::new(env!("CARGO_BIN_EXE_create-invite"))
        .parent()
        .unwrap();
    for operation in functions::OPERATIONS {
        let name = operation.name;
        let binary = folder.join(name);
        let output = run(&stack, name, binary.to_str().unwrap()).await;
        let expected = expected(name);
        if expected.is_number() {
            assert_eq!(output["statusCode"], expected, "{name}: {output}");
        } else {
            assert_eq!(output, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn binary_without_a_needed_variable_does_not_start() {
    let folder = Path::new(env!("CARGO_BIN_EXE_create-invite"))
        .parent()
        .unwrap();
    for (name, missing) in [
        ("deliver-email", "EMAIL_FROM"),
        ("preview-invite", "LINK_KEY_SECRET_ID"),
        ("authorize-server", "SERVER_KEY_SECRET_ID"),
        ("get-settings", "PLANS"),
        ("get-account", "TABLE_NAME"),
    ] {
        let variables = [
            ("TABLE_NAME", "organizations"),
            ("EMAIL_FROM", "no-reply@example.com"),
            ("LINK_KEY_SECRET_ID", "link-key"),
            ("SERVER_KEY_SECRET_ID", "server-key"),
            ("PUBLIC_URL", "https://app.example.com"),
            ("PLANS", ""),
            ("PLAN_CHANGES", "customer"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ];
        let set = variables.into_iter().filter(|(name, _)| *name != missing);
        let output = Command::new(folder.join(name))
            .env_clear()
            .envs(set)
            .output()
            .await
            .unwrap();
        assert!(!output.status.success(), "{name} without {missing}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(missing), "{name}: {error}");
    }
}
