//! Answers.

use std::fmt;

use lambda_http::{Body, Response};
use serde::Serialize;

use crate::failure::Problem;

/// What an operation answers.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

/// A body may hold a secret: debug output shows none.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(200, "application/json", body)
    }

    /// 201 with the thing that was made, and where it is.
    pub(crate) fn created(location: String, body: &impl Serialize) -> Self {
        Self::json(201, "application/json", body).with_header("location", location)
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self {
            status: 204,
            headers: vec![no_store()],
            body: Body::Empty,
        }
    }

    pub(crate) fn problem(status: u16, problem: &Problem) -> Self {
        Self::json(status, "application/problem+json", problem)
    }

    /// A page: the browser asks each time whether it has changed.
    pub(crate) fn html(status: u16, html: String) -> Self {
        let mut headers = for_browsers();
        headers.push(("content-type", "text/html; charset=utf-8".to_owned()));
        headers.push(("cache-control", "no-cache".to_owned()));
        Self {
            status,
            headers,
            body: Body::Text(html),
        }
    }

    /// 304: the browser has the page.
    pub(crate) fn not_modified() -> Self {
        let mut headers = for_browsers();
        headers.push(("cache-control", "no-cache".to_owned()));
        Self {
            status: 304,
            headers,
            body: Body::Empty,
        }
    }

    /// A file whose name changes with its content.
    pub(crate) fn file(media_type: &str, content: &[u8]) -> Self {
        let mut headers = for_browsers();
        headers.push(("content-type", media_type.to_owned()));
        let forever = "public, max-age=31536000, immutable";
        headers.push(("cache-control", forever.to_owned()));
        headers.push(("vary", "accept-encoding".to_owned()));
        Self {
            status: 200,
            headers,
            body: Body::Binary(content.to_vec()),
        }
    }

    /// 404, in the words of the gateway.
    pub(crate) fn not_found() -> Self {
        let body = serde_json::json!({ "message": "Not Found" });
        Self::json(404, "application/json", &body)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What a client of the image API looks at.
    pub(crate) fn with_credits(self, allowed: u64, consumed: u64, used: u64) -> Self {
        self.with_header("x-renders-allowed", allowed.to_string())
            .with_header("x-renders-consumed", consumed.to_string())
            .with_header("x-renders-used", used.to_string())
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    fn json(status: u16, content_type: &str, body: &impl Serialize) -> Self {
        let headers = vec![("content-type", content_type.to_owned()), no_store()];
        match serde_json::to_string(body) {
            Ok(body) => Self {
                status,
                headers,
                body: Body::Text(body),
            },
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Self {
                    status: 500,
                    headers,
                    body: Body::Empty,
                }
            }
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        if let Ok(status) = self.status.try_into() {
            *response.status_mut() = status;
        }
        for (name, value) in self.headers {
            if let Ok(value) = value.try_into() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// What people may see changes with their role: nothing is kept on the way.
fn no_store() -> (&'static str, String) {
    ("cache-control", "no-store".to_owned())
}

/// What is shown is what was sent, and says nowhere where it was opened from.
fn for_browsers() -> Vec<(&'static str, String)> {
    [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}
