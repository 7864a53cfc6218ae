//! The event bus: it calls the functions whose rules match an event, as
//! EventBridge and Lambda's asynchronous invocation do.
//!
//! Rules of all buses share this one. It is in memory: events that wait for a
//! retry are lost when the process ends.

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

/// Lambda's pauses before the first and the second retry.
const RETRY_PAUSES: [TimeDelta; 2] = [TimeDelta::minutes(1), TimeDelta::minutes(2)];

/// An event to put on the bus.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutEvent {
    /// The event's id; a random one if absent. Receivers recognize repeated events by it.
    #[serde(default)]
    pub id: Option<String>,
    /// The source, such as `aws.ses`.
    pub source: String,
    /// The kind of event.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// The content.
    pub detail: Map<String, Value>,
    /// The ARNs of the resources that the event is about.
    #[serde(default)]
    pub resources: Vec<String>,
}

/// The result of putting an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The event's id.
    pub id: String,
    /// The functions that were called.
    pub called: Vec<Called>,
}

/// A function's call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Called {
    /// The operation.
    pub operation: String,
    /// Whether it failed, and will be retried.
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

/// The delivery of an event to a function.
struct Delivery {
    rule: Rule,
    operation: &'static Operation,
    event: Value,
    put_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    failures: u32,
}

/// Returns an event in EventBridge's envelope.
pub(crate) fn envelope(put: PutEvent, at: DateTime<Utc>) -> Value {
    json!({
        "version": "0",
        "id": put.id.unwrap_or_else(|| Uuid::now_v7().to_string()),
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

    /// Puts an event on the bus; [`Self::deliver`] calls the functions.
    pub(crate) fn put(&self, event: PutEvent) {
        let (_, deliveries) = self.matching(event);
        self.queue().waiting.extend(deliveries);
    }

    /// Puts an event on the bus, and calls every function whose rule matches it.
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

    /// Makes the deliveries that are due, and returns the number that still waits.
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

    /// Forgets the events that wait, and the dead letters.
    pub(crate) fn clear(&self) {
        *self.queue() = Queue::default();
    }

    /// Returns the events that AWS would put into the dead-letter queue.
    pub(crate) fn dead_letters(&self) -> Vec<Value> {
        self.queue().dead_letters.clone()
    }

    /// Locks the queue. No operation behind this lock is left half done by a panic.
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

    /// Calls the function, and returns whether it succeeded. If not, the event waits
    /// for a retry or, after the last one, becomes a dead letter.
    async fn attempt(&self, lambda: &Lambda, mut delivery: Delivery) -> bool {
        let operation = delivery.operation;
        let Err(error) = lambda.invoke(operation, delivery.event.clone()).await else {
            return true;
        };
        let pause = usize::try_from(delivery.failures)
            .ok()
            .and_then(|failures| RETRY_PAUSES.get(failures))
            .unwrap_or(&TimeDelta::zero())
            .to_owned();
        delivery.failures = delivery.failures.saturating_add(1);
        delivery.due_at = self.clock.now() + pause;
        let age = (delivery.due_at - delivery.put_at)
            .to_std()
            .unwrap_or_default();
        if delivery.failures <= delivery.rule.max_retries && age <= delivery.rule.max_age {
            tracing::warn!(operation = operation.name, %error, "an event failed");
            self.queue().waiting.push(delivery);
        } else {
            tracing::error!(operation = operation.name, rule = delivery.rule.name, %error, "an event used up its retries: it is a dead letter");
            self.queue().dead_letters.push(delivery.event);
        }
        false
    }
}

/// Returns the router of `POST /local/events`, which puts an event such as
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
