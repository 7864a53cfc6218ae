//! Reading requests: what cannot be understood is refused with the field's name.

use chrono::{DateTime, Utc};
use lambda_http::{Request, RequestExt};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use store::PageRequest;

use crate::failure::Failure;

/// The page's size where the request names none.
const DEFAULT_LIMIT: u16 = 25;

/// A parameter of the path, as API Gateway cut it out.
pub(crate) fn path<'a>(request: &'a Request, name: &str) -> &'a str {
    request
        .path_parameters_ref()
        .and_then(|path| path.first(name))
        .unwrap_or_default()
}

/// The body, as JSON.
///
/// # Errors
/// [`Failure::Invalid`], with the name of the field that is missing, unknown,
/// of the wrong type, or has a value that is not allowed.
pub(crate) fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_slice(request.body().as_ref());
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    json.end().map_err(|error| explain(".", &error))?;
    Ok(value)
}

/// The body, as JSON, where there is one.
///
/// # Errors
/// As [`body`].
pub(crate) fn body_if_any<T: DeserializeOwned>(request: &Request) -> Result<Option<T>, Failure> {
    if request.body().as_ref().is_empty() {
        return Ok(None);
    }
    body(request).map(Some)
}

/// An event that is no request.
///
/// # Errors
/// As [`body`].
pub(crate) fn event<T: DeserializeOwned>(event: serde_json::Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(event).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })
}

/// Puts serde's words into ours. Values are not repeated: they may be addresses.
fn explain(path: &str, error: &serde_json::Error) -> Failure {
    // A value of the wrong kind altogether may count as bad syntax.
    if error.is_syntax() && path != "." && !path.is_empty() {
        return Failure::field(path, "is not a valid value");
    }
    if !error.is_data() {
        let detail = "the body must be a JSON object".to_owned();
        return Failure::Invalid {
            detail,
            field: None,
        };
    }
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(text, _)| text);
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let whole = path == ".";
    if message.starts_with("missing field") {
        return Failure::field(&join(path, quoted()), "is missing");
    }
    if message.starts_with("unknown field") {
        let name = if whole { quoted() } else { path };
        return Failure::field(name, "is not a field of this request");
    }
    if message.starts_with("duplicate field") {
        return Failure::field(&join(path, quoted()), "is there twice");
    }
    let expected = message
        .split_once(", expected ")
        .map(|(_, expected)| expected);
    match expected {
        Some(_) if whole => Failure::Invalid {
            detail: "the body must be a JSON object".to_owned(),
            field: None,
        },
        Some(expected) => Failure::field(path, format_args!("must be {expected}")),
        None => Failure::field(path, message),
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "." => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// For a field that may be left out but not be `null`.
pub(crate) fn if_present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A time in a body: any RFC 3339 time, in whichever zone.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(transparent, inline)]
pub(crate) struct Time(pub(crate) DateTime<Utc>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| D::Error::custom("must be a time such as `2026-03-01T12:00:00Z`"))?;
        Ok(Self(time.to_utc()))
    }
}

/// For a field that may be left out; `null` and an empty text clear it.
pub(crate) fn cleared_or_present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error: std::fmt::Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    let text = text.filter(|text| !text.trim().is_empty());
    let value = text.map(T::try_from).transpose();
    value.map(Some).map_err(serde::de::Error::custom)
}

/// The `Idempotency-Key` header, where there is one.
///
/// # Errors
/// [`Failure::Invalid`] when it cannot be a key.
pub(crate) fn idempotency_key(request: &Request) -> Result<Option<&str>, Failure> {
    let Some(value) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| {
        (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    key.map(Some).ok_or_else(|| {
        Failure::field(
            "idempotency-key",
            "must be 1 to 128 printable ASCII characters without spaces",
        )
    })
}

/// Which page of a list, from the query's `limit` and `cursor`.
///
/// # Errors
/// [`Failure::Invalid`] with the parameter's name.
pub(crate) fn page(request: &Request) -> Result<PageRequest, Failure> {
    let query = request.query_string_parameters_ref();
    let parameter = |name| query.and_then(|query| query.first(name));
    let limit = match parameter("limit") {
        None => DEFAULT_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=PageRequest::MAX_LIMIT).contains(limit))
            .ok_or_else(|| Failure::field("limit", "must be a whole number from 1 to 100"))?,
    };
    match parameter("cursor") {
        None => Ok(PageRequest::first(limit)),
        Some(cursor) => PageRequest::at(limit, cursor)
            .ok_or_else(|| Failure::field("cursor", "is not a cursor that a list has given")),
    }
}
