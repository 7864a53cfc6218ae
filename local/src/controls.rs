//! The controls for tests of a product: the time, the background work, and a fresh start.
//! With sign-in and the caught emails they are the API of `docs/local-api.md`.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use dynoxide::Database;
use functions::StoreError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    background::{self, Settling},
    database::{self, DatabaseError},
    mail_catcher::MailCatcher,
    movable_clock::{ClockError, MovableClock},
    parts::Parts,
    provider::Provider,
    template::Template,
};

/// The parts that the controls act on.
#[derive(Clone)]
struct Controls {
    clock: MovableClock,
    settling: Settling,
    database: Database,
    template: Arc<Template>,
    mail_catcher: MailCatcher,
    provider: Arc<Provider>,
}

/// Returns the router of the controls.
pub(crate) fn router(parts: &Parts) -> Router {
    Router::new()
        .route("/local/health", get(health))
        .route("/local/clock", get(clock).post(move_clock))
        .route("/local/run/{operation}", post(run))
        .route("/local/reset", post(reset))
        .with_state(Controls {
            clock: parts.movable_clock.clone(),
            settling: Settling::of(parts),
            database: parts.database.clone(),
            template: parts.template.clone(),
            mail_catcher: parts.mail_catcher.clone(),
            provider: parts.provider.clone(),
        })
}

/// A refused or failed control, in the form of a message.
pub(crate) struct Problem(StatusCode, String);

impl Problem {
    /// Returns the refusal of a malformed request.
    pub(crate) fn bad_request(message: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, message.to_string())
    }
}

impl From<ClockError> for Problem {
    fn from(error: ClockError) -> Self {
        Self::bad_request(error)
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ready", "version": env!("CARGO_PKG_VERSION") }))
}

async fn clock(State(controls): State<Controls>) -> Json<Value> {
    Json(json!({ "now": controls.clock.now() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveClock {
    now: Option<DateTime<Utc>>,
    advance_seconds: Option<i64>,
}

async fn move_clock(State(controls): State<Controls>, body: Bytes) -> Result<Json<Value>, Problem> {
    let wish: MoveClock = serde_json::from_slice(&body).map_err(Problem::bad_request)?;
    match (wish.now, wish.advance_seconds) {
        (Some(now), None) => controls.clock.advance_to(now)?,
        (None, Some(seconds)) => {
            let by = TimeDelta::try_seconds(seconds).ok_or(ClockError::TooFar)?;
            controls.clock.advance(by)?;
        }
        _ => {
            let message = "give either `now`, a time, or `advance_seconds`";
            return Err(Problem::bad_request(message));
        }
    }
    Ok(clock(State(controls)).await)
}

/// Runs a scheduled operation, and delivers the events that it has recorded.
async fn run(
    State(controls): State<Controls>,
    Path(operation): Path<String>,
) -> Result<Json<Value>, Problem> {
    let mut schedules = controls.template.schedules.iter();
    let Some(schedule) = schedules.find(|schedule| schedule.operation == operation) else {
        let names = controls.template.schedules.iter();
        let names: Vec<&str> = names.map(|schedule| &*schedule.operation).collect();
        let message = format!(
            "`{operation}` is no operation with a schedule, which are: {}",
            names.join(", ")
        );
        return Err(Problem(StatusCode::NOT_FOUND, message));
    };
    let (lambda, clock) = (&controls.settling.lambda, controls.clock.clock());
    if let Err(error) = background::invoke_scheduled(lambda, &clock, &schedule.operation).await {
        let message = format!("`{operation}` failed: {error}");
        return Err(Problem(StatusCode::INTERNAL_SERVER_ERROR, message));
    }
    controls.settling.settle().await?;
    Ok(Json(json!({ "operation": operation })))
}

/// Deletes all data, and puts the clock back. The stack's keys stay.
async fn reset(State(controls): State<Controls>) -> Result<StatusCode, Problem> {
    // Otherwise the emails of deleted items would follow.
    controls.settling.settle().await?;
    let (database, template) = (controls.database.clone(), controls.template.clone());
    let cleared = tokio::task::spawn_blocking(move || database::clear(&database, &template));
    let failed = |error| Problem(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}"));
    cleared.await.map_err(failed)??;
    controls.settling.lambda.app().claim_table().await?;
    let failed = |error| Problem(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}"));
    controls.settling.events.clear();
    controls.mail_catcher.clear().map_err(failed)?;
    controls.provider.clear().map_err(failed)?;
    controls.clock.reset();
    Ok(StatusCode::NO_CONTENT)
}
