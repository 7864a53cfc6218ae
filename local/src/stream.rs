//! The reader of the table's stream: it delivers records to the functions that
//! subscribe in the template, as Lambda does.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::PathBuf,
};

use dynoxide::Database;
use functions::{Clock, Operation};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    database::{self, DatabaseError, Stream},
    invocation::{InvocationError, Lambda},
    persist,
    template::StreamSource,
    webhook::Webhook,
};

/// The result of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// The number of records that functions processed.
    pub delivered: usize,
    /// The number of subscribers whose next record failed and will be retried.
    pub stuck: usize,
}

/// Delivers records to the stream's subscribers, and saves each one's position.
pub struct StreamPump {
    stream: Stream,
    /// The database's file, whose records are trimmed.
    database_file: Option<PathBuf>,
    sources: Vec<StreamSource>,
    /// The receiver of audit events, and the pipe that leads to it.
    webhook: Option<(StreamSource, Webhook)>,
    clock: Clock,
    /// The file of the positions, for a database that outlives the process.
    file: Option<PathBuf>,
    positions: Mutex<Positions>,
}

/// The subscribers' positions, by name.
type Positions = HashMap<String, Position>;

/// The content of the file.
#[derive(serde::Serialize, serde::Deserialize)]
struct SavedPositions {
    /// The stream that the sequence numbers belong to.
    stream_arn: String,
    positions: Positions,
}

#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Position {
    /// The last processed record.
    sequence_number: Option<String>,
    /// The failures of the next record.
    failures: u32,
    /// The records that used up their retries.
    dead_letters: Vec<Value>,
}

impl StreamPump {
    /// Continues at the positions of the file. Without a file it starts with the
    /// oldest record, because functions recognize records that they have processed.
    pub(crate) fn new(
        database: Database,
        sources: Vec<StreamSource>,
        webhook: Option<(StreamSource, Webhook)>,
        clock: Clock,
        database_file: Option<PathBuf>,
        file: Option<PathBuf>,
    ) -> Result<Self, DatabaseError> {
        let stream = Stream::of(database)?;
        let saved = file.as_ref().and_then(|file| fs::read(file).ok());
        let saved = saved.and_then(|saved| serde_json::from_slice::<SavedPositions>(&saved).ok());
        let positions = saved
            .filter(|saved| saved.stream_arn == stream.arn)
            .map(|saved| saved.positions)
            .unwrap_or_default();
        Ok(Self {
            stream,
            database_file,
            sources,
            webhook,
            clock,
            file,
            positions: Mutex::new(positions),
        })
    }

    /// Delivers all new records. A subscriber that fails gets the record again
    /// with the next call, until its retries are used up.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn drain(&self, lambda: &Lambda) -> Result<Drained, DatabaseError> {
        let mut positions = self.positions.lock().await;
        let before = positions.clone();
        let mut drained = Drained::default();
        let mut outcome = Ok(());
        let piped = self.webhook.iter().map(|(pipe, _)| pipe);
        for source in self.sources.iter().chain(piped) {
            let position = positions.entry(source.name.clone()).or_default();
            match self
                .drain_one(lambda, source, position, &mut drained.delivered)
                .await
            {
                Ok(is_done) => drained.stuck += usize::from(!is_done),
                // The other subscribers continue.
                Err(error) => outcome = Err(error),
            }
        }
        if let Some(file) = &self.file
            && *positions != before
        {
            let saved = SavedPositions {
                stream_arn: self.stream.arn.clone(),
                positions: positions.clone(),
            };
            if let Err(error) = persist::replace(file, &serde_json::to_vec(&saved)?) {
                tracing::warn!(%error, "the stream's positions cannot be saved");
            }
        }
        outcome.map(|()| drained)
    }

    /// Removes the records that are older than AWS keeps them. A record that a subscriber
    /// has not processed stays: it may have waited while the stack was off.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn trim(&self) -> Result<(), DatabaseError> {
        let Some(file) = &self.database_file else {
            return Ok(());
        };
        let piped = self.webhook.iter().map(|(pipe, _)| pipe);
        let positions = self.positions.lock().await;
        let passed = self.sources.iter().chain(piped).map(|source| {
            let position = positions.get(&source.name)?;
            position.sequence_number.as_deref()
        });
        // They all have 21 digits, so the least is the first as text.
        if let Some(Some(passed)) = passed.min() {
            database::trim_stream(file, self.clock.now(), passed)?;
        }
        Ok(())
    }

    /// Returns all records of the stream, as another reader would get them.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn records(&self) -> Result<Vec<Value>, DatabaseError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let records = self.stream.records(after.as_deref())?;
            after = records.last().and_then(sequence_number);
            if after.is_none() {
                return Ok(all);
            }
            all.extend(records);
        }
    }

    /// Returns the records that AWS would put into the dead-letter queue.
    pub async fn dead_letters(&self) -> Vec<Value> {
        let positions = self.positions.lock().await;
        positions
            .values()
            .flat_map(|position| position.dead_letters.clone())
            .collect()
    }

    /// Delivers to one subscriber, and returns whether it has processed all records.
    async fn drain_one(
        &self,
        lambda: &Lambda,
        source: &StreamSource,
        position: &mut Position,
        delivered: &mut usize,
    ) -> Result<bool, DatabaseError> {
        let Some(operation) = functions::operation(&source.operation) else {
            return Ok(true);
        };
        'reading: loop {
            let after = position.sequence_number.as_deref();
            let records = self.stream.records(after)?;
            let Some(last) = records.last().and_then(sequence_number) else {
                return Ok(true);
            };
            let accepted: Vec<Value> = records
                .into_iter()
                .filter(|record| source.accepts(record))
                .collect();
            let mut batches: VecDeque<&[Value]> = accepted.chunks(source.batch_size).collect();
            while let Some(batch) = batches.pop_front() {
                let processed = match self.process(lambda, source, operation, batch).await {
                    Ok(processed) => processed,
                    Err(_) if source.bisects && batch.len() > 1 => {
                        let (first, second) = batch.split_at(batch.len() / 2);
                        batches.push_front(second);
                        batches.push_front(first);
                        continue;
                    }
                    Err(error) => {
                        tracing::warn!(operation = operation.name, %error, "a batch failed");
                        0
                    }
                };
                *delivered += processed;
                let (before, rest) = batch.split_at_checked(processed).unwrap_or((batch, &[]));
                if let Some(record) = before.last() {
                    position.sequence_number = sequence_number(record);
                    position.failures = 0;
                }
                let Some(failed) = rest.first() else { continue };
                position.failures = position.failures.saturating_add(1);
                if position.failures <= source.max_retries && !self.is_too_old(source, failed) {
                    return Ok(false);
                }
                tracing::error!(
                    operation = operation.name,
                    record = sequence_number(failed),
                    "a record used up its retries: it is a dead letter"
                );
                position.dead_letters.push(failed.clone());
                position.sequence_number = sequence_number(failed);
                position.failures = 0;
                continue 'reading;
            }
            position.sequence_number = Some(last);
        }
    }

    /// Calls a subscriber with a batch, and returns the number of records it has processed.
    async fn process(
        &self,
        lambda: &Lambda,
        source: &StreamSource,
        operation: &'static Operation,
        batch: &[Value],
    ) -> Result<usize, InvocationError> {
        let webhook = self.webhook.as_ref();
        let Some((_, webhook)) = webhook.filter(|(pipe, _)| pipe.name == source.name) else {
            let answer = lambda
                .invoke(operation, json!({ "Records": batch }))
                .await?;
            return Ok(processed_records(&answer, batch));
        };
        let described = lambda.invoke(operation, json!(batch)).await?;
        let events = described.as_array().into_iter().flatten();
        for (sent, event) in events.enumerate() {
            if let Err(reason) = webhook.send(event).await {
                tracing::warn!(reason, "the webhook has not taken an event");
                return Ok(sent);
            }
        }
        Ok(batch.len())
    }

    /// Returns whether a failed record is too old for a retry. New records are
    /// not checked: they may have waited while the stack was off.
    fn is_too_old(&self, source: &StreamSource, record: &Value) -> bool {
        let created_at = record.pointer("/dynamodb/ApproximateCreationDateTime");
        let (Some(created_at), Some(max_age)) =
            (created_at.and_then(Value::as_f64), source.max_age)
        else {
            return false;
        };
        let now = self.clock.now().timestamp_millis();
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds fit for 285,000 years"
        )]
        let age = now as f64 / 1000.0 - created_at;
        age > max_age.as_secs_f64()
    }
}

/// Returns the number of processed records of a batch: all before the first
/// that the function reports as failed. A report on an unknown record counts as a
/// failure of all.
fn processed_records(answer: &Value, batch: &[Value]) -> usize {
    let failures = answer
        .get("batchItemFailures")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let places = failures.map(|failure| {
        let named = failure.get("itemIdentifier").and_then(Value::as_str);
        batch
            .iter()
            .position(|record| named.is_some() && sequence_number(record).as_deref() == named)
            .unwrap_or(0)
    });
    places.min().unwrap_or(batch.len())
}

fn sequence_number(record: &Value) -> Option<String> {
    record
        .pointer("/dynamodb/SequenceNumber")?
        .as_str()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_before_first_failure_are_processed() {
        let batch = ["10", "11", "12"].map(|n| json!({ "dynamodb": { "SequenceNumber": n } }));
        let failing = |numbers: &[&str]| {
            let failures: Vec<Value> = numbers
                .iter()
                .map(|number| json!({ "itemIdentifier": number }))
                .collect();
            json!({ "batchItemFailures": failures })
        };
        assert_eq!(processed_records(&failing(&[]), &batch), 3);
        assert_eq!(processed_records(&Value::Null, &batch), 3);
        assert_eq!(processed_records(&failing(&["12"]), &batch), 2);
        assert_eq!(processed_records(&failing(&["12", "11"]), &batch), 1);
        assert_eq!(processed_records(&failing(&["99"]), &batch), 0);
        assert_eq!(processed_records(&failing(&[""]), &batch), 0);
    }
}
