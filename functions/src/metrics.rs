//! Metrics: a line for each call that has something to tell, in CloudWatch's embedded
//! metric format, which CloudWatch Logs turns into metrics, without a request to AWS.
//! Lambda itself counts and times the calls of each function, for free.
//!
//! The only dimension is the code of an error, which has few values. It does not grow with
//! the number of organizations, and no line holds an address.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::error::{Error, Severity};

/// A counter of events within a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// A commit conflicted with another one on the same item and was retried.
    ConflictsRetried,
    /// DynamoDB throttled a transaction, which was retried.
    TransactionsThrottled,
    /// An invite was created.
    InvitesCreated,
    /// An invite was accepted.
    InvitesAccepted,
    /// An invite expired.
    InvitesExpired,
    /// SES accepted an email.
    EmailsSent,
    /// An email was abandoned.
    EmailsFailed,
    /// An email bounced.
    EmailsBounced,
    /// The recipient reported an email as spam.
    EmailsComplained,
}

impl Counter {
    fn name(self) -> &'static str {
        match self {
            Self::ConflictsRetried => "ConflictsRetried",
            Self::TransactionsThrottled => "TransactionsThrottled",
            Self::InvitesCreated => "InvitesCreated",
            Self::InvitesAccepted => "InvitesAccepted",
            Self::InvitesExpired => "InvitesExpired",
            Self::EmailsSent => "EmailsSent",
            Self::EmailsFailed => "EmailsFailed",
            Self::EmailsBounced => "EmailsBounced",
            Self::EmailsComplained => "EmailsComplained",
        }
    }
}

/// The counters of one call.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<Counter, u64>>);

tokio::task_local! {
    static TALLY: Arc<Tally>;
}

/// Increments a counter of the current call.
pub(crate) fn count(counter: Counter, times: u64) {
    // Outside a call, the count is dropped.
    let _ = TALLY.try_with(|tally| {
        let mut counts = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(counter).or_default() += times;
    });
}

/// Runs a call and returns its counters.
pub(crate) async fn tallied<F: Future>(call: F) -> (F::Output, Arc<Tally>) {
    let tally = Arc::default();
    (TALLY.scope(Arc::clone(&tally), call).await, tally)
}

/// Wraps a future for another task so that it counts towards the current call.
pub(crate) fn for_same_call<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let tally = TALLY.try_with(Arc::clone).unwrap_or_default();
    TALLY.scope(tally, work)
}

/// The sink of metrics.
#[derive(Clone)]
pub struct Metrics {
    namespace: String,
    write: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Metrics {
    /// Creates a sink that writes lines with a function.
    pub fn to(namespace: &str, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            namespace: namespace.to_owned(),
            write: Arc::new(write),
        }
    }

    /// Creates a sink that writes to standard output, which CloudWatch Logs reads. Each
    /// deployment has a namespace of its own, from `METRICS_NAMESPACE`.
    pub(crate) fn to_stdout() -> Self {
        let namespace = std::env::var("METRICS_NAMESPACE").ok();
        let namespace = namespace.filter(|name| !name.is_empty());
        Self::to(namespace.as_deref().unwrap_or("Organizations"), |line| {
            println!("{line}")
        })
    }

    /// Writes the line of a call that failed or counted something.
    pub(crate) fn report(
        &self,
        at: DateTime<Utc>,
        operation: &str,
        request_id: &str,
        error: Option<&Error>,
        tally: &Tally,
    ) {
        let counts = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = error.map(|error| {
            let name = match error.severity() {
                Severity::Refusal => "Refusals",
                Severity::Busy => "Busy",
                Severity::Failure => "Failures",
            };
            (name, error.code())
        });
        let directive = |dimensions, metrics| Directive {
            namespace: &self.namespace,
            dimensions: [dimensions],
            metrics,
        };
        let mut directives = Vec::new();
        if let Some((name, _)) = outcome {
            directives.push(directive(&["code"][..], vec![Metric::count(name)]));
        }
        if !counts.is_empty() {
            let metrics = counts.keys().map(|counter| Metric::count(counter.name()));
            directives.push(directive(&[], metrics.collect()));
        }
        if directives.is_empty() {
            return;
        }
        let line = Line {
            aws: Metadata {
                timestamp: at.timestamp_millis(),
                cloud_watch_metrics: directives,
            },
            operation,
            request_id,
            values: Values {
                outcome,
                counts: &counts,
            },
        };
        match serde_json::to_string(&line) {
            Ok(line) => (self.write)(&line),
            Err(error) => tracing::error!(%error, "metrics cannot be written as JSON"),
        }
    }
}

/// A line in the embedded metric format of CloudWatch's user guide: the declaration of
/// the metrics, and the values.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "_aws")]
    aws: Metadata<'a>,
    operation: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    values: Values<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [&'a [&'static str]; 1],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl Metric {
    fn count(name: &'static str) -> Self {
        Self {
            name,
            unit: "Count",
        }
    }
}

/// The values that only some calls have.
struct Values<'a> {
    /// `Refusals` or `Failures`, and the code.
    outcome: Option<(&'static str, &'static str)>,
    counts: &'a BTreeMap<Counter, u64>,
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_map(None)?;
        if let Some((name, code)) = self.outcome {
            values.serialize_entry("code", code)?;
            values.serialize_entry(name, &1)?;
        }
        for (counter, times) in self.counts {
            values.serialize_entry(counter.name(), times)?;
        }
        values.end()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
