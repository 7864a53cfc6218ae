//! `GET /`, `/dashboard/organization-settings`, `/dashboard/organization-settings/{section}`,
//! `/account/settings`, `/invites/{token}`, `/opt-outs/{token}`, `/auth/callback`,
//! `/assets/{name}`, and the default route: the pages for the browser.
//!
//! Every page is one small document that loads one script and one stylesheet. All are
//! compiled into the binary.

use lambda_http::{
    Request, RequestExt,
    http::{Method, StatusCode, header},
    request::RequestContext,
};

use super::assets;
use crate::{App, Operation, error::Error, input, response::Response};

/// Returns the pages, and the files that they load.
pub static OPERATION: Operation =
    Operation::http("pages", |app, request| Box::pin(handle(app, request)));

/// The sections of the organization settings that are pages of their own.
const SECTIONS: [&str; 3] = ["api-keys", "audit-log", "billing"];
/// Their route.
const SECTION: &str = "GET /dashboard/organization-settings/{section}";

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    Ok(respond(app, request))
}

fn respond(app: &App, request: &Request) -> Response {
    let response = page(app, request);
    if request.method() == Method::HEAD {
        return response.without_body();
    }
    response
}

fn page(app: &App, request: &Request) -> Response {
    let title = match route(request) {
        "GET /" => "Organization settings",
        "GET /dashboard/organization-settings" => "Settings",
        SECTION if is_section(request.uri().path()) => "Settings",
        "GET /account/settings" => "Your account",
        "GET /invites/{token}" => "Invite",
        "GET /opt-outs/{token}" => "Stop invites",
        "GET /auth/callback" => "Signing in",
        "GET /assets/{name}" => {
            let name = request.uri().path().strip_prefix("/assets/");
            return match name.and_then(assets::find) {
                Some(asset) => asset.respond(accept_encoding(request)),
                None => Response::not_found(),
            };
        }
        _ if wants_html(request) => {
            return app
                .pages
                .respond(StatusCode::NOT_FOUND, "Not found", request);
        }
        // API Gateway responds to an unknown path in the same way.
        _ => return Response::not_found(),
    };
    app.pages.respond(StatusCode::OK, title, request)
}

/// Returns the template's route that the request came by. By the default route come the
/// pages with another method than GET, of which HEAD is good, and with a slash at the end.
fn route(request: &Request) -> &str {
    let key = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.route_key.as_deref(),
        _ => None,
    };
    match key {
        Some("$default") if matches!(*request.method(), Method::GET | Method::HEAD) => {
            route_of(request.uri().path())
        }
        key => key.unwrap_or_default(),
    }
}

/// Returns the route of the page at a path, with or without a slash at the end.
fn route_of(path: &str) -> &'static str {
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_one_segment = |rest: &str| !rest.is_empty() && !rest.contains('/');
    match path {
        "" => "GET /",
        "/dashboard/organization-settings" => "GET /dashboard/organization-settings",
        path if is_section(path) => SECTION,
        "/account/settings" => "GET /account/settings",
        "/auth/callback" => "GET /auth/callback",
        path if path.strip_prefix("/invites/").is_some_and(is_one_segment) => {
            "GET /invites/{token}"
        }
        // An email client that opens the address of `List-Unsubscribe` comes by the second.
        path if path
            .strip_prefix("/opt-outs/")
            .or_else(|| path.strip_prefix("/v1/opt-outs/"))
            .is_some_and(is_one_segment) =>
        {
            "GET /opt-outs/{token}"
        }
        path if path.strip_prefix("/assets/").is_some_and(is_one_segment) => "GET /assets/{name}",
        _ => "",
    }
}

/// Returns whether a path, with or without a slash at the end, is that of a section.
fn is_section(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let section = path.strip_prefix("/dashboard/organization-settings/");
    section.is_some_and(|section| SECTIONS.contains(&section))
}

fn accept_encoding(request: &Request) -> &str {
    input::header(request, header::ACCEPT_ENCODING)
}

fn wants_html(request: &Request) -> bool {
    request.method() == "GET" && input::header(request, header::ACCEPT).contains("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_leads_to_its_route_with_or_without_a_slash() {
        for (path, route) in [
            ("/", "GET /"),
            ("/account/settings", "GET /account/settings"),
            ("/account/settings/", "GET /account/settings"),
            ("/dashboard/organization-settings/billing", SECTION),
            ("/dashboard/organization-settings/audit-log/", SECTION),
            ("/dashboard/organization-settings/other", ""),
            ("/invites/token", "GET /invites/{token}"),
            ("/invites/token/", "GET /invites/{token}"),
            ("/invites/", ""),
            ("/invites/a/b", ""),
            ("/opt-outs/token", "GET /opt-outs/{token}"),
            ("/v1/opt-outs/token", "GET /opt-outs/{token}"),
            ("/assets/app.js", "GET /assets/{name}"),
            ("/assets/", ""),
            ("//", ""),
            ("/account/settings//", ""),
            ("/v1/account", ""),
        ] {
            assert_eq!(route_of(path), route, "{path}");
        }
    }
}
