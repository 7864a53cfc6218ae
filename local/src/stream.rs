//! The table's stream: hands its records to the functions that the template
//! subscribes to it, as Lambda does.

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc};

use dynoxide::Database;
use functions::App;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    database::{self, DatabaseError},
    gateway,
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
    sources: Vec<StreamSource>,
    /// Where the positions are kept, for databases that outlive the process.
    file: Option<PathBuf>,
    positions: Mutex<HashMap<String, Position>>,
}

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Position {
    /// The last record that was taken.
    sequence_number: Option<String>,
    /// How often the next one has failed.
    failures: u32,
    /// Records that were given up.
    dead_letters: Vec<Value>,
}

impl StreamPump {
    pub(crate) fn new(
        database: Database,
        sources: Vec<StreamSource>,
        file: Option<PathBuf>,
    ) -> Self {
        let kept = file.as_ref().and_then(|file| fs::read(file).ok());
        let positions = kept
            .and_then(|kept| serde_json::from_slice(&kept).ok())
            .unwrap_or_default();
        Self {
            database,
            sources,
            file,
            positions: Mutex::new(positions),
        }
    }

    /// Hands out all records that there are. A subscriber that fails gets the
    /// record again with the next call, until its retries are used up.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn drain(&self, app: &Arc<App>) -> Result<Drained, DatabaseError> {
        let mut positions = self.positions.lock().await;
        let mut drained = Drained::default();
        for source in &self.sources {
            let position = positions.entry(source.operation.clone()).or_default();
            drained.stuck += usize::from(
                !self
                    .drain_one(app, source, position, &mut drained.delivered)
                    .await?,
            );
        }
        if let (Some(file), true) = (&self.file, drained != Drained::default()) {
            let kept = serde_json::to_vec(&*positions)?;
            if let Err(error) = fs::write(file, kept) {
                tracing::warn!(%error, "how far the stream was read cannot be kept");
            }
        }
        Ok(drained)
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
        app: &Arc<App>,
        source: &StreamSource,
        position: &mut Position,
        delivered: &mut usize,
    ) -> Result<bool, DatabaseError> {
        let Some(operation) = functions::operation(&source.operation) else {
            return Ok(true);
        };
        loop {
            let records =
                database::stream_records(&self.database, position.sequence_number.as_deref())?;
            let Some(last) = records.last().and_then(sequence_number) else {
                return Ok(true);
            };
            let wanted: Vec<Value> = records
                .into_iter()
                .filter(|record| {
                    source
                        .filters
                        .iter()
                        .any(|filter| filter.matches(Some(record)))
                })
                .collect();
            for batch in wanted.chunks(source.batch_size.max(1)) {
                let event = json!({ "Records": batch });
                let answer = functions::invoke(app, operation, event, gateway::context()).await;
                let failed = match answer {
                    Err(_) => batch.first(),
                    Ok(answer) => first_failure(&answer, batch),
                };
                let Some(failed) = failed else {
                    *delivered += batch.len();
                    position.failures = 0;
                    position.sequence_number = batch.last().and_then(sequence_number);
                    continue;
                };
                let before: Vec<&Value> = batch
                    .iter()
                    .take_while(|record| *record != failed)
                    .collect();
                *delivered += before.len();
                if let Some(record) = before.last() {
                    position.sequence_number = sequence_number(record);
                    position.failures = 0;
                }
                position.failures += 1;
                if position.failures <= source.max_retries {
                    return Ok(false);
                }
                position.dead_letters.push(failed.clone());
                position.sequence_number = sequence_number(failed);
                position.failures = 0;
                // The records behind it are read anew.
                return Ok(false);
            }
            position.sequence_number = Some(last);
        }
    }
}

fn first_failure<'a>(answer: &Value, batch: &'a [Value]) -> Option<&'a Value> {
    let failures = answer.get("batchItemFailures")?.as_array()?;
    let numbers: Vec<&str> = failures
        .iter()
        .filter_map(|failure| failure.get("itemIdentifier")?.as_str())
        .collect();
    batch.iter().find(|record| {
        sequence_number(record).is_some_and(|number| numbers.contains(&number.as_str()))
    })
}

fn sequence_number(record: &Value) -> Option<String> {
    record
        .pointer("/dynamodb/SequenceNumber")?
        .as_str()
        .map(str::to_owned)
}
