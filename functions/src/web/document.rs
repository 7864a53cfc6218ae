//! The HTML document of every page.

use lambda_http::{
    Request,
    http::{StatusCode, header},
};
use sha2::{Digest, Sha256};

use super::assets;
use crate::{input, response::Response};

/// The identity provider, as the pages need to know it.
#[derive(Debug, Clone, Default)]
pub struct SignInConfig {
    /// The OpenID provider's issuer, as in its tokens.
    pub issuer: String,
    /// The pages' client id at the provider.
    pub client_id: String,
    /// The sign-out URL of a provider that does not implement the standard's.
    pub sign_out_url: String,
    /// The provider's other origins, separated by spaces, if not all endpoints are at the issuer's.
    pub origins: String,
}

/// The document and its policy, filled with the deployment's configuration.
pub(crate) struct Document {
    html: String,
    policy: String,
}

const SHELL: &str = include_str!("../../pages/shell.html");

impl Document {
    pub(crate) fn new(sign_in: &SignInConfig) -> Self {
        let asset = |asset: &assets::Asset| format!("/assets/{}", asset.name);
        let html = SHELL
            .replace("{{script}}", &asset(&assets::SCRIPT))
            .replace("{{style}}", &asset(&assets::STYLE))
            .replace("{{icon}}", &asset(&assets::ICON))
            .replace("{{issuer}}", &attribute(&sign_in.issuer))
            .replace("{{client_id}}", &attribute(&sign_in.client_id))
            .replace("{{sign_out_url}}", &attribute(&sign_in.sign_out_url));
        let mut origins = vec!["'self'".to_owned()];
        let others = sign_in.origins.split_whitespace();
        for url in std::iter::once(sign_in.issuer.as_str()).chain(others) {
            if let Some(origin) = origin(url).filter(|origin| !origins.contains(origin)) {
                origins.push(origin);
            }
        }
        // The last directives keep scripts from turning text into markup.
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            origins.join(" ")
        );
        Self { html, policy }
    }

    /// Responds with a page, or with 304 if the browser has the current one.
    pub(super) fn respond(&self, status: StatusCode, title: &str, request: &Request) -> Response {
        let html = self.html.replace("{{title}}", title);
        let digest = Sha256::digest(html.as_bytes());
        let hash = digest
            .iter()
            .take(8)
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        let tag = format!("\"{hash}\"");
        let kept = input::header(request, header::IF_NONE_MATCH);
        let is_fresh = kept.split(',').any(|kept| {
            let kept = kept.trim();
            kept == "*" || kept.strip_prefix("W/").unwrap_or(kept) == tag
        });
        let response = if is_fresh && status == StatusCode::OK {
            Response::not_modified()
        } else {
            Response::html(status, html)
        };
        response
            .with_header("etag", tag)
            .with_header("content-security-policy", &self.policy)
    }
}

/// Escapes text for a quoted attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

/// Returns scheme, host and port of a URL if they are valid in a policy.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let known = matches!(scheme, "https" | "http");
    (known && !host.is_empty() && host.chars().all(fit)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: &str, origins: &str) -> SignInConfig {
        SignInConfig {
            issuer: issuer.to_owned(),
            client_id: "a\"><script>".to_owned(),
            sign_out_url: String::new(),
            origins: origins.to_owned(),
        }
    }

    #[test]
    fn configuration_is_escaped_in_the_document() {
        let document = Document::new(&config("https://id.example.com/\"&<", ""));
        assert!(
            document
                .html
                .contains("data-issuer=\"https://id.example.com/&quot;&amp;&lt;\"")
        );
        assert!(
            document
                .html
                .contains("data-client-id=\"a&quot;>&lt;script>\"")
        );
    }

    #[test]
    fn document_has_no_inline_or_foreign_script_or_style() {
        let html = Document::new(&SignInConfig::default()).html;
        assert_eq!(html.matches("<script").count(), 1);
        assert!(html.contains("<script type=\"module\" src=\"/assets/app-"));
        for wrong in [
            "<style",
            "style=",
            " on",
            "http://",
            "https://",
            "javascript:",
        ] {
            assert!(!html.contains(wrong), "{wrong}");
        }
        assert_eq!(
            html.matches("{{").count(),
            1,
            "only the title is filled in later"
        );
    }

    #[test]
    fn policy_allows_only_own_and_provider_origins() {
        for (issuer, origins, expected) in [
            ("", "", "connect-src 'self';"),
            (
                "https://id.example.com/pool?x",
                "https://sign-in.example.com https://id.example.com",
                "connect-src 'self' https://id.example.com https://sign-in.example.com;",
            ),
            (
                "https://a; script-src *",
                "data://x *",
                "connect-src 'self';",
            ),
        ] {
            let policy = Document::new(&config(issuer, origins)).policy;
            assert!(policy.contains(expected), "{policy}");
        }
    }
}
