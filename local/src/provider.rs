//! The sign-in provider's front: where the pages send people to sign in, as any
//! OpenID provider has it. Authorization codes with PKCE, sessions, renewal and
//! sign-out.
//!
//! On this machine anybody may be anyone, so there are no passwords. All the
//! rest is as strict as at a real provider.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use askama::Template;
use aws_lc_rs::{digest, rand};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use functions::Clock;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    issuer::{CLIENT_ID, Issuer, LIFETIME, SignIn},
    persist,
    show::{is_address, show},
};

#[cfg(test)]
mod tests;

const COOKIE: &str = "sign_in";
/// Where on the pages' origin the answer may go.
const CALLBACK: &str = "/auth/callback";
/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// How long a code can be turned into tokens: the page does so at once.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(1);

/// The provider behind its pages.
pub(crate) struct Provider {
    url: String,
    /// Where the pages are: the loopback address, and its name.
    origins: [String; 2],
    issuer: Arc<Issuer>,
    clock: Clock,
    /// Where known people are kept, a line of JSON each.
    file: Option<PathBuf>,
    state: Mutex<Known>,
}

/// Whom and what the provider knows; secrets are the maps' keys.
#[derive(Default)]
struct Known {
    /// The last to sign in comes last.
    people: Vec<SignIn>,
    codes: HashMap<String, Code>,
    /// A session begins with a sign-in and ends with a sign-out.
    sessions: HashMap<String, SignIn>,
    /// Which session a refresh token is of.
    renewals: HashMap<String, String>,
}

/// What a code was given for.
struct Code {
    session: String,
    who: SignIn,
    redirect_uri: String,
    nonce: Option<String>,
    challenge: String,
    ends_at: DateTime<Utc>,
}

/// The machine has no randomness.
struct NoRandomness;

fn secret() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Provider {
    /// With the people who are in the file.
    pub(crate) fn open(
        url: &str,
        issuer: Arc<Issuer>,
        clock: Clock,
        file: Option<&Path>,
    ) -> io::Result<Self> {
        let kept = match file.map(fs::read_to_string) {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Some(read) => read?,
            None => String::new(),
        };
        let mut known = Known::default();
        // A line that broke off when the machine failed is nobody.
        for who in kept
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
        {
            known.meet(&who);
        }
        Ok(Self {
            url: url.to_owned(),
            origins: [url.to_owned(), url.replace("127.0.0.1", "localhost")],
            issuer,
            clock,
            file: file.map(Path::to_path_buf),
            state: Mutex::new(known),
        })
    }

    /// Knows somebody from now on: the sign-in page offers them.
    pub(crate) fn meet(&self, who: &SignIn) {
        let news = self.known().meet(who);
        let Some(file) = self.file.as_ref().filter(|_| news) else {
            return;
        };
        let kept = serde_json::to_vec(who).map_err(io::Error::from);
        if let Err(error) = kept.and_then(|line| persist::append(file, &line)) {
            tracing::warn!(%error, "who signed in is not kept");
        }
    }

    /// Who is known; the last to sign in comes last.
    pub(crate) fn people(&self) -> Vec<SignIn> {
        self.known().people.clone()
    }

    /// Nothing is left half-done behind this lock: what a panic leaves is good.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the discovery document says.
    fn configuration(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({
            "issuer": self.url,
            "authorization_endpoint": at("/local/authorize"),
            "token_endpoint": at("/local/token"),
            "end_session_endpoint": at("/local/sign-out"),
            "jwks_uri": at("/.well-known/jwks.json"),
            "authorization_response_iss_parameter_supported": true,
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "prompt_values_supported": ["none", "login", "select_account"],
            "response_modes_supported": ["query"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "email", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["none"],
        })
    }

    /// Whether a page of ours is at that address.
    fn is_ours(&self, uri: &str) -> bool {
        self.origins.iter().any(|origin| {
            uri.strip_prefix(origin)
                .is_some_and(|path| path.starts_with('/'))
        })
    }

    /// What the pages ask for, if they are the ones who ask.
    fn check(&self, query: AuthorizationQuery) -> Result<Request, Refusal> {
        if query.client_id.as_deref() != Some(CLIENT_ID) {
            return Err(Refusal::Page("This application is not known here."));
        }
        let redirect_uri = query.redirect_uri.unwrap_or_default();
        let callback = |origin: &String| redirect_uri == format!("{origin}{CALLBACK}");
        if !self.origins.iter().any(callback) {
            let words = "The address to come back to is not one of this application's.";
            return Err(Refusal::Page(words));
        }
        let back = Back {
            redirect_uri,
            state: query.state,
        };
        let scope = query.scope.unwrap_or_default();
        let problem = if query.response_type.as_deref() != Some("code") {
            Some(("unsupported_response_type", "only `code` is given"))
        } else if !scope.split(' ').any(|scope| scope == "openid") {
            Some(("invalid_scope", "`scope` must have `openid`"))
        } else if query.code_challenge_method.as_deref() != Some("S256") {
            Some(("invalid_request", "`code_challenge_method` must be `S256`"))
        } else {
            None
        };
        if let Some((error, description)) = problem {
            return Err(Refusal::Back(back, error, description));
        }
        let Some(challenge) = query
            .code_challenge
            .filter(|challenge| challenge.len() == 43)
        else {
            let words = "`code_challenge` must be a SHA-256 digest in base64url";
            return Err(Refusal::Back(back, "invalid_request", words));
        };
        Ok(Request {
            back,
            nonce: query.nonce,
            challenge,
            prompt: query.prompt,
        })
    }

    /// Lets somebody in: back to the page, with a code.
    fn admit(&self, request: Request, session: &str, who: SignIn) -> Response {
        let Ok(code) = secret() else {
            return self.refuse(Refusal::no_randomness(request.back));
        };
        let now = self.clock.now();
        let mut known = self.known();
        known.codes.retain(|_, code| code.ends_at > now);
        let given = Code {
            session: session.to_owned(),
            who,
            redirect_uri: request.back.redirect_uri.clone(),
            nonce: request.nonce,
            challenge: request.challenge,
            ends_at: now + CODE_LIFETIME,
        };
        known.codes.insert(code.clone(), given);
        request.back.with(&self.url, &[("code", &code)])
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Page(problem) => {
                let page = ProblemPage { problem };
                (StatusCode::BAD_REQUEST, self.show(&page)).into_response()
            }
            Refusal::Back(back, error, description) => back.with(
                &self.url,
                &[("error", error), ("error_description", description)],
            ),
        }
    }

    /// Forms lead to the pages, by either name of this machine.
    fn show(&self, page: &impl Template) -> Response {
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action {}",
            self.origins.join(" ")
        );
        show(page, &policy)
    }

    /// The page where somebody says who they are.
    fn ask(&self, typed: SignInForm, problem: Option<&'static str>) -> Response {
        let mut people = self.people();
        people.reverse();
        let page = SignInPage {
            people,
            typed,
            problem,
        };
        self.show(&page)
    }

    /// Who has the browser's session.
    fn session(&self, headers: &HeaderMap) -> Option<(String, SignIn)> {
        let session = cookie(headers)?;
        let who = self.known().sessions.get(session).cloned()?;
        Some((session.to_owned(), who))
    }

    /// Whom the form's answer is about.
    fn answered(&self, form: &SignInForm) -> Option<SignIn> {
        if !form.person.is_empty() {
            let known = self.known();
            let mut people = known.people.iter();
            return people.find(|who| who.user_id == form.person).cloned();
        }
        is_address(&form.email).then(|| SignIn {
            email_verified: form.verified.is_some(),
            name: Some(form.name.trim().to_owned()).filter(|name| !name.is_empty()),
            ..SignIn::with_email(&form.email)
        })
    }

    /// Turns a code into tokens, once.
    fn redeem(&self, form: &TokenForm) -> Result<Value, TokenRefusal> {
        let code = self.known().codes.remove(&form.code);
        let code = code.ok_or(TokenRefusal::Grant(
            "this code is not good, or was used before",
        ))?;
        if code.ends_at <= self.clock.now() {
            return Err(TokenRefusal::Grant("this code is too old"));
        }
        if code.redirect_uri != form.redirect_uri {
            let words = "`redirect_uri` is not the one that the code was given for";
            return Err(TokenRefusal::Grant(words));
        }
        let digest = digest::digest(&digest::SHA256, form.code_verifier.as_bytes());
        if URL_SAFE_NO_PAD.encode(digest) != code.challenge {
            let words = "`code_verifier` does not fit the code's challenge";
            return Err(TokenRefusal::Grant(words));
        }
        self.tokens(&code.session, &code.who, code.nonce)
    }

    /// Turns a refresh token into new ones, once.
    fn renew(&self, form: &TokenForm) -> Result<Value, TokenRefusal> {
        let session = {
            let mut known = self.known();
            let session = known.renewals.remove(&form.refresh_token);
            session.and_then(|session| {
                let who = known.sessions.get(&session).cloned()?;
                Some((session, who))
            })
        };
        let over = TokenRefusal::Grant("this refresh token is not good, was used, or signed out");
        let (session, who) = session.ok_or(over)?;
        self.tokens(&session, &who, None)
    }

    fn tokens(
        &self,
        session: &str,
        who: &SignIn,
        nonce: Option<String>,
    ) -> Result<Value, TokenRefusal> {
        let failed = |NoRandomness| TokenRefusal::Failed;
        let (access, refresh) = (secret().map_err(failed)?, secret().map_err(failed)?);
        let mut claims = self.issuer.claims(who);
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let mut known = self.known();
        known.renewals.insert(refresh.clone(), session.to_owned());
        Ok(json!({
            "access_token": access,
            "expires_in": LIFETIME,
            "id_token": self.issuer.sign(claims),
            "refresh_token": refresh,
            "token_type": "Bearer",
        }))
    }
}

impl Known {
    /// Gives whether there is news.
    fn meet(&mut self, who: &SignIn) -> bool {
        let known = self
            .people
            .iter()
            .position(|old| old.user_id == who.user_id);
        let old = known.map(|place| self.people.remove(place));
        self.people.push(who.clone());
        old.as_ref() != Some(who)
    }
}

/// What stands in the address that the pages lead to.
#[derive(Deserialize)]
struct AuthorizationQuery {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    prompt: Option<String>,
}

/// A request of the pages', checked.
struct Request {
    back: Back,
    nonce: Option<String>,
    challenge: String,
    prompt: Option<String>,
}

/// The way back to the page.
struct Back {
    redirect_uri: String,
    state: Option<String>,
}

impl Back {
    fn with(self, issuer: &str, answer: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let answer = answer.iter().copied().chain(state);
        let query: Vec<String> = answer
            .chain([("iss", issuer)])
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
            .collect();
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let to = format!("{}?{}", self.redirect_uri, query.join("&"));
        (headers, Redirect::to(&to)).into_response()
    }
}

/// Why nobody is asked.
enum Refusal {
    /// Whoever asks cannot be trusted with an answer.
    Page(&'static str),
    /// The page is told: an error's code, and words.
    Back(Back, &'static str, &'static str),
}

impl Refusal {
    fn no_randomness(back: Back) -> Self {
        Self::Back(back, "server_error", "this machine has no randomness")
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage {
    people: Vec<SignIn>,
    typed: SignInForm,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "sign-in-problem.html")]
struct ProblemPage {
    problem: &'static str,
}

#[derive(Template)]
#[template(path = "signed-out.html")]
struct SignedOutPage;

/// What somebody said: who of the known they are, or an address of their own.
#[derive(Default, Deserialize)]
struct SignInForm {
    #[serde(default)]
    person: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    /// A box that is not ticked is not there at all.
    verified: Option<String>,
    /// They would rather not.
    cancel: Option<String>,
}

pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/.well-known/jwks.json", get(keys))
        .route("/local/authorize", get(authorize).post(answer))
        .route("/local/token", post(token))
        .route("/local/sign-out", get(sign_out))
        .with_state(provider)
}

/// Pages of any origin may read these: nothing in them depends on a cookie.
const OPEN: [(header::HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn configuration(State(provider): State<Arc<Provider>>) -> Response {
    (OPEN, Json(provider.configuration())).into_response()
}

async fn keys(State(provider): State<Arc<Provider>>) -> Response {
    (OPEN, Json(provider.issuer.keys())).into_response()
}

async fn authorize(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Query(query): Query<AuthorizationQuery>,
) -> Response {
    let request = match provider.check(query) {
        Ok(request) => request,
        Err(refusal) => return provider.refuse(refusal),
    };
    let session = provider.session(&headers);
    match (request.prompt.as_deref(), session) {
        (None | Some("none"), Some((session, who))) => provider.admit(request, &session, who),
        (Some("none"), None) => {
            let refusal = Refusal::Back(request.back, "login_required", "nobody is signed in");
            provider.refuse(refusal)
        }
        _ => {
            let typed = SignInForm {
                verified: Some("true".to_owned()),
                ..SignInForm::default()
            };
            provider.ask(typed, None)
        }
    }
}

async fn answer(
    State(provider): State<Arc<Provider>>,
    Query(query): Query<AuthorizationQuery>,
    Form(form): Form<SignInForm>,
) -> Response {
    let request = match provider.check(query) {
        Ok(request) => request,
        Err(refusal) => return provider.refuse(refusal),
    };
    if form.cancel.is_some() {
        let refusal = Refusal::Back(request.back, "access_denied", "not signed in");
        return provider.refuse(refusal);
    }
    let Some(who) = provider.answered(&form) else {
        let problem = "Enter an email address, such as ada@example.com.";
        return (StatusCode::BAD_REQUEST, provider.ask(form, Some(problem))).into_response();
    };
    let Ok(session) = secret() else {
        return provider.refuse(Refusal::no_randomness(request.back));
    };
    provider.meet(&who);
    provider
        .known()
        .sessions
        .insert(session.clone(), who.clone());
    let cookie = format!("{COOKIE}={session}; Path=/local; HttpOnly; SameSite=Lax");
    let admitted = provider.admit(request, &session, who);
    ([(header::SET_COOKIE, cookie)], admitted).into_response()
}

/// What the page sends for tokens.
#[derive(Deserialize)]
struct TokenForm {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    code_verifier: String,
    #[serde(default)]
    refresh_token: String,
}

/// Why there are no tokens.
enum TokenRefusal {
    Client,
    GrantType,
    Grant(&'static str),
    Failed,
}

impl IntoResponse for TokenRefusal {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Self::Client => ("invalid_client", "this application is not known here"),
            Self::GrantType => (
                "unsupported_grant_type",
                "`grant_type` must be `authorization_code` or `refresh_token`",
            ),
            Self::Grant(words) => ("invalid_grant", words),
            Self::Failed => ("server_error", "this machine has no randomness"),
        };
        let status = match self {
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({ "error": error, "error_description": description });
        (status, Json(body)).into_response()
    }
}

async fn token(State(provider): State<Arc<Provider>>, Form(form): Form<TokenForm>) -> Response {
    let given = if form.client_id != CLIENT_ID {
        Err(TokenRefusal::Client)
    } else {
        match form.grant_type.as_str() {
            "authorization_code" => provider.redeem(&form),
            "refresh_token" => provider.renew(&form),
            _ => Err(TokenRefusal::GrantType),
        }
    };
    match given {
        Ok(tokens) => (OPEN, Json(tokens)).into_response(),
        Err(refusal) => (OPEN, refusal).into_response(),
    }
}

#[derive(Deserialize)]
struct SignOutQuery {
    #[serde(default)]
    post_logout_redirect_uri: String,
}

/// Ends the session, with all that was renewed by it.
async fn sign_out(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Query(query): Query<SignOutQuery>,
) -> Response {
    if let Some(session) = cookie(&headers) {
        let mut known = provider.known();
        known.sessions.remove(session);
        known.codes.retain(|_, code| code.session != session);
        known.renewals.retain(|_, of| of != session);
    }
    let forget = format!("{COOKIE}=; Path=/local; Max-Age=0; HttpOnly; SameSite=Lax");
    let to = &query.post_logout_redirect_uri;
    let shown = if provider.is_ours(to) {
        Redirect::to(to).into_response()
    } else {
        provider.show(&SignedOutPage)
    };
    ([(header::SET_COOKIE, forget)], shown).into_response()
}

/// The session that the browser says it has.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split("; "))
        .find_map(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('='))
}
