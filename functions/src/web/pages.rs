//! `GET /`, `/dashboard/organization-settings`, `/account/settings`,
//! `/invites/{token}`, `/auth/callback`, `/assets/{name}`, and the default route:
//! the pages for the browser.
//!
//! Every page is one small document that loads one script and one stylesheet. All are
//! compiled into the binary.

use lambda_http::{
    Request, RequestExt,
    http::{StatusCode, header},
    request::RequestContext,
};

use super::assets;
use crate::{App, Operation, error::Error, input, response::Response};

/// Returns the pages, and the files that they load.
pub static OPERATION: Operation =
    Operation::http("pages", |app, request| Box::pin(handle(app, request)));

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    Ok(respond(app, request))
}

fn respond(app: &App, request: &Request) -> Response {
    let title = match route(request) {
        "GET /" => "Organization settings",
        "GET /dashboard/organization-settings" => "Settings",
        "GET /account/settings" => "Your account",
        "GET /invites/{token}" => "Invite",
        "GET /auth/callback" => "Signing in",
        "GET /assets/{name}" => {
            return match assets::find(input::path(request, "name")) {
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

/// Returns the template's route that the request came by.
fn route(request: &Request) -> &str {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.route_key.as_deref().unwrap_or_default()
        }
        _ => "",
    }
}

fn accept_encoding(request: &Request) -> &str {
    input::header(request, header::ACCEPT_ENCODING)
}

fn wants_html(request: &Request) -> bool {
    request.method() == "GET" && input::header(request, header::ACCEPT).contains("text/html")
}
