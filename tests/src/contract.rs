//! The contract: every response of the API that a test gets is one that
//! `docs/openapi.json` declares, in its status, content type, headers and body.
//!
//! The checker knows the keywords of JSON Schema that the document uses, and panics at
//! any other. Unlike JSON Schema, it permits no fields beyond the declared ones: an
//! undeclared field is what a client cannot know.

use std::{collections::BTreeSet, fs, sync::LazyLock};

use chrono::{DateTime, NaiveDate};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Map, Value, json};

use crate::completeness::repository;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = fs::read_to_string(repository("docs/openapi.json")).unwrap();
    serde_json::from_str(&text).unwrap()
});

/// Returns the document's operations, with their ids.
fn operations() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|operations| operations.as_object().unwrap().values());
    operations.map(|operation| (operation["operationId"].as_str().unwrap(), operation))
}

/// Returns every operation with each code of a problem that it lists.
pub fn codes() -> Vec<(&'static str, &'static str)> {
    let mut codes = Vec::new();
    for (id, operation) in operations() {
        for response in operation["responses"].as_object().unwrap().values() {
            let schema = &response["content"]["application/problem+json"]["schema"];
            let listed = &schema["allOf"][1]["properties"]["code"]["enum"];
            let listed = listed.as_array().into_iter().flatten();
            codes.extend(listed.map(|code| (id, code.as_str().unwrap())));
        }
    }
    codes
}

/// Asserts that a response is one that the document declares, and returns the id of
/// its operation; `None` for a request outside the document's routes.
pub fn assert_declared(
    method: &Method,
    path: &str,
    status: u16,
    headers: &HeaderMap,
    body: &Value,
) -> Option<&'static str> {
    let operation = operation(method, path)?;
    let violations = violations(operation, status, headers, body);
    assert!(
        violations.is_empty(),
        "{method} {path}: a response that docs/openapi.json does not declare:\n{}\n{status}: {body}",
        violations.join("\n"),
    );
    operation["operationId"].as_str()
}

/// Returns the document's operation for a request.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let mut found = paths
        .iter()
        .filter(|(template, _)| matches(template, path))
        .filter_map(|(_, operations)| operations.get(method.as_str().to_lowercase()));
    let operation = found.next();
    assert!(found.next().is_none(), "{path} has two operations");
    operation
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(wanted, part)| wanted == part || (wanted.starts_with('{') && !part.is_empty()))
}

fn violations(operation: &Value, status: u16, headers: &HeaderMap, body: &Value) -> Vec<String> {
    let Some(declared) = operation["responses"].get(status.to_string()) else {
        return vec!["the status is not declared".to_owned()];
    };
    let kind = headers
        .get("content-type")
        .map(|kind| kind.to_str().unwrap());
    let mut violations = Vec::new();
    match (declared["content"].as_object(), kind) {
        (None, None) if body.is_null() => {}
        (None, _) => violations.push(format!("a body is not declared, nor {kind:?}")),
        (Some(content), kind) => match content.get(kind.unwrap_or_default()) {
            Some(content) => {
                check(&content["schema"], body, "body", &mut violations);
            }
            None => violations.push(format!("{kind:?} is not declared")),
        },
    }
    if status >= 400 && kind == Some("application/json") {
        // The gateway's own response: it has none of the function's headers.
        return violations;
    }
    if status >= 400 && body["status"] != status {
        violations.push("`status` is another status".to_owned());
    }
    let names = declared["headers"].as_object();
    for (name, header) in names.into_iter().flatten() {
        let value = headers.get(name).map(|value| value.to_str().unwrap());
        let value: Option<Value> = value.and_then(|value| serde_json::from_str(value).ok());
        match value {
            Some(value) => check(&header["schema"], &value, name, &mut violations),
            None if headers.contains_key(name) || header["required"] == true => {
                violations.push(format!("{name} is missing, or no number"));
            }
            None => {}
        }
    }
    for name in headers.keys().map(|name| name.as_str()) {
        // A header for browsers, which every response has, is none for clients.
        let is_for_clients = name.starts_with("x-") && name != "x-content-type-options";
        let is_of_the_contract = name == "retry-after" || is_for_clients;
        if is_of_the_contract && !names.is_some_and(|names| names.contains_key(name)) {
            violations.push(format!("{name} is not declared"));
        }
    }
    violations
}

/// The fields that the schemas of an object declare.
#[derive(Default)]
struct Fields {
    names: BTreeSet<String>,
    any: bool,
}

/// Checks a value and everything in it.
fn check(schema: &Value, value: &Value, at: &str, violations: &mut Vec<String>) {
    let mut fields = Fields::default();
    apply(schema, value, at, &mut fields, violations);
    for name in value.as_object().into_iter().flat_map(Map::keys) {
        if !fields.any && !fields.names.contains(name) {
            violations.push(format!("{at}.{name} is not declared"));
        }
    }
}

/// Applies one of the schemas of a value.
fn apply(
    schema: &Value,
    value: &Value,
    at: &str,
    fields: &mut Fields,
    violations: &mut Vec<String>,
) {
    let keywords = schema
        .as_object()
        .unwrap_or_else(|| panic!("{at}: {schema}"));
    for (keyword, wanted) in keywords {
        let holds = match keyword.as_str() {
            "description" => true,
            "$ref" => {
                let path = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                let found = DOCUMENT.pointer(path);
                let found = found.unwrap_or_else(|| panic!("{path} does not exist"));
                apply(found, value, at, fields, violations);
                true
            }
            "allOf" => {
                for schema in wanted.as_array().unwrap() {
                    apply(schema, value, at, fields, violations);
                }
                true
            }
            "oneOf" | "anyOf" => {
                let mut matching = 0;
                for schema in wanted.as_array().unwrap() {
                    let (mut of_this, mut wrong) = (Fields::default(), Vec::new());
                    apply(schema, value, at, &mut of_this, &mut wrong);
                    if wrong.is_empty() {
                        matching += 1;
                        fields.names.append(&mut of_this.names);
                        fields.any |= of_this.any;
                    }
                }
                // Without a match, which fields are declared is unknown.
                fields.any |= matching == 0;
                matching == 1 || (matching > 1 && keyword == "anyOf")
            }
            "type" => {
                let types = wanted
                    .as_array()
                    .map_or(std::slice::from_ref(wanted), |all| all);
                types.iter().any(|name| is_of_type(value, name))
            }
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "format" => !value.is_string() && !value.is_number() || has_format(value, wanted),
            "minimum" => value.as_f64().is_none_or(|n| n >= wanted.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|n| n <= wanted.as_f64().unwrap()),
            "minLength" => length(value).is_none_or(|n| n >= wanted.as_u64().unwrap()),
            "maxLength" => length(value).is_none_or(|n| n <= wanted.as_u64().unwrap()),
            "minItems" => {
                let items = value.as_array();
                items.is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap())
            }
            "uniqueItems" => {
                let items = value.as_array().into_iter().flatten();
                let texts: Vec<String> = items.map(Value::to_string).collect();
                let different: BTreeSet<&String> = texts.iter().collect();
                texts.len() == different.len() || wanted == false
            }
            "required" => {
                let names = wanted.as_array().unwrap().iter();
                let mut names = names.map(|name| name.as_str().unwrap());
                value
                    .as_object()
                    .is_none_or(|value| names.all(|name| value.contains_key(name)))
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    fields.names.insert(name.clone());
                    if let Some(value) = value.get(name) {
                        check(schema, value, &format!("{at}.{name}"), violations);
                    }
                }
                true
            }
            "additionalProperties" => {
                assert!(!keywords.contains_key("properties"), "{at}: {schema}");
                fields.any = true;
                for (name, value) in value.as_object().into_iter().flatten() {
                    check(wanted, value, &format!("{at}.{name}"), violations);
                }
                true
            }
            "items" => {
                for (n, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(wanted, value, &format!("{at}[{n}]"), violations);
                }
                true
            }
            other => panic!("{at}: the checker does not know the keyword `{other}`"),
        };
        if !holds {
            violations.push(format!("{at}: {value} is not {keyword} {wanted}"));
        }
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the checker does not know the type `{other}`"),
    }
}

/// Returns a text's length in characters.
fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn has_format(value: &Value, format: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match format.as_str().unwrap() {
        // The API's times are in UTC, with a `Z`.
        "date-time" => text.ends_with('Z') && DateTime::parse_from_rfc3339(text).is_ok(),
        "date" => text.len() == 10 && text.parse::<NaiveDate>().is_ok(),
        "uuid" => {
            let lengths: Vec<usize> = text.split('-').map(str::len).collect();
            let is_hex = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f' | b'-');
            lengths == [8, 4, 4, 4, 12] && text.bytes().all(is_hex)
        }
        "int64" => value.is_i64(),
        other => panic!("the checker does not know the format `{other}`"),
    }
}

#[test]
fn checker_finds_each_kind_of_violation() {
    let object = json!({
        "type": "object", "required": ["a"],
        "properties": {"a": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 9}},
    });
    let either = json!({"oneOf": [
        {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "x"}}},
        {"type": "object", "properties": {"kind": {"const": "y"}, "b": {"type": "string"}}},
    ]});
    let map = json!({"type": "object", "additionalProperties": {"type": "boolean"}});
    let cases = [
        (object.clone(), json!({"a": 1}), 0),
        (object.clone(), json!({}), 1),
        (object.clone(), json!([]), 1),
        (object.clone(), json!({"a": "1"}), 2),
        (object.clone(), json!({"a": 0}), 1),
        (object.clone(), json!({"a": 10}), 1),
        (object.clone(), json!({"a": 1.5}), 2),
        (object.clone(), json!({"a": 1, "b": 1}), 1),
        (
            json!({"type": "array", "items": object}),
            json!([{"a": 1}, {}]),
            1,
        ),
        (
            json!({"allOf": [object, {"properties": {"b": {"enum": ["x"]}}}]}),
            json!({"a": 1, "b": "x"}),
            0,
        ),
        (
            json!({"allOf": [object, {"properties": {"b": {"enum": ["x"]}}}]}),
            json!({"a": 1, "b": "y"}),
            1,
        ),
        (either.clone(), json!({"kind": "x"}), 0),
        (either.clone(), json!({"kind": "y", "b": "z"}), 0),
        (either.clone(), json!({"kind": "x", "b": "z"}), 1),
        (either.clone(), json!({"kind": "z"}), 1),
        (map.clone(), json!({"a": true}), 0),
        (map, json!({"a": 1}), 1),
        (json!({"type": ["string", "null"]}), Value::Null, 0),
        (json!({"type": ["string", "null"]}), json!(1), 1),
        (
            json!({"$ref": "#/components/schemas/Period"}),
            json!({"start": "2026-03-01T00:00:00Z"}),
            1,
        ),
        (
            json!({"format": "date-time"}),
            json!("2026-03-01T00:00:00Z"),
            0,
        ),
        (
            json!({"format": "date-time"}),
            json!("2026-03-01T00:00:00+00:00"),
            1,
        ),
        (json!({"format": "date"}), json!("2026-03-01"), 0),
        (json!({"format": "date"}), json!("2026-02-30"), 1),
        (
            json!({"format": "uuid"}),
            json!("01930000-0000-7000-8000-000000000001"),
            0,
        ),
        (
            json!({"format": "uuid"}),
            json!("01930000-0000-7000-8000-00000000000X"),
            1,
        ),
        (json!({"format": "int64"}), json!(u64::MAX), 1),
        (json!({"minLength": 1}), json!(""), 1),
        (json!({"maxLength": 2}), json!("äöü"), 1),
        (json!({"minLength": 2, "maxLength": 2}), json!("äö"), 0),
    ];
    for (schema, value, expected) in cases {
        let mut violations = Vec::new();
        check(&schema, &value, "body", &mut violations);
        assert_eq!(
            violations.len(),
            expected,
            "{schema}: {value}: {violations:?}"
        );
    }
}

#[test]
fn response_beyond_the_document_is_a_violation() {
    let path = "/v1/organizations/1/invites/2/resend?x=y";
    let resend = operation(&Method::POST, path).unwrap();
    assert_eq!(resend["operationId"], "resend-invite");
    assert!(operation(&Method::GET, path).is_none());
    assert!(operation(&Method::GET, "/local/emails").is_none());
    let problem = |status: u16, code: &str| json!({"title": "Problem", "status": status, "code": code, "detail": "…"});
    let found = |status: u16, headers: &[(&'static str, &'static str)], body: &Value| {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        violations(resend, status, &headers.collect(), body)
    };
    let kind = ("content-type", "application/problem+json");
    let nothing: [String; 0] = [];
    assert_eq!(
        found(404, &[kind], &problem(404, "invite_not_found")),
        nothing
    );
    let wait = ("retry-after", "59");
    assert_eq!(
        found(429, &[kind, wait], &problem(429, "email_limit_reached")),
        nothing
    );
    let gateway = ("content-type", "application/json");
    assert_eq!(
        found(429, &[gateway], &json!({"message": "Too Many Requests"})),
        nothing
    );
    for (status, headers, body) in [
        (418, &[kind][..], problem(418, "invite_not_found")),
        (404, &[kind], problem(404, "api_key_not_found")),
        (404, &[kind], problem(410, "invite_not_found")),
        (404, &[kind, wait], problem(404, "invite_not_found")),
        (404, &[gateway], json!({"message": "Not Found"})),
        (429, &[kind], problem(429, "email_limit_reached")),
        (
            429,
            &[kind, ("retry-after", "soon")],
            problem(429, "email_limit_reached"),
        ),
        (200, &[], Value::Null),
    ] {
        assert_eq!(
            found(status, headers, &body).len(),
            1,
            "{status} {headers:?} {body}"
        );
    }
}
