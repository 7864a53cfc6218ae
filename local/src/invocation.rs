//! Calling an operation as Lambda does.

use std::sync::Arc;

use functions::{App, Operation};
use lambda_runtime::Context;
use serde_json::Value;
use uuid::Uuid;

/// Why an operation gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvocationError {
    /// It failed.
    #[error("{0}")]
    Failed(lambda_runtime::Error),
    /// It panicked.
    #[error("{0}")]
    Panicked(#[from] tokio::task::JoinError),
}

/// Calls an operation. It runs in a task of its own: Lambda, too, goes on when
/// a client hangs up, and a panic is the function's alone.
pub(crate) async fn invoke(
    app: &Arc<App>,
    operation: &'static Operation,
    event: Value,
) -> Result<Value, InvocationError> {
    let app = app.clone();
    let mut context = Context::default();
    context.request_id = Uuid::now_v7().to_string();
    let invoked =
        tokio::spawn(async move { functions::invoke(&app, operation, event, context).await });
    invoked.await?.map_err(InvocationError::Failed)
}
