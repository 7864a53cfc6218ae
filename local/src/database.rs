//! The embedded DynamoDB: SQLite behind DynamoDB's HTTP API.

use std::{path::Path, sync::Arc};

use dynoxide::{Database, DynoxideError, storage_backend};
use functions::Clock;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::template::Template;

/// The table's name, which deployed functions read from `TABLE_NAME`.
pub(crate) const TABLE: &str = "organizations";

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
    Ok(database)
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

/// Returns the ARN of the table's stream.
pub(crate) fn stream_arn(database: &Database) -> Result<String, DatabaseError> {
    let table = describe(database)?;
    let arn = table.get("LatestStreamArn").and_then(Value::as_str);
    arn.map(str::to_owned).ok_or(DatabaseError::NoStream)
}

/// Returns a stream's records after a sequence number, or all, as Lambda passes
/// them on.
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

    #[test]
    fn new_stream_is_empty() {
        let database = open(None, &Clock::system(), &template()).unwrap();
        let arn = stream_arn(&database).unwrap();
        assert!(stream_records(&database, &arn, None).unwrap().is_empty());
    }
}
