//! The form of audit events for other systems: the enrichment of the pipe that sends them.

use aws_lambda_events::dynamodb::EventRecord;
use domain::AuditEvent;
use serde_json::Value;

use crate::{App, Operation, error::Error, views::PublishedEvent};

/// Describes the audit events of a batch of stream records: ids without names of people,
/// in plain JSON. The pipe sends what it returns, in the same order.
pub static OPERATION: Operation = Operation::event("describe-events", |app, event| {
    Box::pin(async move { describe(&app, event) })
})
.needs(&["STACK_NAME"]);

fn describe(app: &App, event: Value) -> Result<Value, Error> {
    let records: Vec<EventRecord> = serde_json::from_value(event)?;
    let mut described = Vec::with_capacity(records.len());
    for record in records {
        let event: AuditEvent = store::from_image(record.change.new_image)?;
        described.push(PublishedEvent::of(event, &app.stack_name));
    }
    Ok(serde_json::to_value(described)?)
}
