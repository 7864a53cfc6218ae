//! Reading requests: malformed input is refused with the field's name.

use chrono::{DateTime, Datelike, Utc};
use lambda_http::{Request, RequestExt, http::HeaderName};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use store::PageRequest;

use self::json::Json;
use crate::error::Error;

mod if_match;
mod json;
mod patch;

pub(crate) use if_match::IfMatch;
pub(crate) use patch::{Clearable, Patch};

/// The default of `limit`.
const DEFAULT_LIMIT: u16 = 25;

/// Returns a parameter of the path, as API Gateway has cut it out.
pub(crate) fn path<'a>(request: &'a Request, name: &str) -> &'a str {
    request
        .path_parameters_ref()
        .and_then(|path| path.first(name))
        .unwrap_or_default()
}

/// Returns a parameter of the query.
pub(crate) fn query<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.query_string_parameters_ref()?.first(name)
}

/// Returns a header's text; empty where it is absent or not ASCII.
pub(crate) fn header(request: &Request, name: HeaderName) -> &str {
    let value = request.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Reads the body, a JSON object.
///
/// # Errors
/// [`Error::Invalid`] names the field that is missing, unknown, twice there, of
/// the wrong type, or has a value that is not allowed.
pub(crate) fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Error> {
    let text = request.body().as_ref();
    // The path to a field is tracked only for a body that has to be refused.
    let json: Option<Json> = serde_json::from_slice(text).ok();
    match json.filter(Json::is_object).map(T::deserialize) {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) | None => explained_body(text),
    }
}

/// Reads the body again, and finds what is wrong.
fn explained_body<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    let mut text = serde_json::Deserializer::from_slice(text);
    let json = deserialize::<_, Json>(&mut text)?;
    text.end().map_err(|error| explain(".", &error))?;
    if !json.is_object() {
        return Err(not_an_object());
    }
    deserialize(json)
}

/// Reads the body, a JSON object, where there is one.
///
/// # Errors
/// As [`body`].
pub(crate) fn body_if_any<T: DeserializeOwned>(request: &Request) -> Result<Option<T>, Error> {
    if request.body().as_ref().is_empty() {
        return Ok(None);
    }
    body(request).map(Some)
}

/// Reads an event that is no request.
///
/// # Errors
/// As [`body`].
pub(crate) fn event<T: DeserializeOwned>(event: serde_json::Value) -> Result<T, Error> {
    let json = deserialize::<_, Json>(event)?;
    if !json.is_object() {
        return Err(not_an_object());
    }
    deserialize(json)
}

fn deserialize<'de, D, T>(deserializer: D) -> Result<T, Error>
where
    D: Deserializer<'de, Error = serde_json::Error>,
    T: Deserialize<'de>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })
}

fn not_an_object() -> Error {
    Error::Invalid {
        detail: "the body must be a JSON object".to_owned(),
        field: None,
    }
}

/// Rewords serde's errors. Values are not repeated: they may be addresses.
fn explain(path: &str, error: &serde_json::Error) -> Error {
    if !error.is_data() {
        return not_an_object();
    }
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let whole = path == ".";
    if message.starts_with("missing field") {
        return Error::field(&join(path, quoted()), "is missing");
    }
    if message.starts_with("unknown field") {
        let name = if whole { quoted() } else { path };
        return Error::field(name, "is not a field of this request");
    }
    if message.starts_with("duplicate field") {
        return Error::field(&join(path, quoted()), "is a duplicate field");
    }
    // The last one: a value may contain these words, too.
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, expected)| expected);
    match expected {
        Some(_) if whole => not_an_object(),
        Some("u64" | "i64" | "u32") => Error::field(path, "must be a whole number"),
        Some(expected) => Error::field(path, format_args!("must be {expected}")),
        None => Error::field(path, message),
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "." => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// A time in a body, in RFC 3339 with any offset, and within the years 0 to 9999 in UTC.
/// No leap second: programs that read it back may not know it.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(transparent, inline)]
pub(crate) struct Time(pub(crate) DateTime<Utc>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The parser also takes a minus sign that is none in ASCII.
        let parsed = text.is_ascii().then(|| DateTime::parse_from_rfc3339(&text));
        let time = parsed.and_then(Result::ok).map(|time| time.to_utc());
        // RFC 3339 has no other years, but an offset can lead out of them.
        let time = time.filter(|time| {
            (0..=9999).contains(&time.year()) && time.timestamp_subsec_nanos() < 1_000_000_000
        });
        time.map(Self)
            .ok_or_else(|| de::Error::custom("must be a time such as `2026-03-01T12:00:00Z`"))
    }
}

/// Returns the `Idempotency-Key` header, where there is one.
///
/// # Errors
/// [`Error::Invalid`] when it is not 1 to 128 printable ASCII characters.
pub(crate) fn idempotency_key(request: &Request) -> Result<Option<&str>, Error> {
    let Some(value) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| is_idempotency_key(key));
    key.map(Some)
        .ok_or_else(|| Error::field("idempotency-key", InvalidIdempotencyKey))
}

fn is_idempotency_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The error of a text that cannot be an idempotency key.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("must be 1 to 128 printable ASCII characters without spaces")]
pub(crate) struct InvalidIdempotencyKey;

/// An idempotency key in a body: 1 to 128 printable ASCII characters without spaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
pub(crate) struct IdempotencyKey(#[schemars(length(min = 1, max = 128))] String);

impl IdempotencyKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidIdempotencyKey;

    fn try_from(text: String) -> Result<Self, InvalidIdempotencyKey> {
        if is_idempotency_key(&text) {
            Ok(Self(text))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }
}

/// Reads the page of a list from the query's `limit` and `cursor`.
///
/// # Errors
/// [`Error::Invalid`] with the parameter's name, also for an unknown one: a misspelled
/// filter would return everything.
pub(crate) fn page(request: &Request) -> Result<PageRequest, Error> {
    page_and(request, &[])
}

/// Reads the page of a list that has other parameters, too.
///
/// # Errors
/// As [`page`].
pub(crate) fn page_and(request: &Request, others: &[&str]) -> Result<PageRequest, Error> {
    let parameters = request.query_string_parameters_ref();
    let mut names = parameters
        .iter()
        .flat_map(|parameters| parameters.iter().map(|(name, _)| name));
    let is_known = |name: &str| ["limit", "cursor"].contains(&name) || others.contains(&name);
    if let Some(unknown) = names.find(|name| !is_known(name)) {
        return Err(Error::field(unknown, "is not a parameter of this request"));
    }
    let limit = match query(request, "limit") {
        None => DEFAULT_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=PageRequest::MAX_LIMIT).contains(limit))
            .ok_or_else(|| Error::field("limit", "must be a whole number from 1 to 100"))?,
    };
    match query(request, "cursor") {
        None => Ok(PageRequest::first(limit)),
        Some(cursor) => {
            PageRequest::at(limit, cursor).ok_or_else(|| Error::field("cursor", "is invalid"))
        }
    }
}
