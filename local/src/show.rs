//! Helpers of the pages in `templates/`: the developer's and the identity provider's.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// Renders a page, with this content security policy.
pub(crate) fn show(page: &impl Template, policy: &str) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy.to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    match page.render() {
        Ok(html) => (headers, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Returns whether a text resembles an email address. The operations check it
/// thoroughly.
pub(crate) fn is_address(email: &str) -> bool {
    let parts = email.trim().rsplit_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slip_in_address_is_detected() {
        for slip in ["", "ada", "@example.com", "ada@"] {
            assert!(!is_address(slip), "{slip}");
        }
        assert!(is_address(" ada@example.com"));
    }
}
