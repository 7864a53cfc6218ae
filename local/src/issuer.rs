//! The sign-in provider's part: signs tokens, and verifies them as API
//! Gateway's JWT authorizer does.

use std::{fs, path::Path};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use functions::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};

/// Whom tokens are for.
const AUDIENCE: &str = "local";
/// How long a token lives, in seconds.
const LIFETIME: i64 = 12 * 3600;
const KEY_ID: &str = "local";

/// Why there can be no issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The signing key cannot be made, read or kept.
    #[error("the signing key `{0}` cannot be used; delete it and everybody signs in anew")]
    Key(String),
}

/// Who signs in, and how sure the provider is of it.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The provider's `sub`.
    pub user_id: String,
    /// The address, where there is one.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// The person's name, where they told one.
    pub name: Option<String>,
}

impl SignIn {
    /// Somebody with that verified address, whose user id follows from it.
    pub fn with_email(email: &str) -> Self {
        let normal = email.trim().to_lowercase();
        let hash = digest::digest(&digest::SHA256, normal.as_bytes());
        let hash = hash
            .as_ref()
            .iter()
            .take(8)
            .fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
        Self {
            user_id: format!("person-{hash}"),
            email: Some(email.trim().to_owned()),
            email_verified: true,
            name: None,
        }
    }
}

/// Signs and verifies tokens.
pub struct Issuer {
    url: String,
    clock: Clock,
    signs: EncodingKey,
    verifies: DecodingKey,
    /// The public key, as a JWK.
    jwk: Value,
}

impl Issuer {
    /// An issuer at that address. Its key is kept in the file, or for this
    /// process alone.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn new(url: &str, clock: Clock, file: Option<&Path>) -> Result<Self, IssuerError> {
        let name = || {
            file.map(|file| file.display().to_string())
                .unwrap_or_default()
        };
        let broken = || IssuerError::Key(name());
        let pkcs8 = match file {
            Some(file) if file.exists() => fs::read(file).map_err(|_| broken())?,
            _ => {
                let key = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &SystemRandom::new(),
                );
                let key = key.map_err(|_| broken())?.as_ref().to_vec();
                if let Some(file) = file {
                    fs::write(file, &key).map_err(|_| broken())?;
                }
                key
            }
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
            .map_err(|_| broken())?;
        // An uncompressed point: a format byte, then both coordinates.
        let point = pair.public_key().as_ref().get(1..).ok_or_else(broken)?;
        let (x, y) = point.split_at_checked(32).ok_or_else(broken)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Ok(Self {
            url: url.to_owned(),
            clock,
            signs: EncodingKey::from_ec_der(&pkcs8),
            verifies: DecodingKey::from_ec_components(&x, &y).map_err(|_| broken())?,
            jwk: json!({
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID, "x": x, "y": y,
            }),
        })
    }

    /// A token for somebody who has just signed in.
    pub fn sign_in(&self, who: &SignIn) -> String {
        self.sign(self.claims(who))
    }

    /// The claims that such a token has.
    pub fn claims(&self, who: &SignIn) -> Map<String, Value> {
        let now = self.clock.now().timestamp();
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(self.url));
        claims.insert("aud".to_owned(), json!(AUDIENCE));
        claims.insert("sub".to_owned(), json!(who.user_id));
        claims.insert("iat".to_owned(), json!(now));
        claims.insert("exp".to_owned(), json!(now + LIFETIME));
        if let Some(email) = &who.email {
            claims.insert("email".to_owned(), json!(email));
            claims.insert("email_verified".to_owned(), json!(who.email_verified));
        }
        if let Some(name) = &who.name {
            claims.insert("name".to_owned(), json!(name));
        }
        claims
    }

    /// A token with any claims.
    pub fn sign(&self, claims: Map<String, Value>) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(KEY_ID.to_owned());
        jsonwebtoken::encode(&header, &claims, &self.signs).unwrap_or_default()
    }

    /// The claims of a token of this issuer's, for this audience, that is valid
    /// now; `None` for every other one. All values are text, as API Gateway
    /// passes them on.
    pub fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.url]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is checked by our own clock, which tests move.
        validation.validate_exp = false;
        let token =
            jsonwebtoken::decode::<Map<String, Value>>(token, &self.verifies, &validation).ok()?;
        let now = self.clock.now().timestamp();
        let time = |name: &str| token.claims.get(name).and_then(Value::as_i64);
        let started = time("nbf").is_none_or(|from| from <= now);
        if time("exp").is_none_or(|until| until <= now) || !started {
            return None;
        }
        let as_text = |value: Value| match value {
            Value::String(_) => value,
            other => Value::String(other.to_string()),
        };
        Some(
            token
                .claims
                .into_iter()
                .map(|(name, value)| (name, as_text(value)))
                .collect(),
        )
    }

    /// The discovery document.
    pub(crate) fn configuration(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/.well-known/jwks.json", self.url),
            "id_token_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
        })
    }

    /// The public keys.
    pub(crate) fn keys(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }
}
