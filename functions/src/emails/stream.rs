//! The records of the table's stream, in order.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use serde_json::{Value, json};
use store::StoreError;

use crate::{error::Error, error_chain};

/// Reads the records of an event.
///
/// # Errors
/// [`Error::Event`] when it is not a stream's event.
pub(crate) fn records(event: Value) -> Result<Vec<EventRecord>, Error> {
    Ok(serde_json::from_value::<Event>(event)?.records)
}

/// The progress through a batch. Lambda delivers again from the first record that
/// failed.
#[derive(Debug, Default)]
pub(super) struct Progress {
    failed: Option<String>,
}

impl Progress {
    /// Tracks the outcome of a record. Returns whether to continue with the next: Lambda
    /// delivers the records after a failed one again with it.
    pub(super) fn note(&mut self, record: &EventRecord, outcome: Result<(), Error>) -> bool {
        let Err(error) = outcome else { return true };
        let chain = error_chain::chain(&error);
        if matches!(error, Error::Store(StoreError::Corrupt(_))) {
            tracing::error!(
                event_id = record.event_id,
                error = chain,
                "a record of the stream cannot be read"
            );
            return true;
        }
        tracing::warn!(
            event_id = record.event_id,
            error = chain,
            "a record of the stream will be tried again"
        );
        self.failed = Some(record.change.sequence_number.clone().unwrap_or_default());
        false
    }

    pub(super) fn into_output(self) -> Value {
        let failures: Vec<Value> = self
            .failed
            .into_iter()
            .map(|number| json!({ "itemIdentifier": number }))
            .collect();
        json!({ "batchItemFailures": failures })
    }
}
