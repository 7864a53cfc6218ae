//! The API Gateway stand-in: makes the events that an HTTP API makes, checks
//! tokens as its JWT authorizer does, and turns Lambda's answers into HTTP.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use functions::{
    App, Clock, Operation,
    openapi::{Caller, Route},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    invocation::Lambda,
    issuer::Issuer,
    template::{DEFAULT_ROUTE, LambdaAuthorizer, Template, TemplateError},
};

/// Where every request comes from.
const LOOPBACK: &str = "127.0.0.1";

/// Routes requests to operations.
#[derive(Clone)]
pub struct Gateway {
    lambda: Lambda,
    issuer: Arc<Issuer>,
    clock: Clock,
    routes: Arc<Vec<(Route, &'static Operation)>>,
    machines: Option<Machines>,
}

/// What lets machines in: a function, whose answers are kept for a while.
#[derive(Clone)]
struct Machines {
    authorizer: LambdaAuthorizer,
    operation: &'static Operation,
    kept: Arc<Mutex<HashMap<String, Kept>>>,
}

/// An answer of the authorizer's, and until when it is kept.
struct Kept {
    context: Option<Value>,
    until: DateTime<Utc>,
}

/// What the API answers to a request made from within.
#[derive(Debug, Clone)]
pub struct GatewayAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when there is none.
    pub body: Value,
}

impl Gateway {
    pub(crate) fn new(
        lambda: Lambda,
        issuer: Arc<Issuer>,
        clock: Clock,
        template: &Template,
    ) -> Result<Self, TemplateError> {
        let operation = |name: &str, place: &str| {
            functions::operation(name).ok_or_else(|| TemplateError::Wrong {
                place: place.to_owned(),
                problem: format!("leads to `{name}`, which is no operation"),
            })
        };
        let routes = template.routes.iter().map(|route| {
            let operation = operation(&route.operation, &route.path)?;
            Ok::<_, TemplateError>((route.clone(), operation))
        });
        let machines = template.lambda_authorizer.as_ref().map(|authorizer| {
            Ok::<_, TemplateError>(Machines {
                authorizer: authorizer.clone(),
                operation: operation(&authorizer.operation, &authorizer.name)?,
                kept: Arc::default(),
            })
        });
        let machines = machines.transpose()?;
        let mut routes = routes.collect::<Result<Vec<_>, _>>()?;
        // Where two routes fit, the more literal one answers.
        routes.sort_by_key(|(route, _)| route.path.matches('{').count());
        let routes = Arc::new(routes);
        Ok(Self {
            lambda,
            issuer,
            clock,
            routes,
            machines,
        })
    }

    /// The same gateway in front of another app. What the authorizer told this
    /// one, that one asks anew.
    pub(crate) fn with_app(&self, app: Arc<App>) -> Self {
        let machines = self.machines.clone();
        Self {
            lambda: self.lambda.with_app(app),
            machines: machines.map(|machines| Machines {
                kept: Arc::default(),
                ..machines
            }),
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
        self.call_once(method, path, token, body, None).await
    }

    /// Makes a request from within, with an idempotency key.
    pub async fn call_once(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> GatewayAnswer {
        let mut headers = HeaderMap::new();
        let key = idempotency_key.and_then(|key| HeaderValue::from_str(key).ok());
        if let Some(key) = key {
            headers.insert("idempotency-key", key);
        }
        let bearer = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
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
        let found = found.or_else(|| {
            let mut routes = self.routes.iter();
            let (route, operation) = routes.find(|(route, _)| route.path == DEFAULT_ROUTE)?;
            Some((route, *operation, BTreeMap::new()))
        });
        let Some((route, operation, parameters)) = found else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let incoming = Incoming {
            route,
            method,
            uri,
            headers,
            body: &body,
            parameters,
            request_id: Uuid::now_v7(),
            at: self.clock.now(),
        };
        let authorizer = match self.authorize(&incoming).await {
            Ok(authorizer) => authorizer,
            Err(refusal) => return refusal,
        };
        match self
            .lambda
            .invoke(operation, incoming.event(authorizer))
            .await
        {
            Ok(answer) => from_lambda(answer),
            Err(error) => {
                tracing::error!(operation = operation.name, %error, "an operation failed");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

impl Gateway {
    /// What the route's authorizer tells of who it is; nothing on a route that
    /// has none.
    async fn authorize(&self, incoming: &Incoming<'_>) -> Result<Option<Value>, Response> {
        match incoming.route.caller {
            Caller::Anyone => Ok(None),
            Caller::Person => {
                let token = bearer(incoming.headers);
                let claims = token.and_then(|token| self.issuer.verify(token));
                let claims = claims.ok_or_else(|| {
                    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
                    (challenge, message(StatusCode::UNAUTHORIZED, "Unauthorized")).into_response()
                })?;
                Ok(Some(json!({ "jwt": { "claims": claims, "scopes": null } })))
            }
            Caller::ApiClient => {
                let context = match &self.machines {
                    Some(machines) => machines.authorize(&self.lambda, incoming).await?,
                    None => None,
                };
                let context = context.ok_or_else(|| message(StatusCode::FORBIDDEN, "Forbidden"))?;
                Ok(Some(json!({ "lambda": context })))
            }
        }
    }
}

impl Machines {
    /// What the function tells of who it is; `None` when it says no. A request
    /// without the header never gets to it.
    async fn authorize(
        &self,
        lambda: &Lambda,
        incoming: &Incoming<'_>,
    ) -> Result<Option<Value>, Response> {
        let identity = incoming.header(&self.authorizer.header);
        if identity.is_empty() {
            return Err(message(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        if let Some(context) = self.kept(&identity, incoming.at) {
            return Ok(context);
        }
        let event = incoming.authorizer_event(&identity);
        let failed = || message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        let answer = lambda
            .invoke(self.operation, event)
            .await
            .map_err(|error| {
                tracing::error!(operation = self.operation.name, %error, "an authorizer failed");
                failed()
            })?;
        let authorized = answer.get("isAuthorized").and_then(Value::as_bool);
        let context = authorized
            .ok_or_else(failed)?
            .then(|| answer.get("context").cloned().unwrap_or_default());
        self.keep(identity, context.clone(), incoming.at);
        Ok(context)
    }

    fn kept(&self, identity: &str, now: DateTime<Utc>) -> Option<Option<Value>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(identity).filter(|kept| now < kept.until)?;
        Some(kept.context.clone())
    }

    fn keep(&self, identity: String, context: Option<Value>, now: DateTime<Utc>) {
        let kept_for = TimeDelta::from_std(self.authorizer.cache_ttl).unwrap_or_default();
        let until = now + kept_for;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now < kept.until);
        kept.insert(identity, Kept { context, until });
    }
}

/// Returns the router of all paths that no other router of the stack has.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new().fallback(answer).with_state(gateway)
}

async fn answer(
    State(gateway): State<Gateway>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => gateway.answer(&method, &uri, &headers, body).await,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            message(error.status(), "Request Entity Too Large")
        }
        Err(error) => message(error.status(), "Bad Request"),
    }
}

/// What an event is made of.
struct Incoming<'a> {
    route: &'a Route,
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    /// The path's parameters, decoded.
    parameters: BTreeMap<String, String>,
    request_id: Uuid,
    at: DateTime<Utc>,
}

impl Incoming<'_> {
    /// The values of a header, joined; nothing if it is not there.
    fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).into_iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(",")
    }

    /// What an authorizer gets: the request without its body, and what it is
    /// known by.
    fn authorizer_event(&self, identity: &str) -> Value {
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

    /// An event in payload format 2.0, with what the authorizer has told.
    fn event(&self, authorizer: Option<Value>) -> Value {
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
        // HTTP APIs decode the path before they pass it on, unlike REST APIs.
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

/// Whether API Gateway passes such a body on as it is; others come in base64.
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

    const ROUTE: &str = "/v1/organizations/{organization_id}/members/{user_id}";

    fn event(uri: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Value {
        let claims = json!({ "sub": "a|b", "email_verified": "true" });
        let authorizer = json!({ "jwt": { "claims": claims, "scopes": null } });
        incoming(uri, headers, body, |incoming| {
            incoming.event(Some(authorizer))
        })
    }

    fn incoming(
        uri: &str,
        headers: &[(&'static str, &str)],
        body: &[u8],
        make: impl FnOnce(&Incoming<'_>) -> Value,
    ) -> Value {
        let route = Route {
            method: "PATCH".to_owned(),
            path: ROUTE.to_owned(),
            operation: "update-member".to_owned(),
            caller: Caller::Person,
        };
        let uri: Uri = uri.parse().unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        make(&Incoming {
            route: &route,
            method: &Method::PATCH,
            uri: &uri,
            headers: &map,
            body: &Bytes::copy_from_slice(body),
            parameters: path_parameters(ROUTE, uri.path()).unwrap(),
            request_id: Uuid::from_u128(1),
            at: DateTime::from_timestamp_millis(1_730_871_464_000).unwrap(),
        })
    }

    #[test]
    fn a_path_matches_part_by_part() {
        let parameters = path_parameters(ROUTE, "/v1/organizations/1/members/auth0%7Cx").unwrap();
        assert_eq!(parameters["user_id"], "auth0|x");
        for path in [
            "/v1/organizations/1/members",
            "/v1/organizations//members/2",
            "/v1/organizations/1/members/2/3",
            "/v1/organizations/1/members/2/",
        ] {
            assert!(path_parameters(ROUTE, path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded() {
        let parameters = query_parameters("limit=2&cursor=a%3Db&x=1&x=2&flag");
        assert_eq!(parameters["cursor"], "a=b");
        assert_eq!(parameters["x"], "1,2");
        assert_eq!(parameters["flag"], "");
    }

    #[test]
    fn an_event_is_what_lambda_http_reads() {
        let event = event(
            "/v1/organizations/1/members/auth0%7Cx?limit=2",
            &[("content-type", "application/json")],
            b"{}",
        );
        let read: lambda_http::request::LambdaRequest = serde_json::from_value(event).unwrap();
        let request = lambda_http::Request::from(read);
        assert_eq!(request.method(), "PATCH");
        assert_eq!(request.uri().query(), Some("limit=2"));
    }

    #[test]
    fn an_event_holds_the_path_decoded_and_the_query_as_it_came() {
        let event = event("/v1/organizations/1/members/a%20b?cursor=a%3Db", &[], b"");
        assert_eq!(event["rawPath"], "/v1/organizations/1/members/a b");
        assert_eq!(event["rawQueryString"], "cursor=a%3Db");
        assert_eq!(event["pathParameters"]["user_id"], "a b");
        assert_eq!(event["queryStringParameters"], json!({ "cursor": "a=b" }));
        assert_eq!(event["routeKey"], format!("PATCH {ROUTE}"));
        assert_eq!(event["requestContext"]["timeEpoch"], 1_730_871_464_000_i64);
        assert_eq!(
            event["requestContext"]["time"],
            "06/Nov/2024:05:37:44 +0000"
        );
        assert_eq!(
            event["requestContext"]["authorizer"]["jwt"]["claims"]["email_verified"],
            "true"
        );
        assert!(event.get("body").is_none());
    }

    #[test]
    fn an_authorizer_gets_the_request_without_its_body() {
        let headers = [("authorization", "Basic a"), ("authorization", "Basic b")];
        let uri = "/v1/organizations/1/members/2?limit=2";
        let event = incoming(uri, &headers, b"{}", |incoming| {
            incoming.authorizer_event(&incoming.header("authorization"))
        });
        assert_eq!(event["type"], "REQUEST");
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["identitySource"], json!(["Basic a,Basic b"]));
        assert_eq!(event["headers"]["authorization"], "Basic a,Basic b");
        assert_eq!(
            event["routeArn"],
            "arn:aws:execute-api:us-east-1:000000000000:local/$default/PATCH/v1/organizations/1/members/2"
        );
        assert_eq!(event["queryStringParameters"]["limit"], "2");
        assert_eq!(event["pathParameters"]["user_id"], "2");
        let context = &event["requestContext"];
        assert_eq!(context["http"]["method"], "PATCH");
        assert_eq!(context["routeKey"], event["routeKey"]);
        for absent in [
            &event["body"],
            &event["isBase64Encoded"],
            &context["authorizer"],
        ] {
            assert!(absent.is_null(), "{event}");
        }
    }

    #[test]
    fn headers_of_one_name_are_joined_and_cookies_are_apart() {
        let headers = [
            ("accept", "text/html"),
            ("accept", "application/json"),
            ("cookie", "a=1; b=2"),
        ];
        let event = event("/v1/organizations/1/members/2", &headers, b"");
        assert_eq!(event["headers"]["accept"], "text/html,application/json");
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert!(event["headers"].get("cookie").is_none());
    }

    #[test]
    fn a_body_is_text_or_base64_by_its_content_type() {
        let uri = "/v1/organizations/1/members/2";
        let json = [("content-type", "application/json; charset=utf-8")];
        for (headers, body, expected, encoded) in [
            (&json[..], &b"{}"[..], "{}", false),
            (&json[..], &b"\xff"[..], "/w==", true),
            (&[][..], &b"{}"[..], "e30=", true),
        ] {
            let event = event(uri, headers, body);
            assert_eq!(event["body"], expected);
            assert_eq!(event["isBase64Encoded"], encoded);
        }
    }

    #[test]
    fn lambdas_answer_becomes_http() {
        let response = from_lambda(json!({
            "statusCode": 201,
            "headers": { "content-type": "text/plain" },
            "multiValueHeaders": { "content-type": ["text/plain"], "x-many": ["1", "2"] },
            "cookies": ["a=1", "b=2"],
            "body": "aGk=",
            "isBase64Encoded": true,
        }));
        assert_eq!(response.status(), 201);
        let headers = response.headers();
        assert_eq!(headers.get_all("content-type").iter().count(), 1);
        assert_eq!(headers.get_all("x-many").iter().count(), 2);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    }
}
