//! Records of the table's stream, one after the other.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use serde_json::{Value, json};
use store::StoreError;

use crate::{failure::Failure, telemetry};

/// Reads the records of an event.
///
/// # Errors
/// [`Failure::Event`] when it is no event of a stream's.
pub(super) fn records(event: Value) -> Result<Vec<EventRecord>, Failure> {
    Ok(serde_json::from_value::<Event>(event)?.records)
}

/// What a stream's function answers: the first record that failed, from which
/// on Lambda delivers again; nothing when all went well.
#[derive(Debug, Default)]
pub(super) struct Progress {
    failed: Option<String>,
}

impl Progress {
    /// Notes what became of a record. Gives whether to go on with the next:
    /// what follows a failed one is delivered again with it.
    pub(super) fn note(&mut self, record: &EventRecord, outcome: Result<(), Failure>) -> bool {
        let Err(failure) = outcome else { return true };
        let error = telemetry::chain(&failure);
        if matches!(failure, Failure::Store(StoreError::Corrupt(_))) {
            tracing::error!(
                event_id = record.event_id,
                error,
                "a record of the stream cannot be read"
            );
            return true;
        }
        tracing::warn!(
            event_id = record.event_id,
            error,
            "a record of the stream will be tried again"
        );
        self.failed = Some(record.change.sequence_number.clone().unwrap_or_default());
        false
    }

    pub(super) fn into_answer(self) -> Value {
        let failures: Vec<Value> = self
            .failed
            .into_iter()
            .map(|number| json!({ "itemIdentifier": number }))
            .collect();
        json!({ "batchItemFailures": failures })
    }
}
