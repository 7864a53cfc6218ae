//! Debits of a counter, and credits to one: one update that does not depend on the version
//! of the item, so that concurrent requests do not make each other retry.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::{Credit, Debit};

use crate::{Key, StoreError, attribute::number};

/// Returns the update that takes credits, records the time of use and removes old
/// entries, on the condition that the counter belongs to the same allocation and has
/// enough credits left.
pub(crate) fn update(debit: &Debit, table: &str) -> Result<Update, StoreError> {
    let mut names = HashMap::from(
        [
            ("#left", "left"),
            ("#version", "version"),
            ("#generation", "generation"),
        ]
        .map(|(name, attribute)| (name.to_owned(), attribute.to_owned())),
    );
    let mut set = "SET #left = #left - :credits, #version = #version + :one".to_owned();
    let mut remove = Vec::new();
    let tallies = [
        ("hours", debit.at.hour, &debit.stale.hours),
        ("days", debit.at.day, &debit.stale.days),
        ("months", debit.at.month, &debit.stale.months),
        ("periods", debit.at.period, &debit.stale.periods),
    ];
    for (tally, slot, stale) in tallies {
        names.insert(format!("#{tally}"), tally.to_owned());
        names.insert(format!("#{tally}_now"), slot.to_string());
        let entry = format!("#{tally}.#{tally}_now");
        set.push_str(&format!(
            ", {entry} = if_not_exists({entry}, :none) + :credits"
        ));
        for (n, slot) in stale.iter().enumerate() {
            names.insert(format!("#{tally}_{n}"), slot.to_string());
            remove.push(format!("#{tally}.#{tally}_{n}"));
        }
    }
    if !remove.is_empty() {
        set.push_str(" REMOVE ");
        set.push_str(&remove.join(", "));
    }
    let values: HashMap<String, AttributeValue> = HashMap::from(
        [
            (":credits", debit.credits),
            (":generation", debit.generation),
            (":none", 0),
            (":one", 1),
        ]
        .map(|(name, value)| (name.to_owned(), number(value))),
    );
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(
            Key::counter(debit.organization_id, debit.counter)
                .raw
                .into_attributes(),
        ))
        .update_expression(set)
        .condition_expression("#generation = :generation AND #left >= :credits")
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values));
    Ok(update.build()?)
}

/// Returns the update that gives credits back and takes them out of the history, on the
/// condition that the counter belongs to the same allocation.
pub(crate) fn update_back(credit: &Credit, table: &str) -> Result<Update, StoreError> {
    let mut names = HashMap::from(
        [
            ("#left", "left"),
            ("#version", "version"),
            ("#generation", "generation"),
        ]
        .map(|(name, attribute)| (name.to_owned(), attribute.to_owned())),
    );
    let mut set = "SET #left = #left + :usable, #version = #version + :one".to_owned();
    let tallies = [
        ("hours", credit.at.hour),
        ("days", credit.at.day),
        ("months", credit.at.month),
        ("periods", credit.at.period),
    ];
    for (tally, slot) in tallies {
        names.insert(format!("#{tally}"), tally.to_owned());
        names.insert(format!("#{tally}_then"), slot.to_string());
        let entry = format!("#{tally}.#{tally}_then");
        set.push_str(&format!(", {entry} = {entry} - :credits"));
    }
    let values: HashMap<String, AttributeValue> = HashMap::from(
        [
            (":credits", credit.credits),
            (":usable", credit.usable),
            (":generation", credit.generation),
            (":one", 1),
        ]
        .map(|(name, value)| (name.to_owned(), number(value))),
    );
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(
            Key::counter(credit.organization_id, credit.counter)
                .raw
                .into_attributes(),
        ))
        .update_expression(set)
        .condition_expression("#generation = :generation")
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values));
    Ok(update.build()?)
}
