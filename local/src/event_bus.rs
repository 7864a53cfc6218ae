//! The event bus: calls the functions whose rules match an event, as EventBridge
//! and Lambda's asynchronous calls do.
//!
//! There is one bus, whichever a rule names. It is in memory: events that wait
//! for another attempt are gone with the process.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{DateTime, TimeDelta, Utc};
use functions::{Clock, Operation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    invocation::Lambda,
    template::{Rule, Template},
};

/// How long Lambda waits before the first and the second further attempt.
const PAUSES: [TimeDelta; 2] = [TimeDelta::minutes(1), TimeDelta::minutes(2)];

/// An event as it is put on the bus.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutEvent {
    /// Where it comes from, such as `aws.ses`.
    pub source: String,
    /// What kind of event it is.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// What it tells.
    pub detail: Map<String, Value>,
    /// What it is about, as ARNs.
    #[serde(default)]
    pub resources: Vec<String>,
}

/// What became of an event that was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The event's id.
    pub id: String,
    /// The functions that were called with it.
    pub called: Vec<Called>,
}

/// A function's call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Called {
    /// The operation.
    pub operation: String,
    /// Whether it failed; it is then tried again.
    pub failed: bool,
}

/// Calls functions with the events that their rules match.
#[derive(Clone)]
pub struct EventBus {
    rules: Arc<Vec<Rule>>,
    clock: Clock,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Delivery>,
    dead_letters: Vec<Value>,
}

/// One event on its way to one function.
struct Delivery {
    rule: Rule,
    operation: &'static Operation,
    event: Value,
    put_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    failures: u32,
}

/// An event as EventBridge hands it over.
pub(crate) fn envelope(put: PutEvent, at: DateTime<Utc>) -> Value {
    json!({
        "version": "0",
        "id": Uuid::now_v7(),
        "detail-type": put.detail_type,
        "source": put.source,
        "account": "000000000000",
        "time": at,
        "region": "us-east-1",
        "resources": put.resources,
        "detail": put.detail,
    })
}

impl EventBus {
    pub(crate) fn new(template: &Template, clock: Clock) -> Self {
        Self {
            rules: Arc::new(template.rules.clone()),
            clock,
            queue: Arc::default(),
        }
    }

    /// Puts an event. The functions are called with the next deliveries.
    pub(crate) fn put(&self, event: PutEvent) {
        let (_, deliveries) = self.matching(event);
        self.queue().waiting.extend(deliveries);
    }

    /// Puts an event, and calls every function whose rule matches it.
    pub(crate) async fn publish(&self, lambda: &Lambda, event: PutEvent) -> Published {
        let (id, deliveries) = self.matching(event);
        let mut called = Vec::new();
        for delivery in deliveries {
            called.push(Called {
                operation: delivery.operation.name.to_owned(),
                failed: !self.attempt(lambda, delivery).await,
            });
        }
        Published { id, called }
    }

    /// Makes the attempts that are due. Gives how many events still wait.
    pub(crate) async fn deliver(&self, lambda: &Lambda) -> usize {
        let now = self.clock.now();
        let due: Vec<Delivery> = {
            let mut queue = self.queue();
            let (due, later) = mem::take(&mut queue.waiting)
                .into_iter()
                .partition(|delivery| delivery.due_at <= now);
            queue.waiting = later;
            due
        };
        for delivery in due {
            self.attempt(lambda, delivery).await;
        }
        self.queue().waiting.len()
    }

    /// Events that were given up: what AWS would put into the dead-letter queue.
    pub(crate) fn dead_letters(&self) -> Vec<Value> {
        self.queue().dead_letters.clone()
    }

    /// Nothing is left half-done behind this lock: what a panic leaves is good.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn matching(&self, event: PutEvent) -> (String, Vec<Delivery>) {
        let now = self.clock.now();
        let event = envelope(event, now);
        let id = event.get("id").and_then(Value::as_str).unwrap_or_default();
        let matching = self
            .rules
            .iter()
            .filter(|rule| rule.pattern.matches(Some(&event)));
        let deliveries = matching.filter_map(|rule| {
            Some(Delivery {
                rule: rule.clone(),
                operation: functions::operation(&rule.operation)?,
                event: event.clone(),
                put_at: now,
                due_at: now,
                failures: 0,
            })
        });
        (id.to_owned(), deliveries.collect())
    }

    /// Calls the function. Gives whether it took the event; if not, the event
    /// waits for the next attempt or, after the last, is a dead letter.
    async fn attempt(&self, lambda: &Lambda, mut delivery: Delivery) -> bool {
        let operation = delivery.operation;
        let Err(error) = lambda.invoke(operation, delivery.event.clone()).await else {
            return true;
        };
        let pause = usize::try_from(delivery.failures)
            .ok()
            .and_then(|failures| PAUSES.get(failures))
            .unwrap_or(&TimeDelta::zero())
            .to_owned();
        delivery.failures = delivery.failures.saturating_add(1);
        delivery.due_at = self.clock.now() + pause;
        let age = (delivery.due_at - delivery.put_at)
            .to_std()
            .unwrap_or_default();
        if delivery.failures <= delivery.rule.max_retries && age <= delivery.rule.max_age {
            tracing::warn!(operation = operation.name, %error, "an event was not taken");
            self.queue().waiting.push(delivery);
        } else {
            tracing::error!(operation = operation.name, rule = delivery.rule.name, %error, "an event is given up: a dead letter");
            self.queue().dead_letters.push(delivery.event);
        }
        false
    }
}

/// `POST /local/events`: puts an event, such as
/// `{"source": "shop", "detail-type": "sold", "detail": {}}`.
pub(crate) fn router(bus: EventBus, lambda: Lambda) -> Router {
    Router::new()
        .route("/local/events", post(put_event))
        .with_state((bus, lambda))
}

async fn put_event(
    State((bus, lambda)): State<(EventBus, Lambda)>,
    event: Result<Json<PutEvent>, JsonRejection>,
) -> Response {
    match event {
        Ok(Json(event)) => Json(bus.publish(&lambda, event).await).into_response(),
        Err(refusal) => {
            let message = json!({ "message": refusal.body_text() });
            (refusal.status(), Json(message)).into_response()
        }
    }
}
