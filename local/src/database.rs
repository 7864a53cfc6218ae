//! The embedded DynamoDB: SQLite behind DynamoDB's HTTP API.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use dynoxide::{Database, DynoxideError, storage_backend};
use functions::Clock;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::template::Template;

/// The table's name, which deployed functions read from `TABLE_NAME`.
pub(crate) const TABLE: &str = "organizations";

/// How long the stream keeps its records, on AWS too.
const STREAM_RETENTION: TimeDelta = TimeDelta::hours(24);
/// How long a second connection waits for the first one.
const BUSY: Duration = Duration::from_secs(5);

/// An error of the database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file is not a database, or a broken one.
    #[error(
        "the database `{path}` cannot be opened: {}; move it away to start with an empty one",
        first_sentence(source)
    )]
    Open {
        /// The file.
        path: String,
        /// The cause.
        source: DynoxideError,
    },
    /// A request failed.
    #[error("the database failed: {0}")]
    Failed(#[from] DynoxideError),
    /// The records of the stream cannot be indexed or trimmed.
    #[error("the stream's records cannot be changed: {0}")]
    Records(#[from] rusqlite::Error),
    /// A request or a response has an unexpected form.
    #[error("unexpected request or response of the database: {0}")]
    Unexpected(#[from] serde_json::Error),
    /// The table differs from the template's.
    #[error(
        "the database `{path}` has a table that differs from the template's; move it away to start with an empty one"
    )]
    OtherTable {
        /// The file.
        path: String,
    },
    /// The table has no stream.
    #[error("the database's table has no stream")]
    NoStream,
}

/// Returns the first sentence of an error. The others advise on features that
/// this build does not have.
fn first_sentence(error: &DynoxideError) -> String {
    let text = error.to_string();
    let first = text.split(". ").next().unwrap_or_default();
    first.trim_end_matches('.').to_owned()
}

/// The stack's clock, for the expiry of items.
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

/// Opens the database, in memory without a path, and creates the template's
/// table if missing.
pub(crate) fn open(
    path: Option<&Path>,
    clock: &Clock,
    template: &Template,
) -> Result<Database, DatabaseError> {
    let path = path.map(|path| path.display().to_string());
    let database = match &path {
        None => Database::memory_with_clock(Arc::new(TtlClock(clock.clone()))),
        Some(path) => Database::new(path),
    };
    let path = path.unwrap_or_default();
    let unusable = |source| DatabaseError::Open {
        path: path.clone(),
        source,
    };
    let database = database.map_err(unusable)?;
    match describe(&database) {
        Ok(table) if matches(&table, &template.table) => {}
        Ok(_) => return Err(DatabaseError::OtherTable { path }),
        Err(DatabaseError::Failed(DynoxideError::ResourceNotFoundException(_))) => {
            let mut create = template.table.clone();
            if let Some(create) = create.as_object_mut() {
                create.insert("TableName".to_owned(), json!(TABLE));
            }
            database.create_table(request(create)?).map_err(unusable)?;
        }
        Err(DatabaseError::Failed(source)) => return Err(unusable(source)),
        Err(error) => return Err(error),
    }
    let ttl = database.describe_time_to_live(request(json!({ "TableName": TABLE }))?)?;
    let ttl = serde_json::to_value(ttl)?;
    let status = ttl.pointer("/TimeToLiveDescription/TimeToLiveStatus");
    if status.and_then(Value::as_str) != Some("ENABLED") {
        database.update_time_to_live(request(json!({
            "TableName": TABLE,
            "TimeToLiveSpecification": { "AttributeName": template.ttl_attribute, "Enabled": true },
        }))?)?;
    }
    match path.as_str() {
        "" => {
            // Only a snapshot's file can be changed; it has the indexes when it comes back.
            let snapshot = std::env::temp_dir().join(format!("{}.db", Uuid::now_v7()));
            let path = snapshot.display().to_string();
            database.vacuum_into(&path)?;
            let indexed = index_stream(&snapshot).and_then(|()| Ok(database.restore_from(&path)?));
            // What is left behind is small and empty.
            drop(std::fs::remove_file(snapshot));
            indexed?;
        }
        path => index_stream(Path::new(path))?,
    }
    Ok(database)
}

fn index_stream(path: &Path) -> Result<(), DatabaseError> {
    Ok(records_of(path)?.execute_batch(STREAM_INDEXES)?)
}

/// The indexes that the database's own queries need: each write asks for the last sequence
/// number of the table, and each reader for the next records of a shard.
const STREAM_INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS stream_by_sequence_number
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE INDEX IF NOT EXISTS stream_by_shard_and_sequence_number
        ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
    CREATE INDEX IF NOT EXISTS stream_by_time ON _stream_records (created_at);";

/// Opens the file of the database, for the records that its API cannot change.
fn records_of(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// Removes the stream's records that are older than AWS keeps them, up to the sequence
/// number that all readers have passed. Returns their number.
pub(crate) fn trim_stream(
    path: &Path,
    now: DateTime<Utc>,
    passed: &str,
) -> Result<usize, DatabaseError> {
    // A sequence number has 21 digits, of which the leading ones are not stored.
    Ok(records_of(path)?.execute(
        "DELETE FROM _stream_records
         WHERE created_at < ?1 AND printf('1%020d', sequence_number) <= ?2",
        ((now - STREAM_RETENTION).timestamp(), passed),
    )?)
}

/// Deletes all items.
pub(crate) fn clear(database: &Database, template: &Template) -> Result<(), DatabaseError> {
    let schema = template.table.get("KeySchema").and_then(Value::as_array);
    let names = schema.into_iter().flatten();
    let names = names.filter_map(|key| key.get("AttributeName")?.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    loop {
        let keys = json!({ "TableName": TABLE, "ProjectionExpression": names });
        let page = serde_json::to_value(database.scan(request(keys)?)?)?;
        let keys = page.get("Items").and_then(Value::as_array);
        let Some(keys) = keys.filter(|keys| !keys.is_empty()) else {
            return Ok(());
        };
        for key in keys {
            database.delete_item(request(json!({ "TableName": TABLE, "Key": key }))?)?;
        }
    }
}

fn describe(database: &Database) -> Result<Value, DatabaseError> {
    let described = database.describe_table(request(json!({ "TableName": TABLE }))?)?;
    let mut described = serde_json::to_value(described)?;
    Ok(described
        .get_mut("Table")
        .map(Value::take)
        .unwrap_or_default())
}

/// Returns whether a table has the keys, indexes and stream of a `CreateTable` request.
fn matches(table: &Value, input: &Value) -> bool {
    const DECISIVE: [&str; 4] = ["IndexName", "KeySchema", "Projection", "AttributeType"];
    // The order and the table's other properties do not matter.
    let parts = |of: &Value, list: &str| -> Vec<String> {
        let items = of.get(list).and_then(Value::as_array).into_iter().flatten();
        let mut parts: Vec<String> = items
            .map(|item| {
                let name = item.get("AttributeName");
                let rest = DECISIVE.map(|field| item.get(field));
                json!([name, rest]).to_string()
            })
            .collect();
        parts.sort();
        parts
    };
    let lists = ["AttributeDefinitions", "GlobalSecondaryIndexes"];
    lists
        .iter()
        .all(|list| parts(table, list) == parts(input, list))
        && ["KeySchema", "StreamSpecification"]
            .iter()
            .all(|field| table.get(field) == input.get(field))
}

/// The table's stream.
pub(crate) struct Stream {
    database: Database,
    pub(crate) arn: String,
    /// The only shard. To ask for it again would look for the first and last record.
    shard: Value,
}

impl Stream {
    /// Finds the stream.
    pub(crate) fn of(database: Database) -> Result<Self, DatabaseError> {
        let table = describe(&database)?;
        let arn = table.get("LatestStreamArn").and_then(Value::as_str);
        let arn = arn.ok_or(DatabaseError::NoStream)?.to_owned();
        let stream = database.describe_stream(request(json!({ "StreamArn": arn }))?)?;
        let mut stream = serde_json::to_value(stream)?;
        let shard = stream.pointer_mut("/StreamDescription/Shards/0/ShardId");
        let shard = shard.ok_or(DatabaseError::NoStream)?.take();
        Ok(Self {
            database,
            arn,
            shard,
        })
    }

    /// Returns the records after a sequence number, or all, as Lambda passes them on.
    pub(crate) fn records(&self, after: Option<&str>) -> Result<Vec<Value>, DatabaseError> {
        let Self { arn, shard, .. } = self;
        let iterator = match after {
            None => {
                json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" })
            }
            Some(after) => json!({
                "StreamArn": arn, "ShardId": shard,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after,
            }),
        };
        let iterator = self.database.get_shard_iterator(request(iterator)?)?;
        let mut iterator = iterator.shard_iterator;
        let mut all = Vec::new();
        while let Some(present) = iterator {
            let present = request(json!({ "ShardIterator": present }))?;
            let answer = self.database.get_records(present)?;
            if answer.records.is_empty() {
                break;
            }
            for record in answer.records {
                let mut record = serde_json::to_value(record)?;
                if let Some(record) = record.as_object_mut() {
                    record.insert("eventSourceARN".to_owned(), json!(arn));
                }
                all.push(record);
            }
            iterator = answer.next_shard_iterator;
        }
        Ok(all)
    }
}

fn request<T: DeserializeOwned>(json: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        Template::read(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../template.yaml"
        )))
        .unwrap()
    }

    #[test]
    fn created_table_matches_the_template() {
        let template = template();
        let database = open(None, &Clock::system(), &template).unwrap();
        let table = describe(&database).unwrap();
        assert!(matches(&table, &template.table), "{table}");
        for (field, other) in [
            ("KeySchema", json!([])),
            ("GlobalSecondaryIndexes", json!([])),
            ("AttributeDefinitions", json!([])),
            ("StreamSpecification", Value::Null),
        ] {
            let mut input = template.table.clone();
            input[field] = other;
            assert!(!matches(&table, &input), "{field}");
        }
    }

    /// A database file with an item, in a folder that is removed at the end.
    struct File(std::path::PathBuf);

    impl File {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let file = Self(folder);
            let database = file.open();
            for number in 0..3 {
                let item = json!({ "pk": { "S": "A" }, "sk": { "S": number.to_string() } });
                let put = json!({ "TableName": TABLE, "Item": item });
                database.put_item(request(put).unwrap()).unwrap();
            }
            file
        }

        fn path(&self) -> std::path::PathBuf {
            self.0.join("organizations.db")
        }

        fn open(&self) -> Database {
            open(Some(&self.path()), &Clock::system(), &template()).unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn old_records_that_all_readers_passed_are_trimmed() {
        let file = File::new("trim");
        let stream = Stream::of(file.open()).unwrap();
        let records = stream.records(None).unwrap();
        assert_eq!(records.len(), 3);
        let numbers = records.iter().map(|record| {
            let number = record.pointer("/dynamodb/SequenceNumber").unwrap();
            number.as_str().unwrap().to_owned()
        });
        let numbers: Vec<String> = numbers.collect();
        let trim = |now, passed: &str| trim_stream(&file.path(), now, passed).unwrap();
        let now = Utc::now();
        assert_eq!(trim(now, &numbers[2]), 0, "all are young");
        let tomorrow = now + STREAM_RETENTION + TimeDelta::minutes(1);
        assert_eq!(trim(tomorrow, &numbers[1]), 2);
        assert_eq!(stream.records(None).unwrap().len(), 1);
    }

    #[test]
    fn queries_of_the_stream_use_an_index() {
        let file = File::new("index");
        let connection = records_of(&file.path()).unwrap();
        for query in [
            "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
             WHERE table_name = 'organizations'",
            "SELECT event_name FROM _stream_records
             WHERE table_name = 'organizations' AND shard_id = 'x'
             AND CAST(sequence_number AS INTEGER) > 7
             ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 5",
            "DELETE FROM _stream_records
             WHERE created_at < 7 AND printf('1%020d', sequence_number) <= '7'",
        ] {
            let plan: String = connection
                .query_row(&format!("EXPLAIN QUERY PLAN {query}"), (), |row| row.get(3))
                .unwrap();
            assert!(
                plan.starts_with("SEARCH") && plan.contains("INDEX"),
                "{plan}"
            );
        }
    }

    #[test]
    fn new_stream_is_empty() {
        let database = open(None, &Clock::system(), &template()).unwrap();
        let stream = Stream::of(database).unwrap();
        assert!(stream.records(None).unwrap().is_empty());
    }
}
