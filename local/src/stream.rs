//! The table's stream: hands its records to the functions that the template
//! subscribes to it, as Lambda does.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::PathBuf,
};

use dynoxide::Database;
use functions::Clock;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    database::{self, DatabaseError},
    invocation::Lambda,
    persist,
    template::StreamSource,
};

/// What handing out the stream came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// How many records were taken.
    pub delivered: usize,
    /// How many subscribers could not take a record; it will be tried again.
    pub stuck: usize,
}

/// Hands records to the stream's subscribers, and remembers how far each has come.
pub struct StreamPump {
    database: Database,
    stream_arn: String,
    sources: Vec<StreamSource>,
    clock: Clock,
    /// Where the positions are kept, for databases that outlive the process.
    file: Option<PathBuf>,
    positions: Mutex<Positions>,
}

/// How far each subscriber has come, by its name.
type Positions = HashMap<String, Position>;

/// What is kept in a file.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    /// Another stream's sequence numbers would mean nothing.
    stream_arn: String,
    positions: Positions,
}

#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Position {
    /// The last record that was taken.
    sequence_number: Option<String>,
    /// How often the next one has failed.
    failures: u32,
    /// Records that were given up.
    dead_letters: Vec<Value>,
}

impl StreamPump {
    /// Goes on where the file says that it was left. Without one it begins with
    /// the oldest record: the functions know what they have done already.
    pub(crate) fn new(
        database: Database,
        sources: Vec<StreamSource>,
        clock: Clock,
        file: Option<PathBuf>,
    ) -> Result<Self, DatabaseError> {
        let stream_arn = database::stream_arn(&database)?;
        let kept = file.as_ref().and_then(|file| fs::read(file).ok());
        let kept = kept.and_then(|kept| serde_json::from_slice::<Kept>(&kept).ok());
        let positions = kept
            .filter(|kept| kept.stream_arn == stream_arn)
            .map(|kept| kept.positions)
            .unwrap_or_default();
        Ok(Self {
            database,
            stream_arn,
            sources,
            clock,
            file,
            positions: Mutex::new(positions),
        })
    }

    /// Hands out all records that there are. A subscriber that fails gets the
    /// record again with the next call, until its retries are used up.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) async fn drain(&self, lambda: &Lambda) -> Result<Drained, DatabaseError> {
        let mut positions = self.positions.lock().await;
        let before = positions.clone();
        let mut drained = Drained::default();
        let mut outcome = Ok(());
        for source in &self.sources {
            let position = positions.entry(source.name.clone()).or_default();
            match self
                .drain_one(lambda, source, position, &mut drained.delivered)
                .await
            {
                Ok(took_all) => drained.stuck += usize::from(!took_all),
                // The others go on meanwhile.
                Err(error) => outcome = Err(error),
            }
        }
        if let Some(file) = &self.file
            && *positions != before
        {
            let kept = Kept {
                stream_arn: self.stream_arn.clone(),
                positions: positions.clone(),
            };
            if let Err(error) = persist::replace(file, &serde_json::to_vec(&kept)?) {
                tracing::warn!(%error, "how far the stream was read cannot be kept");
            }
        }
        outcome.map(|()| drained)
    }

    /// All records that the stream holds, for whoever reads it besides functions.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn records(&self) -> Result<Vec<Value>, DatabaseError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let after_text: Option<&str> = after.as_deref();
            let records = database::stream_records(&self.database, &self.stream_arn, after_text)?;
            after = records.last().and_then(sequence_number);
            if after.is_none() {
                return Ok(all);
            }
            all.extend(records);
        }
    }

    /// Records that were given up: what AWS would put into the dead-letter queue.
    pub async fn dead_letters(&self) -> Vec<Value> {
        let positions = self.positions.lock().await;
        positions
            .values()
            .flat_map(|position| position.dead_letters.clone())
            .collect()
    }

    /// Gives whether the subscriber took all there is.
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
            let records = database::stream_records(&self.database, &self.stream_arn, after)?;
            let Some(last) = records.last().and_then(sequence_number) else {
                return Ok(true);
            };
            let wanted: Vec<Value> = records
                .into_iter()
                .filter(|record| source.wants(record))
                .collect();
            let mut batches: VecDeque<&[Value]> = wanted.chunks(source.batch_size).collect();
            while let Some(batch) = batches.pop_front() {
                let event = json!({ "Records": batch });
                let taken = match lambda.invoke(operation, event).await {
                    Ok(answer) => taken(&answer, batch),
                    Err(_) if source.bisects && batch.len() > 1 => {
                        let (first, second) = batch.split_at(batch.len() / 2);
                        batches.push_front(second);
                        batches.push_front(first);
                        continue;
                    }
                    Err(error) => {
                        tracing::warn!(operation = operation.name, %error, "records were not taken");
                        0
                    }
                };
                *delivered += taken;
                let (before, rest) = batch.split_at_checked(taken).unwrap_or((batch, &[]));
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
                    "a record is given up: a dead letter"
                );
                position.dead_letters.push(failed.clone());
                position.sequence_number = sequence_number(failed);
                position.failures = 0;
                continue 'reading;
            }
            position.sequence_number = Some(last);
        }
    }

    /// Only asked for records that have failed: what waited while the stack was
    /// off gets a chance.
    fn is_too_old(&self, source: &StreamSource, record: &Value) -> bool {
        let made = record.pointer("/dynamodb/ApproximateCreationDateTime");
        let (Some(made), Some(max_age)) = (made.and_then(Value::as_f64), source.max_age) else {
            return false;
        };
        let now = self.clock.now().timestamp_millis();
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds fit for 285,000 years"
        )]
        let age = now as f64 / 1000.0 - made;
        age > max_age.as_secs_f64()
    }
}

/// How many of a batch's records were taken: all before the first that the
/// function says has failed. An answer that names others counts as a failure of all.
fn taken(answer: &Value, batch: &[Value]) -> usize {
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
    fn what_comes_before_the_first_failure_was_taken() {
        let batch = ["10", "11", "12"].map(|n| json!({ "dynamodb": { "SequenceNumber": n } }));
        let failing = |numbers: &[&str]| {
            let failures: Vec<Value> = numbers
                .iter()
                .map(|number| json!({ "itemIdentifier": number }))
                .collect();
            json!({ "batchItemFailures": failures })
        };
        assert_eq!(taken(&failing(&[]), &batch), 3);
        assert_eq!(taken(&Value::Null, &batch), 3);
        assert_eq!(taken(&failing(&["12"]), &batch), 2);
        assert_eq!(taken(&failing(&["12", "11"]), &batch), 1);
        assert_eq!(taken(&failing(&["99"]), &batch), 0);
        assert_eq!(taken(&failing(&[""]), &batch), 0);
    }
}
