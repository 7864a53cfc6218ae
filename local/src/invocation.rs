//! Lambda's part: invoking an operation with a deadline.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use functions::{App, Operation};
use lambda_runtime::Context;
use serde_json::Value;
use uuid::Uuid;

use crate::template::Template;

tokio::task_local! {
    static OPERATION: String;
}

/// Returns the name of the operation that is being invoked, for a client of AWS's APIs that
/// checks what a function may do.
pub fn current_operation() -> Option<String> {
    OPERATION.try_with(String::clone).ok()
}

/// An invocation without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvocationError {
    /// The operation failed.
    #[error("{0}")]
    Failed(lambda_runtime::Error),
    /// The operation panicked.
    #[error("{0}")]
    Panicked(#[from] tokio::task::JoinError),
}

/// Invokes operations as Lambda does.
#[derive(Clone)]
pub(crate) struct Lambda {
    app: Arc<App>,
    /// The functions' timeouts, by operation.
    timeouts: Arc<BTreeMap<String, Duration>>,
}

impl Lambda {
    pub(crate) fn new(app: Arc<App>, template: &Template) -> Self {
        Self {
            app,
            timeouts: Arc::new(template.timeouts.clone()),
        }
    }

    /// Returns a Lambda that runs the same functions with another app.
    pub(crate) fn with_app(&self, app: Arc<App>) -> Self {
        Self {
            app,
            timeouts: self.timeouts.clone(),
        }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Invokes an operation, in a task of its own: Lambda, too, continues when
    /// the client disconnects, and a panic ends this invocation only.
    pub(crate) async fn invoke(
        &self,
        operation: &'static Operation,
        event: Value,
    ) -> Result<Value, InvocationError> {
        let app = self.app.clone();
        let mut context = Context::default();
        context.request_id = Uuid::now_v7().to_string();
        if let Some(timeout) = self.timeouts.get(operation.name) {
            context.deadline = deadline(*timeout);
        }
        let invocation = async move { functions::invoke(&app, operation, event, context).await };
        let invoked = tokio::spawn(OPERATION.scope(operation.name.to_owned(), invocation));
        invoked.await?.map_err(InvocationError::Failed)
    }
}

/// Returns the end of a timeout that starts now, in milliseconds since 1970.
/// Functions compare it with the system's time, not with the stack's clock.
fn deadline(timeout: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let end = now.unwrap_or_default().saturating_add(timeout);
    u64::try_from(end.as_millis()).unwrap_or(u64::MAX)
}
