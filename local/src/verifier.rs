//! The check of people's tokens, as API Gateway's JWT authorizer makes it: those of the
//! stand-in, and those of a real identity provider.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::Uri,
};
use chrono::{DateTime, Utc};
use functions::Clock;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::issuer::{CLIENT_ID, Issuer};

/// The time in which a provider has to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most that a provider's answer may have, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// A real identity provider, by the template's parameters.
#[derive(Debug, Clone)]
pub struct TrustedProvider {
    /// `JwtIssuer`.
    pub issuer: String,
    /// `JwtAudience`.
    pub audiences: Vec<String>,
    /// `SignInClientId`, or the first audience.
    pub client_id: String,
    /// `SignInOrigins`.
    pub origins: String,
    /// `SignOutUrl`.
    pub sign_out_url: String,
}

/// An identity provider that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// A document of the provider cannot be read.
    #[error("the identity provider's `{url}` cannot be read: {reason}")]
    Unreadable {
        /// The document.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The issuer is spelled in another way.
    #[error("`JwtIssuer` is `{given}`, but the provider calls itself `{own}`")]
    OtherIssuer {
        /// The parameter's value.
        given: String,
        /// The issuer of the provider's tokens.
        own: String,
    },
}

/// The part of a discovery document that concerns tokens.
#[derive(serde::Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// The claims of a token, as text.
type Claims = Map<String, Value>;

/// The reason why a token is refused.
pub(crate) type InvalidToken = &'static str;

/// A provider with its keys.
pub(crate) struct TrustedKeys {
    provider: TrustedProvider,
    jwks_uri: String,
    client: Client<HttpsConnector<HttpConnector>, Body>,
    keys: RwLock<JwkSet>,
}

impl TrustedKeys {
    /// Reads a provider's discovery document and keys.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(crate) async fn read(provider: TrustedProvider) -> Result<Self, ProviderError> {
        let base = provider.issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let connector = HttpsConnectorBuilder::new().with_native_roots();
        let connector = connector.map_err(|error| unreadable(&url, &error))?;
        let connector = connector.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let discovery: Discovery = fetch(&client, &url).await?;
        if discovery.issuer != provider.issuer {
            return Err(ProviderError::OtherIssuer {
                given: provider.issuer,
                own: discovery.issuer,
            });
        }
        let keys = RwLock::new(fetch(&client, &discovery.jwks_uri).await?);
        Ok(Self {
            provider,
            jwks_uri: discovery.jwks_uri,
            client,
            keys,
        })
    }

    /// Verifies a token. An unknown key may be a new one, so the keys are read again.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, InvalidToken> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| MALFORMED)?;
        // API Gateway takes no others.
        let is_rsa = matches!(
            header.alg,
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512
        );
        if !is_rsa {
            return Err("the token is not signed with RSA");
        }
        let id = header.kid.unwrap_or_default();
        let key = match self.key(&id) {
            Some(key) => key,
            None => {
                match fetch(&self.client, &self.jwks_uri).await {
                    Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys,
                    Err(error) => tracing::warn!(%error, "the provider's keys are the old ones"),
                }
                self.key(&id).ok_or("the token's key is unknown")?
            }
        };
        let (issuer, audiences) = (&self.provider.issuer, &self.provider.audiences);
        claims(token, &key, header.alg, issuer, audiences, now)
    }

    fn key(&self, id: &str) -> Option<DecodingKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.find(id)
            .and_then(|key| DecodingKey::from_jwk(key).ok())
    }
}

async fn fetch<T: DeserializeOwned>(
    client: &Client<HttpsConnector<HttpConnector>, Body>,
    url: &str,
) -> Result<T, ProviderError> {
    let uri: Uri = url.parse().map_err(|error| unreadable(url, &error))?;
    let body = tokio::time::timeout(TIMEOUT, async {
        let response = client
            .get(uri)
            .await
            .map_err(|error| unreadable(url, &error))?;
        if !response.status().is_success() {
            return Err(unreadable(url, &response.status()));
        }
        let body = axum::body::to_bytes(Body::new(response.into_body()), MAX_ANSWER).await;
        body.map_err(|error| unreadable(url, &error))
    });
    let body: Bytes = body.await.map_err(|error| unreadable(url, &error))??;
    serde_json::from_slice(&body).map_err(|error| unreadable(url, &error))
}

fn unreadable(url: &str, reason: &dyn std::fmt::Display) -> ProviderError {
    ProviderError::Unreadable {
        url: url.to_owned(),
        reason: reason.to_string(),
    }
}

/// Verifies tokens.
#[derive(Clone)]
pub(crate) struct Verifier {
    issuer: Arc<Issuer>,
    /// The clients of the stand-in.
    audiences: Arc<Vec<String>>,
    trusted: Option<Arc<TrustedKeys>>,
    clock: Clock,
}

impl Verifier {
    pub(crate) fn new(
        issuer: Arc<Issuer>,
        clients: Vec<String>,
        trusted: Option<TrustedKeys>,
        clock: Clock,
    ) -> Self {
        let pages = std::iter::once(CLIENT_ID.to_owned());
        Self {
            issuer,
            audiences: Arc::new(pages.chain(clients).collect()),
            trusted: trusted.map(Arc::new),
            clock,
        }
    }

    /// Returns the claims of a valid token. All values are text, as API Gateway passes
    /// them on.
    ///
    /// # Errors
    /// The reason, for the header `www-authenticate`.
    pub(crate) async fn verify(&self, token: &str) -> Result<Claims, InvalidToken> {
        match &self.trusted {
            Some(trusted) if !self.issuer.has_signed(token) => {
                trusted.verify(token, self.clock.now()).await
            }
            _ => self.issuer.verify(token, &self.audiences),
        }
    }
}

/// The reason why a text is no token.
pub(crate) const MALFORMED: InvalidToken = "invalid number of segments";

/// Returns the claims of a token, if the key, the issuer, the audience and the time are
/// right.
pub(crate) fn claims(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    issuer: &str,
    audiences: &[String],
    now: DateTime<Utc>,
) -> Result<Claims, InvalidToken> {
    use jsonwebtoken::errors::ErrorKind;

    let mut validation = Validation::new(algorithm);
    validation.set_audience(audiences);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    // The library would check the time by the system's clock, which tests cannot move.
    validation.validate_exp = false;
    let token = jsonwebtoken::decode::<Claims>(token, key, &validation);
    let claims = token.map_err(|error| match error.kind() {
        ErrorKind::InvalidAudience => "the token does not have a valid audience",
        ErrorKind::InvalidIssuer => "the token does not have a valid issuer",
        ErrorKind::MissingRequiredClaim(_) => "a required claim is missing",
        ErrorKind::InvalidToken => MALFORMED,
        _ => "the signature is invalid",
    })?;
    let (claims, now) = (claims.claims, now.timestamp());
    let expiry = claims.get("exp").and_then(Value::as_i64);
    if expiry.is_none_or(|expiry| expiry <= now) {
        return Err("the token has expired");
    }
    let started = ["iat", "nbf"].iter().all(|name| {
        let from = claims.get(*name);
        from.is_none_or(|from| from.as_i64().is_some_and(|from| from <= now))
    });
    if !started {
        return Err("the token is not valid yet");
    }
    let texts = claims
        .into_iter()
        .map(|(name, value)| (name, as_text(value)));
    Ok(texts.collect())
}

fn as_text(value: Value) -> Value {
    match value {
        Value::String(_) => value,
        Value::Array(items) => {
            let items = items.iter().map(|item| {
                let text = item.as_str().map(str::to_owned);
                text.unwrap_or_else(|| item.to_string())
            });
            Value::String(format!("[{}]", items.collect::<Vec<_>>().join(" ")))
        }
        other => Value::String(other.to_string()),
    }
}
