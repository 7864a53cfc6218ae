//! The API Gateway stand-in: makes the events that an HTTP API makes, checks
//! tokens as its JWT authorizer does, and turns Lambda's answers into HTTP.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use functions::{App, Clock, Operation};
use lambda_runtime::Context;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    issuer::Issuer,
    template::{Route, Template, TemplateError},
};

/// Routes requests to operations.
#[derive(Clone)]
pub struct Gateway {
    app: Arc<App>,
    issuer: Arc<Issuer>,
    clock: Clock,
    routes: Arc<Vec<(Route, &'static Operation)>>,
}

/// What the API answers to a request made from within.
#[derive(Debug, Clone)]
pub struct GatewayAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when there is none.
    pub body: Value,
}

/// The context that Lambda gives an invocation.
pub(crate) fn context() -> Context {
    let mut context = Context::default();
    context.request_id = Uuid::now_v7().to_string();
    context
}

impl Gateway {
    pub(crate) fn new(
        app: Arc<App>,
        issuer: Arc<Issuer>,
        clock: Clock,
        template: &Template,
    ) -> Result<Self, TemplateError> {
        let routes = template.routes.iter().map(|route| {
            let operation =
                functions::operation(&route.operation).ok_or_else(|| TemplateError::Wrong {
                    place: route.path.clone(),
                    problem: format!("leads to `{}`, which is no operation", route.operation),
                })?;
            Ok::<_, TemplateError>((route.clone(), operation))
        });
        let routes = Arc::new(routes.collect::<Result<_, _>>()?);
        Ok(Self {
            app,
            issuer,
            clock,
            routes,
        })
    }

    /// The same gateway in front of another app.
    pub(crate) fn with_app(&self, app: Arc<App>) -> Self {
        Self {
            app,
            ..self.clone()
        }
    }

    /// Makes a request from within, as somebody or as nobody.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> GatewayAnswer {
        let mut headers = HeaderMap::new();
        let bearer = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let body = body
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default();
        let answer = self
            .answer(&method, &path.parse().unwrap_or_default(), &headers, body)
            .await;
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap_or_default();
        GatewayAnswer {
            status,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// Answers an HTTP request.
    pub(crate) async fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Response {
        let found = self.routes.iter().find_map(|(route, operation)| {
            let parameters = path_parameters(&route.path, uri.path())?;
            (route.method == method.as_str()).then_some((route, *operation, parameters))
        });
        let Some((route, operation, parameters)) = found else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let claims = if route.signed_in {
            match bearer(headers).and_then(|token| self.issuer.verify(token)) {
                Some(claims) => Some(claims),
                None => return message(StatusCode::UNAUTHORIZED, "Unauthorized"),
            }
        } else {
            None
        };
        let event = self.event(route, method, uri, headers, parameters, claims, &body);
        match functions::invoke(&self.app, operation, event, context()).await {
            Ok(answer) => from_lambda(answer),
            Err(error) => {
                tracing::error!(operation = operation.name, %error, "an operation failed");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// An event in payload format 2.0.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event is made of all that a request is made of"
    )]
    fn event(
        &self,
        route: &Route,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        parameters: BTreeMap<String, String>,
        claims: Option<Map<String, Value>>,
        body: &Bytes,
    ) -> Value {
        let now = self.clock.now();
        let mut joined: BTreeMap<&str, String> = BTreeMap::new();
        let mut cookies = Vec::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            if name == header::COOKIE {
                cookies.extend(value.split("; ").map(str::to_owned));
                continue;
            }
            let all = joined.entry(name.as_str()).or_default();
            if !all.is_empty() {
                all.push(',');
            }
            all.push_str(&value);
        }
        let route_key = format!("{} {}", route.method, route.path);
        let mut context = json!({
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "http": {
                "method": method.as_str(),
                "path": uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": joined.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": Uuid::now_v7().to_string(),
            "routeKey": route_key,
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": now.timestamp_millis(),
        });
        if let (Some(claims), Some(context)) = (claims, context.as_object_mut()) {
            let authorizer = json!({ "jwt": { "claims": claims, "scopes": null } });
            context.insert("authorizer".to_owned(), authorizer);
        }
        let mut event = json!({
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": uri.path(),
            "rawQueryString": uri.query().unwrap_or_default(),
            "headers": joined,
            "requestContext": context,
            "isBase64Encoded": false,
        });
        if let Some(event) = event.as_object_mut() {
            let query = query_parameters(uri.query().unwrap_or_default());
            if !query.is_empty() {
                event.insert("queryStringParameters".to_owned(), json!(query));
            }
            if !parameters.is_empty() {
                event.insert("pathParameters".to_owned(), json!(parameters));
            }
            if !cookies.is_empty() {
                event.insert("cookies".to_owned(), json!(cookies));
            }
            if !body.is_empty() {
                let (body, encoded) = match std::str::from_utf8(body) {
                    Ok(text) => (text.to_owned(), false),
                    Err(_) => (STANDARD.encode(body), true),
                };
                event.insert("body".to_owned(), json!(body));
                event.insert("isBase64Encoded".to_owned(), json!(encoded));
            }
        }
        event
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or(("Bearer", value));
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The parameters in a path, decoded, when it is one of the route's.
fn path_parameters(route: &str, path: &str) -> Option<BTreeMap<String, String>> {
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

/// The query's parameters, decoded; those that are there several times, joined.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
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

fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "message": text }))).into_response()
}

/// What Lambda gives back, as HTTP.
fn from_lambda(answer: Value) -> Response {
    let status = answer
        .get("statusCode")
        .and_then(Value::as_u64)
        .unwrap_or(500);
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    let body = answer
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = if answer.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        STANDARD.decode(body).unwrap_or_default()
    } else {
        body.as_bytes().to_vec()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut add = |name: &str, value: &Value| {
        let name = name.parse::<HeaderName>().ok();
        let value = value
            .as_str()
            .and_then(|value| value.parse::<HeaderValue>().ok());
        if let (Some(name), Some(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    };
    let entries = |name: &str| {
        answer
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    };
    for (name, value) in entries("headers") {
        add(name, value);
    }
    for (name, values) in entries("multiValueHeaders") {
        let single = answer
            .get("headers")
            .and_then(|headers| headers.get(name))
            .is_some();
        for value in values.as_array().into_iter().flatten().filter(|_| !single) {
            add(name, value);
        }
    }
    for cookie in answer
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        add("set-cookie", cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_part_by_part() {
        let route = "/v1/organizations/{organization_id}/members/{user_id}";
        let parameters = path_parameters(route, "/v1/organizations/1/members/auth0%7Cx").unwrap();
        assert_eq!(parameters["user_id"], "auth0|x");
        for path in [
            "/v1/organizations/1/members",
            "/v1/organizations//members/2",
            "/v1/organizations/1/members/2/3",
        ] {
            assert!(path_parameters(route, path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded() {
        let parameters = query_parameters("limit=2&cursor=a%3Db&x=1&x=2&flag");
        assert_eq!(parameters["cursor"], "a=b");
        assert_eq!(parameters["x"], "1,2");
        assert_eq!(parameters["flag"], "");
    }
}
