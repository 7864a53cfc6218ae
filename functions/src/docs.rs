//! The generated parts of `docs/api.md`: a table of operations for each area, and
//! the table of codes.

use std::fmt::Write;

use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;

use crate::{
    SHAPES, Shape,
    openapi::{Route, shape},
    problem::CODES,
};

/// Returns the areas of the API, in order.
pub fn areas() -> Vec<&'static str> {
    let mut areas: Vec<&str> = SHAPES.iter().map(|(area, ..)| *area).collect();
    areas.dedup();
    areas
}

/// Returns the codes that an operation refuses with, besides the codes common to all.
pub fn refusals(operation: &str) -> &'static [&'static str] {
    shape(operation).map_or(&[], |shape| shape.refusals)
}

/// Returns the status of an operation's success; `None` if it is not part of the API.
pub fn status(operation: &str) -> Option<u16> {
    shape(operation).map(|shape| shape.status)
}

/// Returns whether an operation takes an idempotency key.
pub fn takes_idempotency_key(operation: &str) -> bool {
    shape(operation).is_some_and(|shape| shape.idempotency_key.is_some())
}

/// Builds the table of an area's operations, one line for each route.
pub fn operations(area: &str, routes: &[Route]) -> String {
    let mut table = "| Operation | Route | Caller | Body | Response | Refusals |\n\
        | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (_, name, shape) in SHAPES.iter().filter(|(of, ..)| *of == area) {
        for route in routes.iter().filter(|route| route.operation == *name) {
            let refusals: Vec<String> = shape.refusals.iter().map(|c| format!("`{c}`")).collect();
            let _ = writeln!(
                table,
                "| `{name}` | {} {} | {} | {} | {} | {} |",
                route.method,
                route.path,
                shape.callers,
                body(shape),
                response(shape),
                refusals.join(", "),
            );
        }
    }
    table
}

/// Writes the table of all operations of the API, with their source files.
pub fn sources(routes: &[Route]) -> String {
    let mut table =
        "| operation | route | source | caller |\n| --- | --- | --- | --- |\n".to_owned();
    for (area, name, shape) in SHAPES {
        let module = name.replace('-', "_");
        let of_operation = routes.iter().filter(|route| route.operation == *name);
        let of_operation = of_operation.map(|route| format!("{} {}", route.method, route.path));
        let _ = writeln!(
            table,
            "| `{name}` | {} | `{area}/{module}.rs` | {} |",
            of_operation.collect::<Vec<_>>().join(", "),
            shape.callers,
        );
    }
    table
}

/// Builds the table of all codes.
pub fn codes() -> String {
    let mut table = "| Code | Status | Meaning |\n| --- | --- | --- |\n".to_owned();
    for (code, status, meaning) in CODES {
        let _ = writeln!(table, "| `{code}` | {status} | {meaning} |");
    }
    table
}

/// Lists the fields of the body; a `?` marks optional ones.
fn body(shape: &Shape) -> String {
    let Some(body) = shape.body else {
        return String::new();
    };
    let schema = (body.schema)();
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let fields = schema.get("properties").and_then(Value::as_object);
    let fields = fields.into_iter().flatten().map(|(name, _)| {
        let mark = if is_required(name) { "" } else { "?" };
        format!("`{name}`{mark}")
    });
    fields.collect::<Vec<_>>().join(", ")
}

/// Returns the status, and the name of the view in the OpenAPI document.
fn response(shape: &Shape) -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let view = shape.view.map(|schema| schema(&mut generator));
    match view.as_ref().and_then(name) {
        Some(name) => format!("{} `{name}`", shape.status),
        None => shape.status.to_string(),
    }
}

fn name(schema: &Schema) -> Option<String> {
    let reference = schema.get("$ref").and_then(Value::as_str)?;
    reference.rsplit('/').next().map(str::to_owned)
}
