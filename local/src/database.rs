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
    #[error(
        "the database `{path}` cannot be opened: {}; move it away to begin with an empty one",
        first_sentence(source)
    )]
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
    /// The table is not the template's.
    #[error(
        "the database `{path}` has another table than the template; move it away to begin with an empty one"
    )]
    OtherTable {
        /// The file.
        path: String,
    },
    /// The table has no stream.
    #[error("the database's table has no stream")]
    NoStream,
}

/// The others advise about features that this build does not have.
fn first_sentence(error: &DynoxideError) -> String {
    let text = error.to_string();
    let first = text.split(". ").next().unwrap_or_default();
    first.trim_end_matches('.').to_owned()
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
    Ok(database)
}

fn describe(database: &Database) -> Result<Value, DatabaseError> {
    let described = database.describe_table(request(json!({ "TableName": TABLE }))?)?;
    let mut described = serde_json::to_value(described)?;
    Ok(described
        .get_mut("Table")
        .map(Value::take)
        .unwrap_or_default())
}

/// Whether a table has the keys, the indexes and the stream of a `CreateTable` request.
fn matches(table: &Value, input: &Value) -> bool {
    const DECISIVE: [&str; 4] = ["IndexName", "KeySchema", "Projection", "AttributeType"];
    // What the order, or what the table has besides, is of no consequence.
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
pub(crate) fn stream_arn(database: &Database) -> Result<String, DatabaseError> {
    let table = describe(database)?;
    let arn = table.get("LatestStreamArn").and_then(Value::as_str);
    arn.map(str::to_owned).ok_or(DatabaseError::NoStream)
}

/// Reads a stream: the records behind a sequence number, or all, as Lambda
/// passes them on.
pub(crate) fn stream_records(
    database: &Database,
    arn: &str,
    after: Option<&str>,
) -> Result<Vec<Value>, DatabaseError> {
    let stream = database.describe_stream(request(json!({ "StreamArn": arn }))?)?;
    let stream = serde_json::to_value(stream)?;
    let Some(shard) = stream.pointer("/StreamDescription/Shards/0/ShardId") else {
        return Ok(Vec::new());
    };
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
    fn the_table_that_was_made_is_the_templates() {
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

    #[test]
    fn a_stream_without_records_is_empty() {
        let database = open(None, &Clock::system(), &template()).unwrap();
        let arn = stream_arn(&database).unwrap();
        assert!(stream_records(&database, &arn, None).unwrap().is_empty());
    }
}
