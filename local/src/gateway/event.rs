//! Events in payload format 2.0, as an HTTP API makes them.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use functions::openapi::Route;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::template::DEFAULT_ROUTE;

/// The source address of every request.
const LOOPBACK: &str = "127.0.0.1";

/// A request, with its route.
pub(super) struct Incoming<'a> {
    pub(super) route: &'a Route,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    /// The path's parameters, decoded.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) request_id: Uuid,
    pub(super) at: DateTime<Utc>,
}

impl Incoming<'_> {
    /// Returns the values of a header, joined; empty if the header is absent.
    pub(super) fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).into_iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(",")
    }

    /// Returns the event of an authorizer: the request without its body, and the
    /// identity that the authorizer's answer is cached by.
    pub(super) fn authorizer_event(&self, identity: &str) -> Value {
        let mut event = self.event(None);
        if let Some(event) = event.as_object_mut() {
            event.remove("body");
            event.remove("isBase64Encoded");
            let (method, path) = (self.method, self.uri.path());
            let arn =
                format!("arn:aws:execute-api:us-east-1:000000000000:local/$default/{method}{path}");
            event.insert("type".to_owned(), json!("REQUEST"));
            event.insert("routeArn".to_owned(), json!(arn));
            event.insert("identitySource".to_owned(), json!([identity]));
        }
        event
    }

    /// Returns the event of an operation, with the context that the authorizer returned.
    pub(super) fn event(&self, authorizer: Option<Value>) -> Value {
        let request_id = self.request_id;
        let mut headers: BTreeMap<&str, String> = BTreeMap::new();
        let mut cookies = Vec::new();
        for (name, value) in self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            if name == header::COOKIE {
                cookies.extend(value.split("; ").map(str::to_owned));
                continue;
            }
            let all = headers.entry(name.as_str()).or_default();
            if !all.is_empty() {
                all.push(',');
            }
            all.push_str(&value);
        }
        let trace = request_id.simple().to_string();
        let (trace_time, trace_rest) = trace.split_at(8);
        headers.extend([
            (
                "x-amzn-trace-id",
                format!("Root=1-{trace_time}-{trace_rest}"),
            ),
            ("x-forwarded-for", LOOPBACK.to_owned()),
            ("x-forwarded-proto", "http".to_owned()),
        ]);
        let route_key = if self.route.path == DEFAULT_ROUTE {
            DEFAULT_ROUTE.to_owned()
        } else {
            format!("{} {}", self.route.method, self.route.path)
        };
        // Unlike REST APIs, HTTP APIs pass the path on decoded.
        let path = decode(self.uri.path());
        let mut context = json!({
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": LOOPBACK,
            "domainPrefix": "127",
            "http": {
                "method": self.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": LOOPBACK,
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": self.at.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": self.at.timestamp_millis(),
        });
        if let Some(context) = context.as_object_mut() {
            context.extend(authorizer.map(|authorizer| ("authorizer".to_owned(), authorizer)));
        }
        let mut event = json!({
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": path,
            "rawQueryString": self.uri.query().unwrap_or_default(),
            "headers": headers,
            "requestContext": context,
            "isBase64Encoded": false,
        });
        if let Some(event) = event.as_object_mut() {
            let query = query_parameters(self.uri.query().unwrap_or_default());
            if !query.is_empty() {
                event.insert("queryStringParameters".to_owned(), json!(query));
            }
            if !self.parameters.is_empty() {
                event.insert("pathParameters".to_owned(), json!(self.parameters));
            }
            if !cookies.is_empty() {
                event.insert("cookies".to_owned(), json!(cookies));
            }
            if !self.body.is_empty() {
                let text = std::str::from_utf8(self.body).ok();
                let text = text.filter(|_| is_text(self.headers));
                let body = text.map_or_else(|| STANDARD.encode(self.body), str::to_owned);
                event.insert("body".to_owned(), json!(body));
                event.insert("isBase64Encoded".to_owned(), json!(text.is_none()));
            }
        }
        event
    }
}

/// Returns whether API Gateway passes a body on as text; it encodes others in base64.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(
            kind.as_str(),
            "application/json" | "application/javascript" | "application/xml"
        )
}

/// Returns a path's parameters, decoded; `None` if the path does not match the route.
pub(super) fn path_parameters(route: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut parts = path.split('/');
    for wanted in route.split('/') {
        let part = parts.next()?;
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(_) if part.is_empty() => return None,
            Some(name) => {
                parameters.insert(name.to_owned(), decode(part));
            }
            None if wanted == part => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(parameters)
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Returns the query's parameters, decoded. Values of one name are joined.
pub(super) fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(&value.replace('+', " "));
        parameters
            .entry(decode(&name.replace('+', " ")))
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}
