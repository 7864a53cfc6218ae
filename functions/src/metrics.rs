//! Metrics: one line for each call in CloudWatch's embedded metric format, from
//! which CloudWatch makes metrics without being asked to. Nothing is called and
//! nothing is waited for.
//!
//! There are two dimensions, each with few values: the operation, and the code of
//! a refusal or failure. Nothing that grows with the number of organizations is
//! one, and no line holds an address.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// What is counted besides calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// A decision was made anew as others had changed the same things.
    ConflictsRetried,
    /// An invite was made.
    InvitesCreated,
    /// An invite was accepted.
    InvitesAccepted,
    /// An invite was not answered in time.
    InvitesExpired,
    /// SES has taken a mail.
    MailsSent,
    /// A mail was given up.
    MailsFailed,
    /// A mail came back.
    MailsBounced,
    /// A mail was called spam.
    MailsComplained,
}

impl Counter {
    fn name(self) -> &'static str {
        match self {
            Self::ConflictsRetried => "ConflictsRetried",
            Self::InvitesCreated => "InvitesCreated",
            Self::InvitesAccepted => "InvitesAccepted",
            Self::InvitesExpired => "InvitesExpired",
            Self::MailsSent => "MailsSent",
            Self::MailsFailed => "MailsFailed",
            Self::MailsBounced => "MailsBounced",
            Self::MailsComplained => "MailsComplained",
        }
    }
}

/// What one call has counted.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<Counter, u64>>);

tokio::task_local! {
    static TALLY: Arc<Tally>;
}

/// Counts something that happened in the call under way.
pub(crate) fn count(counter: Counter, times: u64) {
    // Without a call there is nobody to tell.
    let _ = TALLY.try_with(|tally| {
        let mut counts = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(counter).or_default() += times;
    });
}

/// Runs a call, and gives what it counted.
pub(crate) async fn tallied<F: Future>(call: F) -> (F::Output, Arc<Tally>) {
    let tally = Arc::default();
    (TALLY.scope(Arc::clone(&tally), call).await, tally)
}

/// Work for a task of its own that counts for the call under way.
pub(crate) fn for_same_call<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let tally = TALLY.try_with(Arc::clone).unwrap_or_default();
    TALLY.scope(tally, work)
}

/// Where metrics go.
#[derive(Clone)]
pub struct Metrics {
    namespace: String,
    write: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Metrics {
    /// Writes lines with this.
    pub fn to(namespace: &str, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            namespace: namespace.to_owned(),
            write: Arc::new(write),
        }
    }

    /// Writes to standard output, where CloudWatch Logs reads them. Each
    /// deployment has a namespace of its own, from `METRICS_NAMESPACE`.
    pub(crate) fn to_stdout() -> Self {
        let namespace = std::env::var("METRICS_NAMESPACE").ok();
        let namespace = namespace.filter(|name| !name.is_empty());
        Self::to(namespace.as_deref().unwrap_or("Organizations"), |line| {
            println!("{line}")
        })
    }

    /// Writes the line of a call.
    pub(crate) fn report(
        &self,
        at: DateTime<Utc>,
        operation: &str,
        request_id: &str,
        failure: Option<&Failure>,
        took: Duration,
        tally: &Tally,
    ) {
        let mut line = Map::new();
        let mut set = |name: &str, value: Value| {
            line.insert(name.to_owned(), value);
        };
        let directive = |dimensions: Value, metrics: Vec<Value>| {
            json!({
                "Namespace": self.namespace,
                "Dimensions": [dimensions],
                "Metrics": metrics,
            })
        };
        let counted = |name: &str| json!({ "Name": name, "Unit": "Count" });

        let mut directives = vec![directive(
            json!(["operation"]),
            vec![
                counted("Requests"),
                json!({ "Name": "Duration", "Unit": "Milliseconds" }),
            ],
        )];
        set("operation", json!(operation));
        set("request_id", json!(request_id));
        set("Requests", json!(1));
        set("Duration", json!(milliseconds(took)));
        if let Some(failure) = failure {
            let name = if failure.is_expected() {
                "Refusals"
            } else {
                "Failures"
            };
            directives.push(directive(json!(["code"]), vec![counted(name)]));
            set("code", json!(failure.code()));
            set(name, json!(1));
        }
        let counts = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.is_empty() {
            let names = counts.keys().map(|counter| counted(counter.name()));
            directives.push(directive(json!([]), names.collect()));
            for (counter, times) in &*counts {
                set(counter.name(), json!(times));
            }
        }
        let metadata = json!({
            "Timestamp": at.timestamp_millis(),
            "CloudWatchMetrics": directives,
        });
        set("_aws", metadata);
        (self.write)(&Value::Object(line).to_string());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// With three decimals; an hour at most.
fn milliseconds(took: Duration) -> f64 {
    f64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}
