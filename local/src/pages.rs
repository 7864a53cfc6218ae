//! The developer's pages: sign in as anybody for curl, and read the caught emails.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Json, Router,
    extract::{FromRequest, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    issuer::{Issuer, SignIn},
    mail_catcher::{CaughtEmail, MailCatcher},
    provider::Provider,
    show::{is_address, show},
};

#[derive(Clone)]
struct Pages {
    url: String,
    issuer: Arc<Issuer>,
    provider: Arc<Provider>,
    mail_catcher: MailCatcher,
}

pub(crate) fn router(
    url: String,
    issuer: Arc<Issuer>,
    provider: Arc<Provider>,
    mail_catcher: MailCatcher,
) -> Router {
    Router::new()
        .route("/local", get(|| async { Redirect::permanent("/local/") }))
        .route("/local/", get(index))
        .route("/local/sign-in", post(sign_in))
        .route("/local/mails", get(mails))
        .route("/local/mails/{id}", get(mail))
        .route("/local/mails/{id}/html", get(email_html))
        .with_state(Pages {
            url,
            issuer,
            provider,
            mail_catcher,
        })
}

/// Nothing that these pages show may load or run anything from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
/// An email is shown without scripts, forms or anything loaded; its links open elsewhere.
const EMAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox";

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    url: String,
    signed_in: Option<SignedIn>,
    problem: Option<&'static str>,
    mails: Vec<CaughtEmail>,
}

struct SignedIn {
    email: String,
    user_id: String,
    verified: bool,
    token: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct EmailPage {
    mail: CaughtEmail,
}

impl EmailPage {
    /// The plain text in pieces, each with whether it is a link.
    fn pieces(&self) -> impl Iterator<Item = (&str, bool)> {
        let words = self.mail.text.split_inclusive(char::is_whitespace);
        words.flat_map(|word| {
            let bare = word.trim_end();
            let is_link = bare.starts_with("http://") || bare.starts_with("https://");
            let space = word.get(bare.len()..).unwrap_or_default();
            [(bare, is_link), (space, false)]
        })
    }
}

fn moment(at: &DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

async fn index(State(pages): State<Pages>) -> Response {
    pages.index(None, None)
}

impl Pages {
    fn index(&self, signed_in: Option<SignedIn>, problem: Option<&'static str>) -> Response {
        let mut mails = self.mail_catcher.mails();
        mails.reverse();
        let page = Index {
            url: self.url.clone(),
            signed_in,
            problem,
            mails,
        };
        show(&page, POLICY)
    }
}

#[derive(Deserialize)]
struct SignInForm {
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    user_id: String,
    /// Present and not `false`, as a ticked box of a form or a typed word.
    #[serde(default)]
    verified: Option<Value>,
}

async fn sign_in(State(pages): State<Pages>, headers: HeaderMap, request: Request) -> Response {
    let names = |header, what: &str| {
        let value = headers
            .get(header)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        value.is_some_and(|value| value.contains(what))
    };
    let from_page = names(header::ACCEPT, "text/html");
    let form = if names(header::CONTENT_TYPE, "application/json") {
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
    let mut who = SignIn::with_email(&form.email);
    // A box of the page's form that is not ticked is not there at all.
    let unverified = match &form.verified {
        None => from_page,
        Some(Value::Bool(verified)) => !verified,
        Some(value) => value.as_str() == Some("false"),
    };
    who.email_verified = !unverified;
    who.name = Some(form.name).filter(|name| !name.trim().is_empty());
    if !form.user_id.is_empty() {
        who.user_id = form.user_id;
    }
    pages.provider.meet(&who);
    let token = pages.issuer.sign_in(&who);
    if !from_page {
        return Json(json!({ "token": token, "user_id": who.user_id })).into_response();
    }
    let signed_in = SignedIn {
        email: who.email.unwrap_or_default(),
        user_id: who.user_id,
        verified: who.email_verified,
        token,
    };
    pages.index(Some(signed_in), None)
}

async fn mails(State(pages): State<Pages>) -> Response {
    Json(pages.mail_catcher.mails()).into_response()
}

fn find(pages: &Pages, id: usize) -> Option<CaughtEmail> {
    pages
        .mail_catcher
        .mails()
        .into_iter()
        .find(|mail| mail.id == id)
}

async fn mail(State(pages): State<Pages>, Path(id): Path<usize>) -> Response {
    match find(&pages, id) {
        Some(mail) => show(&EmailPage { mail }, POLICY),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn email_html(State(pages): State<Pages>, Path(id): Path<usize>) -> Response {
    match find(&pages, id) {
        // Links in the email open in a tab of their own, not in the frame.
        Some(mail) => {
            let html = mail
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

    fn mail() -> CaughtEmail {
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
        }
    }

    #[test]
    fn nothing_that_anybody_wrote_becomes_part_of_a_page() {
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
            mails: vec![mail()],
        };
        for page in [
            index.render().unwrap(),
            EmailPage { mail: mail() }.render().unwrap(),
        ] {
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&#60;script"), "{page}");
        }
    }

    #[test]
    fn links_of_the_plain_text_can_be_clicked() {
        let text = "See\nhttps://example.com/a?b=1&c=2 \njavascript:alert(1)";
        let mail = CaughtEmail {
            text: text.to_owned(),
            ..mail()
        };
        let page = EmailPage { mail };
        let joined: String = page.pieces().map(|(piece, _)| piece).collect();
        assert_eq!(joined, text);
        let links: Vec<&str> = page
            .pieces()
            .filter_map(|(piece, is_link)| is_link.then_some(piece))
            .collect();
        assert_eq!(links, ["https://example.com/a?b=1&c=2"]);
    }
}
