//! Enums in the form that generators of clients read: named components with plain values.
//!
//! The schemas of the code's types have one `const` for each value, with its description.
//! Many generators make a class of each, and then know only the first.

use serde_json::{Map, Value, json};

/// The names of the enums, by their first value.
const NAMES: [(&str, &str); 12] = [
    ("user", "Role"),
    ("usage:read", "ApiKeyScope"),
    ("organization.created", "EventKind"),
    ("organization", "SubjectKind"),
    ("queued", "DeliveryState"),
    ("pending", "InviteStatus"),
    ("added", "AddOutcome"),
    ("imported", "ImportOutcome"),
    ("created", "InviteOutcome"),
    ("bounces", "PauseReason"),
    ("no_mailbox", "StopReason"),
    ("now", "PlanChangeTime"),
];

/// Replaces the enums of a document by references to components, and adds the components.
pub(super) fn name(document: &mut Value) {
    let mut components = Map::new();
    replace(document, &mut components);
    let schemas = document.pointer_mut("/components/schemas");
    if let Some(schemas) = schemas.and_then(Value::as_object_mut) {
        schemas.extend(components);
    }
}

fn replace(value: &mut Value, components: &mut Map<String, Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, components)),
        Value::Object(object) => {
            if let Some((name, component)) = component(object) {
                object.remove("oneOf");
                let reference = format!("#/components/schemas/{name}");
                object.insert("$ref".to_owned(), json!(reference));
                components.insert(name.to_owned(), component);
            }
            let values = object.values_mut();
            values.for_each(|value| replace(value, components));
        }
        _ => {}
    }
}

/// Returns the name and the component of a schema that is an enum.
fn component(schema: &Map<String, Value>) -> Option<(&'static str, Value)> {
    let variants = schema.get("oneOf")?.as_array()?;
    let text = |variant: &Value, name: &str| Some(variant.get(name)?.as_str()?.to_owned());
    let values = variants.iter().map(|variant| text(variant, "const"));
    let values: Vec<String> = values.collect::<Option<_>>()?;
    let (_, name) = NAMES
        .iter()
        .find(|(first, _)| values.first().is_some_and(|value| value == first))?;
    let words = variants.iter().zip(&values).map(|(variant, value)| {
        let description = text(variant, "description").unwrap_or_default();
        format!("- `{value}`: {description}")
    });
    let words = words.collect::<Vec<_>>().join("\n");
    Some((
        name,
        json!({ "type": "string", "enum": values, "description": words }),
    ))
}
