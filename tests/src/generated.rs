//! The files generated from the list of operations, their shapes and their access
//! rows. `UPDATE_DOCS=1` writes them; without it, the tests check that each is current.

use std::{collections::BTreeSet, fmt::Write, fs};

use functions::{
    AREAS, OPERATIONS, docs,
    openapi::{self, Caller, Route},
};
use serde_json::{Value, json};

use crate::{
    access::{self, Access, Ids},
    completeness::{repository, template},
};

/// Checks a generated file; with `UPDATE_DOCS` writes it first.
#[track_caller]
fn generate(path: &str, content: &str) {
    let file = repository(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, content).unwrap();
    }
    let current = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        current == content,
        "{path} is out of date: run the tests with UPDATE_DOCS=1"
    );
}

/// Fails on files of operations that no longer exist; with `UPDATE_DOCS` removes them.
fn only(folder: &str, ending: &str, expected: &BTreeSet<String>) {
    for entry in fs::read_dir(repository(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(name) = name.strip_suffix(ending) else {
            continue;
        };
        if expected.contains(name) {
            continue;
        }
        assert!(
            std::env::var_os("UPDATE_DOCS").is_some(),
            "{folder}/{name}{ending} belongs to no operation: run the tests with UPDATE_DOCS=1"
        );
        fs::remove_file(&path).unwrap();
    }
}

fn names() -> BTreeSet<String> {
    OPERATIONS
        .iter()
        .map(|operation| operation.name.to_owned())
        .collect()
}

/// Replaces the text between two markers.
fn between(text: &str, start: &str, end: &str, content: &str) -> String {
    let (before, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no marker {start}"));
    let (_, after) = rest
        .split_once(end)
        .unwrap_or_else(|| panic!("no marker {end} after {start}"));
    format!("{before}{start}{content}{end}{after}")
}

#[test]
fn binaries_match_the_list_of_operations() {
    let mut bins = String::new();
    for (operation, area) in OPERATIONS.iter().zip(AREAS) {
        let name = operation.name;
        let module = name.replace('-', "_");
        let source = format!(
            "//! The Lambda binary of `{name}`.\n\n\
             fn main() -> Result<(), lambda_runtime::Error> {{\n    \
             functions::serve(&functions::{area}::{module}::OPERATION)\n}}\n"
        );
        generate(&format!("functions/src/bin/{name}.rs"), &source);
        write!(bins, "\n[[bin]]\nname = \"{name}\"\ntest = false\n").unwrap();
    }
    only("functions/src/bin", ".rs", &names());
    let manifest = fs::read_to_string(repository("functions/Cargo.toml")).unwrap();
    let (before, _) = manifest.split_once("# Generated from here on").unwrap();
    let marker = "# Generated from here on. A test binary for each would take longer to link\n\
                  # than all else.\n";
    generate("functions/Cargo.toml", &format!("{before}{marker}{bins}"));
}

#[test]
fn openapi_document_matches_the_shapes() {
    // The pages are not part of the API.
    let mut routes = template().routes;
    routes.retain(|route| route.operation != "pages");
    let document = openapi::document(&routes);
    let paths = document["paths"].as_object().unwrap().values();
    let described: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, routes.len(), "a route is not described");
    let text = serde_json::to_string_pretty(&document).unwrap();
    generate("docs/openapi.json", &format!("{text}\n"));
}

#[test]
fn event_schema_matches_the_view() {
    let text = serde_json::to_string_pretty(&openapi::event_schema()).unwrap();
    generate("docs/events.schema.json", &format!("{text}\n"));
}

#[test]
fn api_tables_match_the_shapes() {
    let routes = template().routes;
    let mut page = fs::read_to_string(repository("docs/api.md")).unwrap();
    assert!(!docs::areas().is_empty());
    for area in docs::areas() {
        let table = docs::operations(area, &routes);
        let start = format!("<!-- operations: {area} -->\n");
        page = between(&page, &start, "<!-- end -->", &table);
    }
    page = between(&page, "<!-- codes -->\n", "<!-- end -->", &docs::codes());
    generate("docs/api.md", &page);
    let page = fs::read_to_string(repository("docs/architecture.md")).unwrap();
    let table = docs::sources(&routes);
    let page = between(&page, "<!-- operations -->\n", "<!-- end -->", &table);
    generate("docs/architecture.md", &page);
}

/// The ids of the organization, the invite and the API key in the sample events.
const SAMPLE_IDS: [&str; 3] = [
    "01930000-0000-7000-8000-000000000001",
    "01930000-0000-7000-8000-000000000002",
    "01930000-0000-7000-8000-000000000003",
];

/// Returns the event of a route in payload format 2.0, as API Gateway sends it.
fn event(access: &Access, route: &Route) -> Value {
    let [organization_id, invite_id, key_id] = SAMPLE_IDS;
    let ids = Ids {
        organization: format!("/v1/organizations/{organization_id}"),
        invite_id: invite_id.to_owned(),
        key_id: key_id.to_owned(),
        user_id: "sample-invitee".to_owned(),
        admin_id: "sample-invitee".to_owned(),
        creator_id: "sample-owner".to_owned(),
        link_token: "sample-token".to_owned(),
        opt_out_token: "sample-opt-out-token".to_owned(),
    };
    let (method, path, body) = (access.request)(&ids);
    let body = body.map(|body| body.to_string());
    let name = access.operation;
    let host = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com";
    let accept = match name {
        "pages" => "text/html",
        _ => "application/json",
    };
    let mut headers = json!({
        "accept": accept,
        "host": host,
        "user-agent": "curl/8.5.0",
        "x-amzn-trace-id": "Root=1-672b0028-000000000000000000000001",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    });
    if let Some(body) = &body {
        headers["content-length"] = json!(body.len().to_string());
        headers["content-type"] = json!("application/json");
    }
    if docs::takes_idempotency_key(name) {
        headers["idempotency-key"] = json!("sample-0001");
    }
    let authorizer = match route.caller {
        Caller::Anyone => None,
        Caller::Person => Some(json!({ "jwt": { "claims": claims(access), "scopes": null } })),
        Caller::ApiClient => Some(json!({
            "lambda": { "organization_id": organization_id, "api_key_id": key_id },
        })),
        Caller::Server => Some(json!({ "lambda": { "caller": "server" } })),
    };
    let route_key = format!("{} {}", route.method, route.path);
    let mut context = json!({
        "accountId": "123456789012",
        "apiId": "a1b2c3d4e5",
        "domainName": host,
        "domainPrefix": "a1b2c3d4e5",
        "http": {
            "method": method.as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "curl/8.5.0",
        },
        "requestId": format!("sample-{name}="),
        "routeKey": route_key,
        "stage": "$default",
        "time": "06/Nov/2024:05:37:44 +0000",
        "timeEpoch": 1_730_871_464_000_u64,
    });
    if let Some(authorizer) = authorizer {
        headers["authorization"] = json!("Bearer checked-by-the-gateway");
        context["authorizer"] = authorizer;
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    let parameters: serde_json::Map<String, Value> = route
        .path
        .split('/')
        .zip(path.split('/'))
        .filter_map(|(part, value)| {
            let name = part.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), json!(value)))
        })
        .collect();
    if !parameters.is_empty() {
        event["pathParameters"] = Value::Object(parameters);
    }
    if let Some(body) = body {
        event["body"] = json!(body);
    }
    event
}

fn claims(access: &Access) -> Value {
    let (user_id, email, name) = match access.permitted {
        "dana" => ("sample-invitee", "invitee@example.com", "Ines Invitee"),
        _ => ("sample-owner", "owner@example.com", "Olivia Owner"),
    };
    json!({
        "aud": "sample-client",
        "auth_time": "1730871404",
        "cognito:username": user_id,
        "email": email,
        "email_verified": "true",
        "exp": "1730875004",
        "iat": "1730871404",
        "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Sample000",
        "name": name,
        "sub": user_id,
        "token_use": "id",
    })
}

/// Whether a path is of a route.
fn matches(route: &str, path: &str) -> bool {
    let parts = || route.split('/').zip(path.split('/'));
    route.split('/').count() == path.split('/').count()
        && parts().all(|(part, value)| part.starts_with('{') || part == value)
}

#[test]
fn sample_events_match_the_access_rows() {
    let routes = template().routes;
    for access in access::ACCESS {
        let (method, path, _) = (access.request)(&Ids {
            organization: "/v1/organizations/1".to_owned(),
            invite_id: "2".to_owned(),
            key_id: "3".to_owned(),
            user_id: "4".to_owned(),
            admin_id: "4".to_owned(),
            creator_id: "4".to_owned(),
            link_token: "5".to_owned(),
            opt_out_token: "6".to_owned(),
        });
        let route = routes.iter().find(|route| {
            route.operation == access.operation
                && route.method == method.as_str()
                && matches(&route.path, &path)
        });
        let route = route.unwrap_or_else(|| panic!("no route for {}", access.operation));
        let text = serde_json::to_string_pretty(&event(access, route)).unwrap();
        generate(
            &format!("events/{}.json", access.operation),
            &format!("{text}\n"),
        );
    }
    let mut expected = names();
    expected.insert("env".to_owned());
    only("events", ".json", &expected);
}
