//! Responses.

use std::fmt;

use lambda_http::{
    Body, Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use serde::Serialize;

use crate::input;

/// The response of an operation.
pub(crate) struct Response(lambda_http::Response<Body>);

/// A body may hold a secret: debug output shows none.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Responses depend on the person's role, so no cache may store them.
const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
/// The browser revalidates the page on each request.
const NO_CACHE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
/// The protocol that the client used, as API Gateway passes it on.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

impl Response {
    /// Responds 200 with a body.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, JSON, body)
    }

    /// Responds 201 with what was created, and its path.
    pub(crate) fn created(location: String, body: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, JSON, body).with_header("location", location)
    }

    /// Responds 204.
    pub(crate) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Body::Empty, [NO_STORE])
    }

    /// Responds with problem details.
    pub(crate) fn problem(status: StatusCode, problem: &impl Serialize) -> Self {
        Self::json(status, PROBLEM, problem)
    }

    /// Responds with a page.
    pub(crate) fn html(status: StatusCode, html: String) -> Self {
        Self::new(
            status,
            Body::Text(html),
            [(header::CONTENT_TYPE, HTML), NO_CACHE],
        )
        .for_browsers()
    }

    /// Responds 304: the browser has the current page.
    pub(crate) fn not_modified() -> Self {
        Self::new(StatusCode::NOT_MODIFIED, Body::Empty, [NO_CACHE]).for_browsers()
    }

    /// Responds with a file whose name changes with its content.
    pub(crate) fn file(media_type: &'static str, content: &[u8]) -> Self {
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        Self::new(
            StatusCode::OK,
            Body::Binary(content.to_vec()),
            [
                (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
                (header::CACHE_CONTROL, forever),
                (header::VARY, HeaderValue::from_static("accept-encoding")),
            ],
        )
        .for_browsers()
    }

    /// Responds 404 with the same body as API Gateway.
    pub(crate) fn not_found() -> Self {
        let body = serde_json::json!({ "message": "Not Found" });
        Self::json(StatusCode::NOT_FOUND, JSON, &body)
    }

    /// Adds a header. An invalid value is logged and omitted.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl ToString) -> Self {
        match HeaderValue::try_from(value.to_string()) {
            Ok(value) => {
                self.0.headers_mut().insert(name, value);
            }
            Err(error) => tracing::error!(name, %error, "a header's value is not valid"),
        }
        self
    }

    /// Adds the headers that clients of the image API read.
    pub(crate) fn with_credits(self, allowed: u64, consumed: u64, used: u64) -> Self {
        self.with_header("x-renders-allowed", allowed)
            .with_header("x-renders-consumed", consumed)
            .with_header("x-renders-used", used)
    }

    /// Removes the body: for HEAD, whose headers are those of GET.
    pub(crate) fn without_body(mut self) -> Self {
        *self.0.body_mut() = Body::Empty;
        self
    }

    /// Adds the headers that protect every response: no content sniffing, and HTTPS from
    /// now on. A local run over plain HTTP must not demand HTTPS.
    pub(crate) fn secured(mut self, request: &Request) -> Self {
        let headers = self.0.headers_mut();
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        if input::header(request, FORWARDED_PROTO) == "https" {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
        }
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn into_inner(self) -> lambda_http::Response<Body> {
        self.0
    }

    fn new<const N: usize>(
        status: StatusCode,
        body: Body,
        headers: [(HeaderName, HeaderValue); N],
    ) -> Self {
        let mut response = lambda_http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = HeaderMap::from_iter(headers);
        Self(response)
    }

    fn json(status: StatusCode, content_type: HeaderValue, body: &impl Serialize) -> Self {
        let headers = [(header::CONTENT_TYPE, content_type), NO_STORE];
        match serde_json::to_string(body) {
            Ok(body) => Self::new(status, Body::Text(body), headers),
            Err(error) => {
                tracing::error!(%error, "a response cannot be written as JSON");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, Body::Empty, headers)
            }
        }
    }

    /// Adds the security headers of pages: isolation from other origins, and no referrer.
    fn for_browsers(self) -> Self {
        self.with_header("referrer-policy", "no-referrer")
            .with_header("cross-origin-opener-policy", "same-origin")
            .with_header("cross-origin-resource-policy", "same-origin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_over_https_demands_https_from_now_on() {
        for (proto, demanded) in [
            (Some("https"), Some("max-age=31536000")),
            (Some("http"), None),
            (None, None),
        ] {
            let mut request = Request::default();
            if let Some(proto) = proto {
                let proto = HeaderValue::from_static(proto);
                request.headers_mut().insert(FORWARDED_PROTO, proto);
            }
            for response in [Response::no_content(), Response::not_found()] {
                let response = response.secured(&request).into_inner();
                let header = |name| {
                    let value: Option<&HeaderValue> = response.headers().get(name);
                    value.map(|value| value.to_str().unwrap())
                };
                assert_eq!(header("strict-transport-security"), demanded, "{proto:?}");
                assert_eq!(header("x-content-type-options"), Some("nosniff"));
            }
        }
    }
}
