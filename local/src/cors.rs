//! Answers to browsers about requests of pages of other origins, as API Gateway gives
//! them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::template::Cors;

/// The origins that may call, and the rules for them.
struct Allowed {
    origins: Vec<String>,
    rules: Cors,
}

/// Lets pages of these origins call a server.
pub(crate) fn allowing(router: Router, origins: &[String], rules: Option<&Cors>) -> Router {
    let allowed = Arc::new(Allowed {
        origins: origins.to_vec(),
        rules: rules.cloned().unwrap_or_default(),
    });
    router.layer(middleware::from_fn_with_state(allowed, allow))
}

async fn allow(State(allowed): State<Arc<Allowed>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|origin| {
        let text = origin.to_str().unwrap_or_default();
        allowed.origins.iter().any(|allowed| allowed == text)
    });
    let Some(origin) = origin else {
        return next.run(request).await;
    };
    let asked = request.headers();
    let is_preflight = request.method() == Method::OPTIONS
        && asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let rules = &allowed.rules;
    if is_preflight {
        set(
            headers,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &rules.allow_methods.join(","),
        );
        set(
            headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &rules.allow_headers.join(","),
        );
        set(
            headers,
            header::ACCESS_CONTROL_MAX_AGE,
            &rules.max_age.to_string(),
        );
    } else {
        set(
            headers,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            &rules.expose_headers.join(","),
        );
    }
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
