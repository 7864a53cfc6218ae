//! The developer's pages: tokens for curl, and the caught emails.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Json, Router,
    extract::{FromRequest, Path, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    background::Settling,
    controls::Problem,
    issuer::{Issuer, SignIn},
    mail_catcher::{CaughtEmail, MailCatcher},
    parts::Parts,
    provider::Provider,
    show::{is_address, show},
};

#[derive(Clone)]
struct Pages {
    url: String,
    issuer: Arc<Issuer>,
    provider: Arc<Provider>,
    mail_catcher: MailCatcher,
    settling: Settling,
}

pub(crate) fn router(parts: &Parts) -> Router {
    Router::new()
        .route("/local", get(|| async { Redirect::permanent("/local/") }))
        .route("/local/", get(index))
        .route("/local/sign-in", post(sign_in))
        .route("/local/emails", get(emails))
        .route("/local/emails/{id}", get(email))
        .route("/local/emails/{id}/html", get(email_html))
        .with_state(Pages {
            url: parts.urls.api.clone(),
            issuer: parts.issuer.clone(),
            provider: parts.provider.clone(),
            mail_catcher: parts.mail_catcher.clone(),
            settling: Settling::of(parts),
        })
}

/// Keeps the pages from loading or running anything of another origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
/// Keeps an email from running scripts, sending forms and loading anything; its
/// links open outside the frame.
const EMAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox";

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    url: String,
    signed_in: Option<SignedIn>,
    problem: Option<&'static str>,
    emails: Vec<CaughtEmail>,
}

struct SignedIn {
    email: String,
    user_id: String,
    verified: bool,
    token: String,
}

#[derive(Template)]
#[template(path = "email.html")]
struct EmailPage {
    email: CaughtEmail,
}

impl EmailPage {
    fn pieces(&self) -> impl Iterator<Item = (&str, bool)> {
        pieces(&self.email.text)
    }
}

/// Splits a plain text into pieces, each with whether it is a link.
fn pieces(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let words = text.split_inclusive(char::is_whitespace);
    words.flat_map(|word| {
        let bare = word.trim_end();
        let is_link = bare.starts_with("http://") || bare.starts_with("https://");
        let space = word.get(bare.len()..).unwrap_or_default();
        [(bare, is_link), (space, false)]
    })
}

fn moment(at: &DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

async fn index(State(pages): State<Pages>) -> Response {
    pages.index(None, None)
}

impl Pages {
    fn index(&self, signed_in: Option<SignedIn>, problem: Option<&'static str>) -> Response {
        let mut emails = self.mail_catcher.emails();
        emails.reverse();
        let page = Index {
            url: self.url.clone(),
            signed_in,
            problem,
            emails,
        };
        show(&page, POLICY)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInForm {
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    user_id: String,
    /// Any value but `false` means verified: a ticked checkbox, or a word of a script.
    #[serde(default)]
    verified: Option<Value>,
}

async fn sign_in(State(pages): State<Pages>, headers: HeaderMap, request: Request) -> Response {
    let header_contains = |header, part: &str| {
        let value = headers
            .get(header)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        value.is_some_and(|value| value.contains(part))
    };
    let from_page = header_contains(header::ACCEPT, "text/html");
    let form = if header_contains(header::CONTENT_TYPE, "application/json") {
        Json::<SignInForm>::from_request(request, &())
            .await
            .map(|Json(form)| form)
            .map_err(|e| e.into_response())
    } else {
        Form::<SignInForm>::from_request(request, &())
            .await
            .map(|Form(form)| form)
            .map_err(|e| e.into_response())
    };
    let form = match form {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    if !is_address(&form.email) {
        let problem = "`email` must be an email address";
        let answer = if from_page {
            pages.index(None, Some(problem))
        } else {
            Json(json!({ "message": problem })).into_response()
        };
        return (StatusCode::BAD_REQUEST, answer).into_response();
    }
    let mut person = SignIn::with_email(&form.email);
    // A form leaves out a checkbox that is not ticked.
    let unverified = match &form.verified {
        None => from_page,
        Some(Value::Bool(verified)) => !verified,
        Some(value) => value.as_str() == Some("false"),
    };
    person.email_verified = !unverified;
    person.name = Some(form.name).filter(|name| !name.trim().is_empty());
    if !form.user_id.is_empty() {
        person.user_id = form.user_id;
    }
    pages.provider.remember(&person);
    let token = pages.issuer.sign_in(&person);
    if !from_page {
        return Json(json!({ "token": token, "user_id": person.user_id })).into_response();
    }
    let signed_in = SignedIn {
        email: person.email.unwrap_or_default(),
        user_id: person.user_id,
        verified: person.email_verified,
        token,
    };
    pages.index(Some(signed_in), None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailsQuery {
    /// A recipient, in any letter case.
    to: Option<String>,
}

/// An email as the API shows it.
#[derive(Serialize)]
struct EmailView {
    #[serde(flatten)]
    email: CaughtEmail,
    /// The links in the plain text.
    links: Vec<String>,
}

impl From<CaughtEmail> for EmailView {
    fn from(email: CaughtEmail) -> Self {
        let links = pieces(&email.text).filter(|(_, is_link)| *is_link);
        let links = links.map(|(link, _)| link.to_owned()).collect();
        Self { email, links }
    }
}

/// Returns the emails to a recipient, or all, the oldest first. Those of earlier requests
/// are sent first, so that a test need not wait for them.
async fn emails(
    State(pages): State<Pages>,
    query: Result<Query<EmailsQuery>, QueryRejection>,
) -> Result<Json<Vec<EmailView>>, Problem> {
    let Query(query) = query.map_err(|refusal| Problem::bad_request(refusal.body_text()))?;
    pages.settling.settle().await?;
    let mut emails = pages.mail_catcher.emails();
    if let Some(recipient) = query.to {
        emails.retain(|email| {
            email
                .to
                .iter()
                .any(|to| to.eq_ignore_ascii_case(&recipient))
        });
    }
    Ok(Json(emails.into_iter().map(EmailView::from).collect()))
}

fn find(pages: &Pages, id: usize) -> Option<CaughtEmail> {
    pages
        .mail_catcher
        .emails()
        .into_iter()
        .find(|email| email.id == id)
}

async fn email(State(pages): State<Pages>, Path(id): Path<usize>) -> Response {
    match find(&pages, id) {
        Some(email) => show(&EmailPage { email }, POLICY),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn email_html(State(pages): State<Pages>, Path(id): Path<usize>) -> Response {
    match find(&pages, id) {
        Some(email) => {
            // Links open in a new tab, not in the frame.
            let html = email
                .html
                .replacen("<head>", "<head><base target=\"_blank\">", 1);
            (
                [(header::CONTENT_SECURITY_POLICY, EMAIL_POLICY)],
                Html(html),
            )
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "<script>alert(1)</script>";

    fn email() -> CaughtEmail {
        CaughtEmail {
            id: 1,
            at: DateTime::from_timestamp(1_730_871_464, 0).unwrap(),
            from: format!("{NASTY} <no-reply@example.com>"),
            to: vec![format!("{NASTY}@example.com")],
            reply_to: vec![NASTY.to_owned()],
            subject: NASTY.to_owned(),
            text: NASTY.to_owned(),
            html: NASTY.to_owned(),
            configuration_set: None,
            tags: std::collections::BTreeMap::new(),
            headers: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn markup_in_text_is_escaped() {
        let signed_in = SignedIn {
            email: NASTY.to_owned(),
            user_id: NASTY.to_owned(),
            verified: true,
            token: NASTY.to_owned(),
        };
        let index = Index {
            url: String::new(),
            signed_in: Some(signed_in),
            problem: None,
            emails: vec![email()],
        };
        for page in [
            index.render().unwrap(),
            EmailPage { email: email() }.render().unwrap(),
        ] {
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&#60;script"), "{page}");
        }
    }

    #[test]
    fn web_address_in_plain_text_is_a_link() {
        let text = "See\nhttps://example.com/a?b=1&c=2 \njavascript:alert(1)";
        let email = CaughtEmail {
            text: text.to_owned(),
            ..email()
        };
        let page = EmailPage { email };
        let joined: String = page.pieces().map(|(piece, _)| piece).collect();
        assert_eq!(joined, text);
        let links: Vec<&str> = page
            .pieces()
            .filter_map(|(piece, is_link)| is_link.then_some(piece))
            .collect();
        assert_eq!(links, ["https://example.com/a?b=1&c=2"]);
    }
}
