//! `GET /`, `/dashboard/organization-settings`, `/account/settings`,
//! `/invites/{token}`, `/auth/callback`, `/assets/{name}`, and whatever is no
//! route: what people see in a browser.
//!
//! Every page is one small document that loads one script and one style. All of
//! them are compiled in.

mod assets;
mod document;

pub(crate) use document::Document;
pub use document::SignInConfig;

use lambda_http::{Request, RequestExt, http::header, request::RequestContext};

use crate::{App, Operation, failure::Failure, input, output::Answer};

/// Gives the pages, and what they load.
pub static OPERATION: Operation =
    Operation::http("pages", |app, request| Box::pin(handle(app, request)));

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    Ok(answer(app, request))
}

fn answer(app: &App, request: &Request) -> Answer {
    let title = match route(request) {
        "GET /" => "Organization settings",
        "GET /dashboard/organization-settings" => "Settings",
        "GET /account/settings" => "Your account",
        "GET /invites/{token}" => "Invite",
        "GET /auth/callback" => "Signing in",
        "GET /assets/{name}" => {
            return match assets::find(input::path(request, "name")) {
                Some(asset) => asset.answer(accept_encoding(request)),
                None => Answer::not_found(),
            };
        }
        _ if wants_html(request) => return app.pages.answer(404, "Not found", request),
        // The same as the gateway's own answer to a path that is none.
        _ => return Answer::not_found(),
    };
    app.pages.answer(200, title, request)
}

/// Which of the template's routes the request came by.
fn route(request: &Request) -> &str {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.route_key.as_deref().unwrap_or_default()
        }
        _ => "",
    }
}

fn header_text(request: &Request, name: header::HeaderName) -> &str {
    let value = request.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn accept_encoding(request: &Request) -> &str {
    header_text(request, header::ACCEPT_ENCODING)
}

fn wants_html(request: &Request) -> bool {
    request.method() == "GET" && header_text(request, header::ACCEPT).contains("text/html")
}
