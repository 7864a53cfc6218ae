//! The embedded DynamoDB: SQLite behind DynamoDB's own HTTP API.

use std::{path::Path, sync::Arc};

use dynoxide::{Database, DynoxideError, storage_backend};
use functions::Clock;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::template::Template;

/// The table's name, as the deployed functions get it in `TABLE_NAME`.
pub(crate) const TABLE: &str = "organizations";

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file is no database, or of no use.
    #[error("the database `{path}` cannot be opened: {source}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        source: DynoxideError,
    },
    /// A request failed.
    #[error("the database failed: {0}")]
    Failed(#[from] DynoxideError),
    /// A request or an answer is not as expected.
    #[error("the database answered in an unexpected way: {0}")]
    Unexpected(#[from] serde_json::Error),
    /// The table has no stream.
    #[error("the database's table has no stream")]
    NoStream,
}

/// Where items that have expired are decided by: the same clock as everything else's.
struct TtlClock(Clock);

impl storage_backend::Clock for TtlClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().timestamp()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        let now = self.0.now();
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds fit for 285,000 years"
        )]
        let milliseconds = now.timestamp_millis() as f64;
        milliseconds / 1000.0
    }
}

/// Opens the database, in memory without a path, and makes the template's table
/// unless it is there.
pub(crate) fn open(
    path: Option<&Path>,
    clock: &Clock,
    template: &Template,
) -> Result<Database, DatabaseError> {
    let database = match path {
        None => Database::memory_with_clock(Arc::new(TtlClock(clock.clone())))?,
        Some(path) => {
            let path = path.display().to_string();
            Database::new(&path).map_err(|source| DatabaseError::Open { path, source })?
        }
    };
    let describe = request(json!({ "TableName": TABLE }))?;
    match database.describe_table(describe) {
        Ok(_) => return Ok(database),
        Err(DynoxideError::ResourceNotFoundException(_)) => {}
        Err(source) => {
            let path = path
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            return Err(DatabaseError::Open { path, source });
        }
    }
    let mut create = template.table.clone();
    if let Some(create) = create.as_object_mut() {
        create.insert("TableName".to_owned(), json!(TABLE));
    }
    database.create_table(request(create)?)?;
    database.update_time_to_live(request(json!({
        "TableName": TABLE,
        "TimeToLiveSpecification": { "AttributeName": template.ttl_attribute, "Enabled": true },
    }))?)?;
    Ok(database)
}

/// Reads the table's stream: the records behind a sequence number, or all.
pub(crate) fn stream_records(
    database: &Database,
    after: Option<&str>,
) -> Result<Vec<Value>, DatabaseError> {
    let table =
        serde_json::to_value(database.describe_table(request(json!({ "TableName": TABLE }))?)?)?;
    let arn = table
        .pointer("/Table/LatestStreamArn")
        .ok_or(DatabaseError::NoStream)?;
    let stream = database.describe_stream(request(json!({ "StreamArn": arn }))?)?;
    let stream = serde_json::to_value(stream)?;
    let shard = stream
        .pointer("/StreamDescription/Shards/0/ShardId")
        .ok_or(DatabaseError::NoStream)?;
    let iterator = match after {
        None => json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" }),
        Some(after) => json!({
            "StreamArn": arn, "ShardId": shard,
            "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after,
        }),
    };
    let mut iterator = database
        .get_shard_iterator(request(iterator)?)?
        .shard_iterator;
    let mut all = Vec::new();
    while let Some(present) = iterator {
        let answer = database.get_records(request(json!({ "ShardIterator": present }))?)?;
        if answer.records.is_empty() {
            break;
        }
        for record in answer.records {
            all.push(serde_json::to_value(record)?);
        }
        iterator = answer.next_shard_iterator;
    }
    Ok(all)
}

fn request<T: DeserializeOwned>(json: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(json)
}
