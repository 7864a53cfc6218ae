//! HTTP responses, of functions and of API Gateway itself.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Returns a response of API Gateway itself.
pub(super) fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "message": text }))).into_response()
}

/// Converts the response of a function to HTTP.
pub(super) fn from_lambda(output: &Value) -> Response {
    let status = output
        .get("statusCode")
        .and_then(Value::as_u64)
        .unwrap_or(500);
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    let body = output
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = if output.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
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
        output
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    };
    for (name, value) in entries("headers") {
        add(name, value);
    }
    for (name, values) in entries("multiValueHeaders") {
        let single = output
            .get("headers")
            .and_then(|headers| headers.get(name))
            .is_some();
        for value in values.as_array().into_iter().flatten().filter(|_| !single) {
            add(name, value);
        }
    }
    for cookie in output
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        add("set-cookie", cookie);
    }
    response
}
