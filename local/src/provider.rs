//! The local identity provider: OpenID Connect with authorization codes and
//! PKCE, sessions, refresh tokens and sign-out.
//!
//! Everybody may sign in as anyone, so there are no passwords. All else is as
//! strict as at a real provider.
//!
//! One protocol, so one file.

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
    http::{HeaderMap, StatusCode, Uri, header},
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
/// The only path on the pages' origin that responses are sent to.
const CALLBACK: &str = "/auth/callback";
/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The lifetime of a code, which the pages exchange immediately.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(1);

/// An application that signs people in at the stand-in, besides the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The client id, which is the audience of its tokens.
    pub id: String,
    /// The only URI that responses are sent to.
    pub redirect_uri: String,
}

impl Client {
    /// Parses `ID=REDIRECT_URI`, such as `my-app=http://localhost:5173/callback`.
    ///
    /// # Errors
    /// The requirement that the text does not meet.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let parts = text.split_once('=').filter(|(id, uri)| {
            let uri = uri.parse::<Uri>().ok();
            !id.is_empty() && uri.is_some_and(|uri| uri.scheme().is_some() && uri.host().is_some())
        });
        let (id, redirect_uri) =
            parts.ok_or("must be `ID=REDIRECT_URI`, the URI with its scheme")?;
        Ok(Self {
            id: id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        })
    }

    fn origin(&self) -> &str {
        let mut slashes = self.redirect_uri.match_indices('/');
        let end = slashes.nth(2).map_or(self.redirect_uri.len(), |(at, _)| at);
        self.redirect_uri.get(..end).unwrap_or_default()
    }
}

/// The identity provider.
pub(crate) struct Provider {
    url: String,
    /// The origins of the pages: the loopback address, and its name.
    origins: [String; 2],
    clients: Vec<Client>,
    issuer: Arc<Issuer>,
    clock: Clock,
    /// The file of known people, one JSON object per line.
    file: Option<PathBuf>,
    state: Mutex<ProviderState>,
}

/// The provider's state. The keys of its maps are secrets.
#[derive(Default)]
struct ProviderState {
    /// The last to sign in comes last.
    people: Vec<SignIn>,
    codes: HashMap<String, Code>,
    /// The people of the sessions between sign-in and sign-out.
    sessions: HashMap<String, SignIn>,
    /// The sessions of refresh tokens.
    refresh_tokens: HashMap<String, RefreshToken>,
}

/// A refresh token's client and session.
struct RefreshToken {
    client_id: String,
    session: String,
}

/// An authorization code's request and session.
struct Code {
    client_id: String,
    session: String,
    person: SignIn,
    redirect_uri: String,
    nonce: Option<String>,
    challenge: String,
    expires_at: DateTime<Utc>,
}

/// The system's random number generator failed.
struct NoRandomness;

fn random_secret() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Provider {
    /// Opens the provider with the people of a file.
    pub(crate) fn open(
        url: &str,
        issuer: Arc<Issuer>,
        clients: Vec<Client>,
        clock: Clock,
        file: Option<&Path>,
    ) -> io::Result<Self> {
        let saved = match file.map(fs::read_to_string) {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Some(read) => read?,
            None => String::new(),
        };
        let mut state = ProviderState::default();
        // Skip a line that a crash cut off.
        for person in saved
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
        {
            state.remember(&person);
        }
        Ok(Self {
            url: url.to_owned(),
            origins: [url.to_owned(), url.replace("127.0.0.1", "localhost")],
            clients,
            issuer,
            clock,
            file: file.map(Path::to_path_buf),
            state: Mutex::new(state),
        })
    }

    /// Remembers a person, whom the sign-in page offers from now on.
    pub(crate) fn remember(&self, person: &SignIn) {
        let changed = self.state().remember(person);
        let Some(file) = self.file.as_ref().filter(|_| changed) else {
            return;
        };
        let line = serde_json::to_vec(person).map_err(io::Error::from);
        if let Err(error) = line.and_then(|line| persist::append(file, &line)) {
            tracing::warn!(%error, "a person who signed in cannot be saved");
        }
    }

    /// Forgets all people, and signs them out.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut state = self.state();
        if let Some(file) = &self.file {
            persist::replace(file, b"")?;
        }
        *state = ProviderState::default();
        Ok(())
    }

    /// Returns the known people; the last to sign in comes last.
    pub(crate) fn people(&self) -> Vec<SignIn> {
        self.state().people.clone()
    }

    /// Locks the state. No operation behind this lock is left half done by a panic.
    fn state(&self) -> MutexGuard<'_, ProviderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the discovery document.
    fn configuration(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({
            "issuer": self.url,
            "authorization_endpoint": at("/local/authorize"),
            "token_endpoint": at("/local/token"),
            "end_session_endpoint": at("/local/sign-out"),
            "revocation_endpoint": at("/local/revoke"),
            "jwks_uri": at("/.well-known/jwks.json"),
            "authorization_response_iss_parameter_supported": true,
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "prompt_values_supported": ["none", "login", "select_account"],
            "response_modes_supported": ["query"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "email", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["none"],
        })
    }

    /// Returns the origins of the pages and of the other clients.
    fn all_origins(&self) -> impl Iterator<Item = &str> {
        let clients = self.clients.iter().map(Client::origin);
        self.origins.iter().map(String::as_str).chain(clients)
    }

    /// Returns whether a URI is on the origin of a client.
    fn is_own(&self, uri: &str) -> bool {
        self.all_origins().any(|origin| {
            uri.strip_prefix(origin)
                .is_some_and(|path| path.starts_with('/'))
        })
    }

    fn knows(&self, client_id: &str) -> bool {
        client_id == CLIENT_ID || self.clients.iter().any(|client| client.id == client_id)
    }

    /// Returns whether a client has a redirect URI.
    fn is_callback(&self, client_id: &str, uri: &str) -> bool {
        let mut origins = self.origins.iter();
        let mut clients = self.clients.iter();
        client_id == CLIENT_ID && origins.any(|origin| uri == format!("{origin}{CALLBACK}"))
            || clients.any(|client| client.id == client_id && client.redirect_uri == uri)
    }

    /// Checks an authorization request: the client first, because a refusal is
    /// sent to the callback of a known client only.
    fn check(&self, query: AuthorizationQuery) -> Result<AuthorizationRequest, Refusal> {
        let client_id = query.client_id.unwrap_or_default();
        if !self.knows(&client_id) {
            return Err(Refusal::Page("Unknown application."));
        }
        let redirect_uri = query.redirect_uri.unwrap_or_default();
        if !self.is_callback(&client_id, &redirect_uri) {
            let description = "The redirect URI is not one of this application's.";
            return Err(Refusal::Page(description));
        }
        let callback = Callback {
            redirect_uri,
            state: query.state,
        };
        let scope = query.scope.unwrap_or_default();
        let problem = if query.response_type.as_deref() != Some("code") {
            Some((
                "unsupported_response_type",
                "`response_type` must be `code`",
            ))
        } else if !scope.split(' ').any(|scope| scope == "openid") {
            Some(("invalid_scope", "`scope` must contain `openid`"))
        } else if query.code_challenge_method.as_deref() != Some("S256") {
            Some(("invalid_request", "`code_challenge_method` must be `S256`"))
        } else {
            None
        };
        if let Some((error, description)) = problem {
            return Err(Refusal::Callback(callback, error, description));
        }
        let Some(challenge) = query
            .code_challenge
            .filter(|challenge| challenge.len() == 43)
        else {
            let description = "`code_challenge` must be a SHA-256 digest in base64url";
            return Err(Refusal::Callback(callback, "invalid_request", description));
        };
        Ok(AuthorizationRequest {
            client_id,
            callback,
            nonce: query.nonce,
            challenge,
            prompt: query.prompt,
        })
    }

    /// Sends a person back to the pages, with a code.
    fn send_code(&self, request: AuthorizationRequest, session: &str, person: SignIn) -> Response {
        let Ok(code) = random_secret() else {
            return self.refuse(Refusal::no_randomness(request.callback));
        };
        let now = self.clock.now();
        let mut state = self.state();
        state.codes.retain(|_, code| code.expires_at > now);
        let details = Code {
            client_id: request.client_id,
            session: session.to_owned(),
            person,
            redirect_uri: request.callback.redirect_uri.clone(),
            nonce: request.nonce,
            challenge: request.challenge,
            expires_at: now + CODE_LIFETIME,
        };
        state.codes.insert(code.clone(), details);
        request.callback.redirect(&self.url, &[("code", &code)])
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Page(problem) => {
                let page = ProblemPage { problem };
                (StatusCode::BAD_REQUEST, self.show(&page)).into_response()
            }
            Refusal::Callback(callback, error, description) => callback.redirect(
                &self.url,
                &[("error", error), ("error_description", description)],
            ),
        }
    }

    /// Renders a page whose forms may lead to the pages, by either name of the origin.
    fn show(&self, page: &impl Template) -> Response {
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action {}",
            self.all_origins().collect::<Vec<_>>().join(" ")
        );
        show(page, &policy)
    }

    /// Renders the sign-in page.
    fn sign_in_page(&self, typed: SignInForm, problem: Option<&'static str>) -> Response {
        let mut people = self.people();
        people.reverse();
        let page = SignInPage {
            people,
            typed,
            problem,
        };
        self.show(&page)
    }

    /// Returns the browser's session and its person.
    fn session(&self, headers: &HeaderMap) -> Option<(String, SignIn)> {
        let session = cookie(headers)?;
        let person = self.state().sessions.get(session).cloned()?;
        Some((session.to_owned(), person))
    }

    /// Returns the person that a form chooses or describes.
    fn person_of(&self, form: &SignInForm) -> Option<SignIn> {
        if !form.person.is_empty() {
            let state = self.state();
            let mut people = state.people.iter();
            return people.find(|person| person.user_id == form.person).cloned();
        }
        is_address(&form.email).then(|| SignIn {
            email_verified: form.verified.is_some(),
            name: Some(form.name.trim().to_owned()).filter(|name| !name.is_empty()),
            ..SignIn::with_email(&form.email)
        })
    }

    /// Exchanges a code for tokens, once.
    fn exchange_code(&self, form: &TokenForm) -> Result<Value, TokenRefusal> {
        let code = self.state().codes.remove(&form.code);
        let code = code.ok_or(TokenRefusal::Grant("the code is invalid or used"))?;
        if code.expires_at <= self.clock.now() {
            return Err(TokenRefusal::Grant("the code has expired"));
        }
        if code.redirect_uri != form.redirect_uri {
            let description = "`redirect_uri` differs from the authorization request's";
            return Err(TokenRefusal::Grant(description));
        }
        let digest = digest::digest(&digest::SHA256, form.code_verifier.as_bytes());
        if URL_SAFE_NO_PAD.encode(digest) != code.challenge {
            let description = "`code_verifier` does not match the code's challenge";
            return Err(TokenRefusal::Grant(description));
        }
        if code.client_id != form.client_id {
            return Err(TokenRefusal::Grant("the code is of another client"));
        }
        self.tokens(&form.client_id, &code.session, &code.person, code.nonce)
    }

    /// Exchanges a refresh token for new tokens, once.
    fn refresh(&self, form: &TokenForm) -> Result<Value, TokenRefusal> {
        let session = {
            let mut state = self.state();
            let token = state.refresh_tokens.remove(&form.refresh_token);
            let token = token.filter(|token| token.client_id == form.client_id);
            token.and_then(|token| {
                let person = state.sessions.get(&token.session).cloned()?;
                Some((token.session, person))
            })
        };
        let invalid = TokenRefusal::Grant("the refresh token is invalid, used, or signed out");
        let (session, person) = session.ok_or(invalid)?;
        self.tokens(&form.client_id, &session, &person, None)
    }

    fn tokens(
        &self,
        client_id: &str,
        session: &str,
        person: &SignIn,
        nonce: Option<String>,
    ) -> Result<Value, TokenRefusal> {
        let failed = |NoRandomness| TokenRefusal::Failed;
        let (access, refresh) = (
            random_secret().map_err(failed)?,
            random_secret().map_err(failed)?,
        );
        let mut claims = self.issuer.claims(person);
        claims.insert("aud".to_owned(), json!(client_id));
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let mut state = self.state();
        let token = RefreshToken {
            client_id: client_id.to_owned(),
            session: session.to_owned(),
        };
        state.refresh_tokens.insert(refresh.clone(), token);
        Ok(json!({
            "access_token": access,
            "expires_in": LIFETIME,
            "id_token": self.issuer.sign(claims),
            "refresh_token": refresh,
            "token_type": "Bearer",
        }))
    }
}

impl ProviderState {
    /// Adds or updates a person, and returns whether anything changed.
    fn remember(&mut self, person: &SignIn) -> bool {
        let known = self
            .people
            .iter()
            .position(|old| old.user_id == person.user_id);
        let old = known.map(|index| self.people.remove(index));
        self.people.push(person.clone());
        old.as_ref() != Some(person)
    }
}

/// The parameters of an authorization request.
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

/// A checked authorization request.
struct AuthorizationRequest {
    client_id: String,
    callback: Callback,
    nonce: Option<String>,
    challenge: String,
    prompt: Option<String>,
}

/// The redirect URI of a request, with its state.
struct Callback {
    redirect_uri: String,
    state: Option<String>,
}

impl Callback {
    fn redirect(self, issuer: &str, parameters: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let parameters = parameters.iter().copied().chain(state);
        let query: Vec<String> = parameters
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

/// A refused authorization request.
enum Refusal {
    /// The client is unknown: the person sees a page.
    Page(&'static str),
    /// The client gets an error's code and description.
    Callback(Callback, &'static str, &'static str),
}

impl Refusal {
    fn no_randomness(callback: Callback) -> Self {
        Self::Callback(
            callback,
            "server_error",
            "the random number generator failed",
        )
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

/// The form of the sign-in page: a known person's id, or a description of another.
#[derive(Default, Deserialize)]
struct SignInForm {
    #[serde(default)]
    person: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    /// Absent if the checkbox is not ticked.
    verified: Option<String>,
    /// Present if the person chose not to sign in.
    cancel: Option<String>,
}

pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/.well-known/jwks.json", get(keys))
        .route("/local/authorize", get(authorize).post(submit))
        .route("/local/token", post(token))
        .route("/local/revoke", post(revoke))
        .route("/local/sign-out", get(sign_out))
        .with_state(provider)
}

/// Lets pages of any origin read a response, which depends on no cookie.
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
        (None | Some("none"), Some((session, person))) => {
            provider.send_code(request, &session, person)
        }
        (Some("none"), None) => {
            let refusal =
                Refusal::Callback(request.callback, "login_required", "no person is signed in");
            provider.refuse(refusal)
        }
        _ => {
            let typed = SignInForm {
                verified: Some("true".to_owned()),
                ..SignInForm::default()
            };
            provider.sign_in_page(typed, None)
        }
    }
}

async fn submit(
    State(provider): State<Arc<Provider>>,
    Query(query): Query<AuthorizationQuery>,
    Form(form): Form<SignInForm>,
) -> Response {
    let request = match provider.check(query) {
        Ok(request) => request,
        Err(refusal) => return provider.refuse(refusal),
    };
    if form.cancel.is_some() {
        let refusal = Refusal::Callback(request.callback, "access_denied", "the person cancelled");
        return provider.refuse(refusal);
    }
    let Some(person) = provider.person_of(&form) else {
        let problem = "Enter an email address, such as ada@example.com.";
        return (
            StatusCode::BAD_REQUEST,
            provider.sign_in_page(form, Some(problem)),
        )
            .into_response();
    };
    let Ok(session) = random_secret() else {
        return provider.refuse(Refusal::no_randomness(request.callback));
    };
    provider.remember(&person);
    provider
        .state()
        .sessions
        .insert(session.clone(), person.clone());
    let cookie = format!("{COOKIE}={session}; Path=/local; HttpOnly; SameSite=Lax");
    let response = provider.send_code(request, &session, person);
    ([(header::SET_COOKIE, cookie)], response).into_response()
}

/// The parameters of a token request.
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

/// A refused token request.
enum TokenRefusal {
    Client,
    GrantType,
    Grant(&'static str),
    Failed,
}

impl IntoResponse for TokenRefusal {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Self::Client => ("invalid_client", "unknown client"),
            Self::GrantType => (
                "unsupported_grant_type",
                "`grant_type` must be `authorization_code` or `refresh_token`",
            ),
            Self::Grant(description) => ("invalid_grant", description),
            Self::Failed => ("server_error", "the random number generator failed"),
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
    let tokens = if !provider.knows(&form.client_id) {
        Err(TokenRefusal::Client)
    } else {
        match form.grant_type.as_str() {
            "authorization_code" => provider.exchange_code(&form),
            "refresh_token" => provider.refresh(&form),
            _ => Err(TokenRefusal::GrantType),
        }
    };
    match tokens {
        Ok(tokens) => (OPEN, Json(tokens)).into_response(),
        Err(refusal) => (OPEN, refusal).into_response(),
    }
}

/// The parameters of a revocation request.
#[derive(Deserialize)]
struct RevocationForm {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    token: String,
}

/// Ends a refresh token (RFC 7009). An unknown token is no error: it has ended.
async fn revoke(
    State(provider): State<Arc<Provider>>,
    Form(form): Form<RevocationForm>,
) -> Response {
    if !provider.knows(&form.client_id) {
        return (OPEN, TokenRefusal::Client).into_response();
    }
    provider.state().refresh_tokens.remove(&form.token);
    (OPEN, StatusCode::OK).into_response()
}

#[derive(Deserialize)]
struct SignOutQuery {
    #[serde(default)]
    post_logout_redirect_uri: String,
}

/// Ends the session, with its codes and refresh tokens.
async fn sign_out(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Query(query): Query<SignOutQuery>,
) -> Response {
    if let Some(session) = cookie(&headers) {
        let mut state = provider.state();
        state.sessions.remove(session);
        state.codes.retain(|_, code| code.session != session);
        state
            .refresh_tokens
            .retain(|_, token| token.session != session);
    }
    let expired = format!("{COOKIE}=; Path=/local; Max-Age=0; HttpOnly; SameSite=Lax");
    let to = &query.post_logout_redirect_uri;
    let response = if provider.is_own(to) {
        Redirect::to(to).into_response()
    } else {
        provider.show(&SignedOutPage)
    };
    ([(header::SET_COOKIE, expired)], response).into_response()
}

/// Returns the session in the browser's cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split("; "))
        .find_map(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('='))
}
