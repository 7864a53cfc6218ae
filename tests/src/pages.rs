//! The pages as browsers get them: documents and their assets.

use std::io::Read;

use reqwest::{Method, Response, header::HeaderMap};
use sha2::{Digest, Sha256};

use crate::harness::{Fixture, World};

const PAGES: [&str; 6] = [
    "/",
    "/dashboard/organization-settings",
    "/dashboard/organization-settings/audit-log",
    "/account/settings",
    "/invites/some-token",
    "/auth/callback",
];

async fn ask(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", world.stack.url());
    let mut request = reqwest::Client::new().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Response {
    ask(world, Method::GET, path, headers).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default()
}

/// Returns the paths of the assets that a document loads.
fn assets(html: &str) -> Vec<String> {
    let paths = html.split('"').filter(|part| part.starts_with("/assets/"));
    let paths: Vec<String> = paths.map(str::to_owned).collect();
    assert!(paths.len() >= 3, "{html}");
    paths
}

#[tokio::test]
async fn every_page_has_a_strict_content_security_policy() {
    let world = World::start().await;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        world.stack.url()
    );
    for path in PAGES {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.status(), 200, "{path}");
        let headers = answer.headers().clone();
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("content-security-policy", policy.as_str()),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            // Only over HTTPS.
            ("strict-transport-security", ""),
        ] {
            assert_eq!(header(&headers, name), value, "{path}: {name}");
        }
        let html = answer.text().await.unwrap();
        assert!(html.starts_with("<!doctype html>"), "{path}");
        assert!(!html.contains("{{"), "{path}: {html}");
        let issuer = format!("data-issuer=\"{}\"", world.stack.url());
        assert!(html.contains(&issuer), "{path}: {html}");
        assert!(html.contains("data-client-id=\"local\""), "{path}");
        // The token of a link appears only in the address.
        assert!(!html.contains("some-token"), "{path}");
    }
}

#[tokio::test]
async fn head_of_a_page_or_asset_has_the_headers_of_get() {
    let world = World::start().await;
    let html = get(&world, "/", &[]).await.text().await.unwrap();
    let assets = assets(&html);
    let paths = PAGES.into_iter().chain(assets.iter().map(String::as_str));
    for path in paths {
        let page = get(&world, path, &[]).await;
        let head = ask(&world, Method::HEAD, path, &[]).await;
        assert_eq!(head.status(), 200, "{path}");
        for name in [
            "content-type",
            "cache-control",
            "etag",
            "content-security-policy",
            "x-content-type-options",
        ] {
            let (expected, actual) = (page.headers().get(name), head.headers().get(name));
            assert_eq!(actual, expected, "{path}: {name}");
        }
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
    for path in ["/no/such/page", "/v1/nothing", "/v1/account"] {
        let head = ask(&world, Method::HEAD, path, &[]).await;
        assert_eq!(head.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn page_with_a_slash_at_the_end_is_the_page() {
    let world = World::start().await;
    for path in PAGES.into_iter().filter(|path| *path != "/") {
        let page = get(&world, path, &[]).await.text().await.unwrap();
        let slash = get(&world, &format!("{path}/"), &[]).await;
        assert_eq!(slash.status(), 200, "{path}/");
        assert_eq!(slash.text().await.unwrap(), page, "{path}/");
    }
}

#[tokio::test]
async fn every_api_response_forbids_content_sniffing() {
    let fixture = Fixture::new().await;
    let invite = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    for (method, path, status) in [
        (Method::GET, "/v1/account", 200),
        (Method::GET, "/v1/organizations/x", 404),
        (Method::DELETE, &invite, 204),
        (Method::POST, "/v1/organizations", 400),
    ] {
        let reply = fixture.creator.send(method, path, None).await;
        assert_eq!(reply.status, status, "{path}");
        let sniffing = header(&reply.headers, "x-content-type-options");
        assert_eq!(sniffing, "nosniff", "{path}");
    }
}

#[tokio::test]
async fn unchanged_document_returns_304() {
    let world = World::start().await;
    let first = get(&world, "/account/settings", &[]).await;
    let tag = header(first.headers(), "etag").to_owned();
    let weak = format!("\"other\", W/{tag}");
    for condition in [tag.as_str(), weak.as_str(), "*"] {
        let again = get(&world, "/account/settings", &[("if-none-match", condition)]).await;
        assert_eq!(again.status(), 304, "{condition}");
        assert_eq!(header(again.headers(), "etag"), tag);
        assert_ne!(header(again.headers(), "content-security-policy"), "");
        assert_eq!(again.text().await.unwrap(), "");
    }
    let other = get(&world, "/account/settings", &[("if-none-match", "\"old\"")]).await;
    assert_eq!(other.status(), 200);
    let home = get(&world, "/", &[]).await;
    assert_ne!(header(home.headers(), "etag"), tag, "another page");
}

#[tokio::test]
async fn document_loads_one_script_one_style_and_one_icon() {
    let world = World::start().await;
    let html = get(&world, "/", &[]).await.text().await.unwrap();
    let assets = assets(&html);
    assert_eq!(assets.len(), 3, "{assets:?}");
    for (ending, media_type) in [
        (".js", "text/javascript; charset=utf-8"),
        (".css", "text/css; charset=utf-8"),
        (".svg", "image/svg+xml"),
    ] {
        let asset = assets.iter().find(|path| path.ends_with(ending)).unwrap();
        let answer = get(&world, asset, &[]).await;
        assert_eq!(answer.status(), 200, "{asset}");
        let headers = answer.headers();
        assert_eq!(header(headers, "content-type"), media_type);
        assert_eq!(
            header(headers, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(header(headers, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn asset_name_is_the_content_hash_in_every_encoding() {
    let world = World::start().await;
    let html = get(&world, "/", &[]).await.text().await.unwrap();
    for path in assets(&html) {
        let mut sizes = Vec::new();
        for (accepted, coding) in [
            ("identity", ""),
            ("gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0, gzip;q=0", ""),
        ] {
            let answer = get(&world, &path, &[("accept-encoding", accepted)]).await;
            assert_eq!(header(answer.headers(), "content-encoding"), coding);
            assert_eq!(header(answer.headers(), "vary"), "accept-encoding");
            let body = answer.bytes().await.unwrap();
            sizes.push(body.len());
            let mut plain = Vec::new();
            match coding {
                "gzip" => flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain),
                "br" => brotli::Decompressor::new(&body[..], 4096).read_to_end(&mut plain),
                _ => (&body[..]).read_to_end(&mut plain),
            }
            .unwrap();
            let digest = Sha256::digest(&plain);
            let hash: String = digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert!(path.contains(&hash), "{path} as {coding}: {hash}");
        }
        assert!(
            sizes[2] < sizes[1] && sizes[1] < sizes[0],
            "{path}: {sizes:?}"
        );
    }
}

#[tokio::test]
async fn unknown_path_is_not_found_as_html_or_json() {
    let world = World::start().await;
    let browser = [("accept", "text/html,application/xhtml+xml")];
    let page = get(&world, "/no/such/page", &browser).await;
    assert_eq!(page.status(), 404);
    assert_ne!(header(page.headers(), "content-security-policy"), "");
    let html = page.text().await.unwrap();
    assert!(html.contains("<title>Not found</title>"), "{html}");
    for (method, path) in [
        (Method::GET, "/v1/nothing"),
        (Method::POST, "/"),
        (Method::GET, "/assets/app.js"),
        (Method::GET, "/assets/app-0000000000000000.js"),
        (Method::GET, "/assets/..%2Fshell.html"),
    ] {
        let answer = ask(&world, method, path, &[]).await;
        assert_eq!(answer.status(), 404, "{path}");
        let body = answer.text().await.unwrap();
        assert_eq!(body, r#"{"message":"Not Found"}"#, "{path}");
    }
}

#[tokio::test]
async fn assets_do_not_reveal_the_build_machine() {
    let world = World::start().await;
    let html = get(&world, "/", &[]).await.text().await.unwrap();
    let mut served = vec![html.clone()];
    for path in assets(&html) {
        served.push(get(&world, &path, &[]).await.text().await.unwrap());
    }
    let built_in = env!("CARGO_MANIFEST_DIR").trim_end_matches("/tests");
    for text in served {
        assert!(!text.contains(built_in));
        assert!(!text.contains("sourceMappingURL"));
    }
}
