//! The HTML document of every page.

use base64::{Engine, engine::general_purpose::STANDARD};
use brand::{Brand, Palette, Shades, Url};
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
    pub(crate) fn new(sign_in: &SignInConfig, brand: &Brand) -> Self {
        let asset = |name: &str| format!("/assets/{name}");
        let html = SHELL
            .replace("{{script}}", &asset(assets::SCRIPT_NAME))
            .replace("{{style}}", &asset(assets::STYLE_NAME))
            .replace("{{icon}}", &asset(assets::ICON_NAME))
            .replace("{{issuer}}", &attribute(&sign_in.issuer))
            .replace("{{client_id}}", &attribute(&sign_in.client_id))
            .replace("{{sign_out_url}}", &attribute(&sign_in.sign_out_url))
            .replace("{{brand}}", &brand_attributes(brand));
        let colors = brand.accent.map(|_| style_of(&brand.palette()));
        let style = colors.as_ref().map(|css| format!("<style>{css}</style>"));
        let html = html.replace("{{colors}}", &style.unwrap_or_default());
        let mut origins = vec!["'self'".to_owned()];
        let others = sign_in.origins.split_whitespace();
        for url in std::iter::once(sign_in.issuer.as_str()).chain(others) {
            if let Some(origin) = origin(url).filter(|origin| !origins.contains(origin)) {
                origins.push(origin);
            }
        }
        // The only style besides the stylesheet is this one, by its hash.
        let style = colors.map(|css| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(css))));
        let logo = brand.logo.as_ref().and_then(|logo| origin(logo.as_str()));
        let logo = logo.map(|origin| format!(" {origin}"));
        // The last directives keep scripts from turning text into markup.
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'{}; img-src 'self'{}; \
             connect-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            style.unwrap_or_default(),
            logo.unwrap_or_default(),
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

/// Returns the brand as attributes, which the script reads.
fn brand_attributes(brand: &Brand) -> String {
    let url = |url: &Option<Url>| url.as_ref().map(ToString::to_string);
    let product = brand.product.as_ref().map(|name| name.as_str().to_owned());
    let parts = [
        ("product", product),
        ("logo", url(&brand.logo)),
        ("home", url(&brand.home)),
        (
            "support",
            brand.support.as_ref().map(|support| support.link()),
        ),
        ("terms", url(&brand.terms)),
        ("privacy", url(&brand.privacy)),
        ("after-accept", url(&brand.after_accept)),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| {
        let value = attribute(&value?);
        Some(format!(" data-{name}=\"{value}\""))
    });
    parts.collect()
}

/// Returns the accent color for both schemes, as the stylesheet has its own.
fn style_of(palette: &Palette) -> String {
    let both = |name: &str, shade: fn(&Shades) -> brand::Color| {
        let (light, dark) = (shade(&palette.light), shade(&palette.dark));
        format!("--{name}:light-dark({light},{dark});")
    };
    format!(
        ":root{{{}{}{}{}{}}}",
        both("accent", |shades| shades.text),
        both("accent-ground", |shades| shades.ground),
        both("accent-hover", |shades| shades.hover),
        both("accent-soft", |shades| shades.soft),
        both("on-accent", |shades| shades.on_ground),
    )
}

/// Escapes text for a quoted attribute, and so that it holds no placeholder of the document.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('{', "&#123;")
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
        let document = Document::new(
            &config("https://id.example.com/\"&<", ""),
            &Brand::default(),
        );
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
        let html = Document::new(&SignInConfig::default(), &Brand::default()).html;
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
            let policy = Document::new(&config(issuer, origins), &Brand::default()).policy;
            assert!(policy.contains(expected), "{policy}");
        }
    }

    #[test]
    fn origin_of_a_url_has_no_path() {
        for (url, expected) in [
            ("https://example.com", "https://example.com"),
            ("https://example.com:8443/a?b#c", "https://example.com:8443"),
            ("http://localhost?x", "http://localhost"),
        ] {
            assert_eq!(origin(url).as_deref(), Some(expected));
        }
    }

    #[test]
    fn brand_is_in_the_document_and_allowed_by_the_policy() {
        let brand = Brand {
            product: Some(brand::ProductName::parse("Pixel \"press\" <b>{{title}}").unwrap()),
            logo: Some(Url::parse("https://cdn.example.com/logo.svg").unwrap()),
            accent: Some(brand::Color::parse("#ffcc00").unwrap()),
            ..Brand::default()
        };
        let Document { html, policy } = Document::new(&SignInConfig::default(), &brand);
        assert!(
            html.contains(" data-product=\"Pixel &quot;press&quot; &lt;b>&#123;&#123;title}}\""),
            "{html}"
        );
        assert!(
            html.contains(" data-logo=\"https://cdn.example.com/logo.svg\""),
            "{html}"
        );
        assert!(!html.contains("data-home"), "{html}");
        let (_, style) = html.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        assert!(
            style.contains("--accent-ground:light-dark(#ffcc00,#ffcc00);"),
            "{style}"
        );
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(
            policy.contains(&format!("style-src 'self' 'sha256-{hash}';")),
            "{policy}"
        );
        assert!(
            policy.contains("img-src 'self' https://cdn.example.com;"),
            "{policy}"
        );
    }
}
