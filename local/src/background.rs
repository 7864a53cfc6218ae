//! The work that AWS does in the background: the stream, the event bus, the
//! schedules and the TTL sweep.

use std::{sync::Arc, time::Duration};

use functions::Clock;
use serde_json::Map;
use tokio::task::JoinSet;

use crate::{
    database::DatabaseError,
    event_bus::{self, EventBus, PutEvent},
    invocation::{InvocationError, Lambda},
    parts::Parts,
    shutdown::Shutdown,
    stream::{Drained, StreamPump},
};

const STREAM_POLL: Duration = Duration::from_millis(250);
/// The pause after the stream could not be read, or a function failed.
const STREAM_RETRY: Duration = Duration::from_secs(2);
const EVENT_POLL: Duration = Duration::from_millis(500);
/// The pause between two sweeps of expired items, which DynamoDB deletes on its own.
const TTL_SWEEP: Duration = Duration::from_secs(60);

/// Starts the background tasks.
pub(crate) fn spawn(parts: &Parts, shutdown: &Shutdown, tasks: &mut JoinSet<()>) {
    let (pump, lambda) = (parts.pump.clone(), parts.lambda.clone());
    tasks.spawn(until(shutdown.started(), async move {
        loop {
            let pause = match pump.drain(&lambda).await {
                Ok(Drained { stuck: 0, .. }) => STREAM_POLL,
                Ok(_) => STREAM_RETRY,
                Err(error) => {
                    tracing::error!(%error, "the stream cannot be read");
                    STREAM_RETRY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }));
    let (events, lambda) = (parts.events.clone(), parts.lambda.clone());
    tasks.spawn(until(shutdown.started(), async move {
        loop {
            events.deliver(&lambda).await;
            tokio::time::sleep(EVENT_POLL).await;
        }
    }));
    for schedule in parts.template.schedules.clone() {
        let (lambda, clock) = (parts.lambda.clone(), parts.clock.clone());
        tasks.spawn(until(shutdown.started(), async move {
            // The first tick is immediate: items may have expired while the stack was off.
            let mut interval = tokio::time::interval(schedule.every);
            loop {
                interval.tick().await;
                run_scheduled(&lambda, &clock, &schedule.operation).await;
            }
        }));
    }
    let (database, pump) = (parts.database.clone(), parts.pump.clone());
    tasks.spawn(until(shutdown.started(), async move {
        let mut interval = tokio::time::interval(TTL_SWEEP);
        loop {
            interval.tick().await;
            let database = database.clone();
            let swept = tokio::task::spawn_blocking(move || database.sweep_ttl());
            if let Ok(Err(error)) = swept.await {
                tracing::error!(%error, "expired items cannot be deleted");
            }
            if let Err(error) = pump.trim().await {
                tracing::error!(%error, "the stream cannot be trimmed");
            }
        }
    }));
}

async fn until(stopped: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stopped => {}
        () = work => {}
    }
}

/// The stream and the event bus, for callers that want the effects of a change now.
#[derive(Clone)]
pub(crate) struct Settling {
    pub(crate) lambda: Lambda,
    pub(crate) events: EventBus,
    pump: Arc<StreamPump>,
}

impl Settling {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            lambda: parts.lambda.clone(),
            events: parts.events.clone(),
            pump: parts.pump.clone(),
        }
    }

    /// Delivers all that is due, and all that follows from it.
    pub(crate) async fn settle(&self) -> Result<(), DatabaseError> {
        loop {
            self.events.deliver(&self.lambda).await;
            if self.pump.drain(&self.lambda).await?.delivered == 0 {
                return Ok(());
            }
        }
    }
}

/// Runs an operation as its schedule does, and logs a failure.
pub(crate) async fn run_scheduled(lambda: &Lambda, clock: &Clock, operation: &str) {
    if let Err(error) = invoke_scheduled(lambda, clock, operation).await {
        tracing::error!(operation, %error, "a scheduled operation failed");
    }
}

/// Invokes an operation with the event of an EventBridge schedule.
pub(crate) async fn invoke_scheduled(
    lambda: &Lambda,
    clock: &Clock,
    operation: &str,
) -> Result<(), InvocationError> {
    let Some(operation) = functions::operation(operation) else {
        return Ok(());
    };
    let event = PutEvent {
        id: None,
        source: "aws.events".to_owned(),
        detail_type: "Scheduled Event".to_owned(),
        detail: Map::new(),
        resources: Vec::new(),
    };
    let event = event_bus::envelope(event, clock.now());
    lambda.invoke(operation, event).await.map(|_| ())
}
