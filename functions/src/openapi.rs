//! The OpenAPI document, built from the operations' shapes: the types of requests and
//! responses.

mod enums;

use std::collections::{BTreeMap, BTreeSet};

use schemars::{Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    SHAPES, Shape,
    problem::{self, Problem},
    shape::MakeSchema,
    views::PublishedEvent,
};

/// A route of the API, as the template declares it.
#[derive(Debug, Clone)]
pub struct Route {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// The operation's name.
    pub operation: String,
    /// The credential that API Gateway verifies.
    pub caller: Caller,
}

/// The kind of caller that a route serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Anyone at all.
    Anyone,
    /// A signed-in person.
    Person,
    /// An API client with an API key.
    ApiClient,
    /// The product's own backend, with the server key.
    Server,
}

/// Returns the shape of an operation of the API.
pub(crate) fn shape(operation: &str) -> Option<&'static Shape> {
    area_and_shape(operation).map(|(_, shape)| shape)
}

fn area_and_shape(operation: &str) -> Option<(&'static str, &'static Shape)> {
    let found = SHAPES.iter().find(|(_, name, _)| *name == operation);
    found.map(|(area, _, shape)| (*area, shape))
}

/// The code that only the server gets.
const ONLY_THE_SERVERS: &str = "external_id_taken";

/// The codes that only people get.
const ONLY_PEOPLES: [&str; 5] = [
    "email_not_verified",
    "email_required",
    "owner_or_admin_required",
    "owner_required",
    "plan_change_not_allowed",
];

/// The code that only API clients get.
const ONLY_API_CLIENTS: &str = "insufficient_scope";

/// The code that API clients never get: the authorizer refuses them.
const NEVER_API_CLIENTS: &str = "organization_suspended";

/// Returns all codes that a route can respond with, by status.
pub(crate) fn codes(shape: &Shape, route: &Route) -> BTreeMap<u16, Vec<&'static str>> {
    let caller = route.caller;
    let every = ["internal_error", "unavailable"];
    let is_in_organization = route.path.contains("{organization_id}");
    let suspended = (shape.changes && is_in_organization && caller == Caller::Person)
        .then_some("organization_suspended");
    let busy = shape.changes.then_some("busy");
    let not_signed_in = (caller != Caller::Anyone).then_some("not_signed_in");
    let refusals = shape.refusals.iter().copied();
    let refusals = refusals.filter(|code| match caller {
        Caller::Server => !ONLY_PEOPLES.contains(code) && *code != ONLY_API_CLIENTS,
        Caller::Person => ![ONLY_THE_SERVERS, ONLY_API_CLIENTS].contains(code),
        Caller::ApiClient => *code != NEVER_API_CLIENTS,
        Caller::Anyone => true,
    });
    // Every route of the server takes the header `On-Behalf-Of`.
    let has_header = caller == Caller::Server || shape.conditional_on.is_some();
    let invalid =
        (has_header && !shape.refusals.contains(&"invalid_request")).then_some("invalid_request");
    let mismatch = shape.conditional_on.map(|_| "version_mismatch");
    let codes = refusals.chain(invalid).chain(mismatch).chain(every);
    let codes = codes.chain(busy).chain(not_signed_in).chain(suspended);
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for code in codes {
        let status = problem::status_of(code).unwrap_or_default();
        by_status.entry(status).or_default().push(code);
    }
    by_status
}

/// Builds the document. It omits routes to operations without a shape: a test checks
/// that only the pages have none.
pub fn document(routes: &[Route]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .for_serialize()
        .into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    let mut tags = BTreeSet::new();
    for route in routes {
        let Some((area, shape)) = area_and_shape(&route.operation) else {
            continue;
        };
        let tag = area.replace('_', "-");
        let is_server = route.caller == Caller::Server;
        let for_caller = |server: Option<MakeSchema>, other: Option<MakeSchema>| {
            server.filter(|_| is_server).or(other)
        };
        let view = for_caller(shape.server_view, shape.view);
        let current = for_caller(shape.server_conditional_on, shape.conditional_on);
        let views = Views {
            response: view.map(|schema| schema(&mut generator)),
            current: current.map(|schema| schema(&mut generator)),
            problem: &problem,
        };
        let id = operation_id(route, routes);
        let operation = describe(route, &id, &tag, shape, views);
        tags.insert(tag);
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_lowercase(), operation);
        }
    }
    let tags = tags
        .iter()
        .map(|tag| json!({ "name": tag, "description": of_area(tag) }));
    let tags: Vec<Value> = tags.collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Organization settings",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Organizations, members, roles, invites, API keys, plans and usage. \
                Times are RFC 3339 in UTC. Errors are problem details (RFC 9457) with a stable `code`.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com",
                "description": "A deployment: the stack's output `ApiUrl`.",
                "variables": {
                    "api": { "default": "api", "description": "The id of the API." },
                    "region": { "default": "us-east-1", "description": "The AWS region." },
                },
            },
            { "url": "http://127.0.0.1:3000", "description": "The local stack." },
        ],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "signed_in": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "api_key": {
                    "type": "http", "scheme": "basic",
                    "description": "The organization's id as user name, an API key as password.",
                },
                "server_key": { "type": "http", "scheme": "bearer", "bearerFormat": "oss_…" },
                "api_key_as_bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "osk_…" },
            },
        },
    });
    enums::name(&mut document);
    simplify(&mut document);
    document
}

/// Returns the description of an area.
fn of_area(area: &str) -> &'static str {
    match area {
        "account" => "The signed-in person: the current organization and their own invites.",
        "api-keys" => "The API keys of an organization.",
        "audit" => "The audit log of an organization.",
        "billing" => "The plan and the billing details of an organization.",
        "invites" => "The invites of an organization, and the links in their emails.",
        "members" => "The members of an organization: roles and billing emails.",
        "organizations" => "Organizations, their settings and their creator.",
        "server" => "The operations that only the product's own backend has.",
        "usage" => "The credits that an organization uses.",
        _ => "",
    }
}

/// Removes what generators of clients do not know or misread: formats of Rust's numbers,
/// and defaults of `null`, which some of them send.
fn simplify(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(object) => {
            let format = object.get("format").and_then(Value::as_str);
            if format.is_some_and(|format| format.starts_with("uint")) {
                object.insert("format".to_owned(), json!("int64"));
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            object.values_mut().for_each(simplify);
        }
        _ => {}
    }
}

fn describe(route: &Route, id: &str, tag: &str, shape: &Shape, views: Views<'_>) -> Value {
    let mut operation = json!({
        "operationId": id,
        "summary": shape.summary,
        "tags": [tag],
        "parameters": parameters(route, shape),
        "responses": responses(route, shape, views),
    });
    if let Some(operation) = operation.as_object_mut() {
        let of_server = shape.server_body.filter(|_| route.caller == Caller::Server);
        if let Some(body) = of_server.or(shape.body) {
            let content = json!({ "application/json": { "schema": (body.schema)() } });
            operation.insert(
                "requestBody".to_owned(),
                json!({ "required": body.is_required, "content": content }),
            );
        }
        let security = match route.caller {
            Caller::Anyone => json!([]),
            Caller::Person => json!([{ "signed_in": [] }]),
            Caller::ApiClient => json!([{ "api_key": [] }, { "api_key_as_bearer": [] }]),
            Caller::Server => json!([{ "server_key": [] }]),
        };
        operation.insert("security".to_owned(), security);
    }
    operation
}

fn parameters(route: &Route, shape: &Shape) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = match name {
                // These two come from elsewhere.
                "user_id" | "token" => json!({ "type": "string", "minLength": 1 }),
                _ => json!({ "type": "string", "format": "uuid" }),
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        });
    let mut parameters: Vec<Value> = in_path.collect();
    if shape.is_paged {
        parameters.push(json!({
            "name": "limit", "in": "query",
            "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 25 },
        }));
        parameters.push(json!({ "name": "cursor", "in": "query", "schema": { "type": "string" } }));
    }
    parameters.extend(shape.query.iter().map(|(name, description)| {
        json!({
            "name": name, "in": "query", "description": description,
            "schema": { "type": "string" },
        })
    }));
    if route.caller == Caller::Server {
        parameters.push(json!({
            "name": "On-Behalf-Of", "in": "header",
            "description": "The user id of the person that the server acts for. The audit log has it.",
            "schema": { "type": "string" },
        }));
    }
    if shape.conditional_on.is_some() {
        parameters.push(json!({
            "name": "If-Match", "in": "header",
            "description": "The `version` of the item, in quotes. The change is made only if the item still has it.",
            "schema": { "type": "string" },
        }));
    }
    if let Some(key) = shape.idempotency_key {
        let mut parameter = json!({
            "name": "Idempotency-Key", "in": "header",
            "description": key.description,
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
        });
        if key.is_required
            && let Some(parameter) = parameter.as_object_mut()
        {
            parameter.insert("required".to_owned(), json!(true));
        }
        parameters.push(parameter);
    }
    parameters
}

/// The schemas of an operation's responses.
struct Views<'a> {
    response: Option<Schema>,
    /// Of the item that a 412 has.
    current: Option<Schema>,
    problem: &'a Schema,
}

fn responses(route: &Route, shape: &Shape, views: Views<'_>) -> Map<String, Value> {
    let mut success = Map::from_iter([("description".to_owned(), json!("The request succeeded."))]);
    if !shape.headers.is_empty() {
        success.insert("headers".to_owned(), headers(shape.headers, |_| true));
    }
    if let Some(view) = views.response {
        let content = json!({ "application/json": { "schema": view } });
        success.insert("content".to_owned(), content);
    }
    let mut responses = Map::from_iter([(shape.status.to_string(), Value::Object(success))]);
    for (status, codes) in codes(shape, route) {
        let mut properties = json!({ "code": { "enum": codes } });
        if codes.contains(&"version_mismatch")
            && let Some(properties) = properties.as_object_mut()
        {
            properties.insert("current".to_owned(), json!(views.current));
        }
        let schema = json!({ "allOf": [views.problem, { "properties": properties }] });
        let mut content = json!({ "application/problem+json": { "schema": schema } });
        if is_also_the_gateways(status, route.caller)
            && let Some(content) = content.as_object_mut()
        {
            content.insert("application/json".to_owned(), gateway_refusal());
        }
        let words: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let description = format!("A problem: {}.", words.join(", "));
        let mut response = json!({ "description": description, "content": content });
        let of_problem = problem_headers(shape, &codes);
        if !of_problem.is_empty()
            && let Some(response) = response.as_object_mut()
        {
            let in_each = |name: &str| {
                name == "retry-after" || codes.iter().all(|code| *code == "credits_used_up")
            };
            response.insert("headers".to_owned(), headers(&of_problem, in_each));
        }
        responses.insert(status.to_string(), response);
    }
    for (status, description) in gateway_only(route.caller) {
        responses.entry(status.to_string()).or_insert_with(
            || json!({ "description": description, "content": { "application/json": gateway_refusal() } }),
        );
    }
    responses
}

/// Returns the headers, and whether each response has them.
fn headers(headers: &[(&str, &str)], in_each: impl Fn(&str) -> bool) -> Value {
    let headers = headers.iter().map(|(name, description)| {
        let header = json!({
            "description": description,
            "required": in_each(name),
            "schema": { "type": "integer" },
        });
        ((*name).to_owned(), header)
    });
    Value::Object(headers.collect())
}

/// Returns the headers of problems with these codes; a test checks that they are sent.
fn problem_headers(shape: &Shape, codes: &[&str]) -> Vec<(&'static str, &'static str)> {
    let mut headers = Vec::new();
    let wait = [
        "busy",
        "credits_used_up",
        "email_limit_reached",
        "organization_limit_reached",
        "rate_limit_exceeded",
        "unavailable",
    ];
    if codes.iter().any(|code| wait.contains(code)) {
        headers.push((
            "retry-after",
            "The seconds to wait. The gateway's own responses do not have it.",
        ));
    }
    if codes.contains(&"credits_used_up") {
        headers.extend_from_slice(shape.headers);
    }
    headers
}

/// Returns whether API Gateway itself responds with a status that the operation has too.
fn is_also_the_gateways(status: u16, caller: Caller) -> bool {
    match status {
        401 => caller != Caller::Anyone,
        403 => matches!(caller, Caller::ApiClient | Caller::Server),
        429 | 500 | 503 => true,
        _ => false,
    }
}

/// Returns the statuses that API Gateway responds with before or after the function.
fn gateway_only(caller: Caller) -> Vec<(u16, &'static str)> {
    let mut statuses = vec![
        (429, "Too many requests: the gateway throttles."),
        (500, "The gateway could not get a response."),
        (503, "The gateway could not get a response."),
    ];
    match caller {
        Caller::ApiClient => statuses.push((403, "The API key is not valid.")),
        Caller::Server => statuses.push((403, "The server key is not valid.")),
        Caller::Anyone | Caller::Person => {}
    }
    statuses
}

fn gateway_refusal() -> Value {
    json!({
        "schema": {
            "type": "object",
            "properties": { "message": { "type": "string" } },
            "required": ["message"],
        },
    })
}

/// Returns a route's id; an operation for several kinds of callers has as many.
fn operation_id(route: &Route, routes: &[Route]) -> String {
    let serves_others = |route: &Route| {
        let mut same = routes
            .iter()
            .filter(|other| other.operation == route.operation);
        same.any(|other| other.caller != Caller::Server)
    };
    match (route.operation.as_str(), route.caller) {
        ("get-usage", Caller::ApiClient) => "get-usage-by-api-key".to_owned(),
        (name, Caller::Server) if serves_others(route) => format!("{name}-by-server"),
        (name, _) => name.to_owned(),
    }
}

/// Returns the JSON Schema of the events for other systems.
pub fn event_schema() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<PublishedEvent>();
    schema.to_value()
}
