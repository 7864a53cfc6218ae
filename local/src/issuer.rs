//! The sign-in provider's part: signs tokens, and verifies them as API
//! Gateway's JWT authorizer does.

use std::{io, path::Path};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use functions::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::persist;

/// Whom tokens are for: the pages, by the name they have at the provider.
pub(crate) const CLIENT_ID: &str = "local";
/// How long a token lives, in seconds.
pub(crate) const LIFETIME: i64 = 12 * 3600;
const KEY_ID: &str = "local";

/// Why there can be no issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The signing key cannot be made, read or kept.
    #[error("the signing key `{0}` cannot be used; delete it and everybody signs in anew")]
    Key(String),
}

/// Who signs in, and how sure the provider is of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// What to call them: the name, else the address, else the user id.
    pub(crate) fn shown(&self) -> &str {
        let told = self.name.as_deref().or(self.email.as_deref());
        told.unwrap_or(&self.user_id)
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
        let pkcs8 = persist::read_or_make(file, || {
            let random = SystemRandom::new();
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map(|key| key.as_ref().to_vec())
                .map_err(|_| io::Error::other("no randomness"))
        });
        let pkcs8 = pkcs8.map_err(|_| broken())?;
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
        claims.insert("aud".to_owned(), json!(CLIENT_ID));
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

    /// A token with any claims. Empty in the one case that it cannot be signed:
    /// a machine without randomness.
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
        validation.set_audience(&[CLIENT_ID]);
        validation.set_issuer(&[&self.url]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Time is checked by our own clock, which tests move.
        validation.validate_exp = false;
        let token =
            jsonwebtoken::decode::<Map<String, Value>>(token, &self.verifies, &validation).ok()?;
        let now = self.clock.now().timestamp();
        let lives = token.claims.get("exp")?.as_i64()? > now;
        let begun = ["iat", "nbf"].iter().all(|name| {
            let from = token.claims.get(*name);
            from.is_none_or(|from| from.as_i64().is_some_and(|from| from <= now))
        });
        if !lives || !begun {
            return None;
        }
        let as_text = |value: Value| match value {
            Value::String(_) => value,
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect();
                Value::String(format!("[{}]", items.join(" ")))
            }
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

    /// The public keys.
    pub(crate) fn keys(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:3000";

    fn issuer() -> Issuer {
        Issuer::new(URL, Clock::system(), None).unwrap()
    }

    fn with(issuer: &Issuer, name: &str, value: Value) -> String {
        let mut claims = issuer.claims(&SignIn::with_email("ada@example.com"));
        claims.insert(name.to_owned(), value);
        issuer.sign(claims)
    }

    #[test]
    fn claims_are_passed_on_as_text() {
        let issuer = issuer();
        let token = with(&issuer, "groups", json!(["a", "b"]));
        let claims = issuer.verify(&token).unwrap();
        assert_eq!(claims["email"], "ada@example.com");
        assert_eq!(claims["email_verified"], "true");
        assert_eq!(claims["groups"], "[a b]");
        assert!(claims["exp"].is_string());
    }

    #[test]
    fn a_token_of_another_time_issuer_or_audience_is_refused() {
        let issuer = issuer();
        let now = Clock::system().now().timestamp();
        assert!(
            issuer
                .verify(&with(&issuer, "exp", json!(now + 60)))
                .is_some()
        );
        for (name, value) in [
            ("exp", json!(now)),
            ("exp", json!("tomorrow")),
            ("exp", Value::Null),
            ("nbf", json!(now + 60)),
            ("iat", json!(now + 60)),
            ("iss", json!("https://example.com")),
            ("aud", json!("another")),
            ("aud", Value::Null),
        ] {
            let token = with(&issuer, name, value.clone());
            assert!(issuer.verify(&token).is_none(), "{name} {value}");
        }
    }

    #[test]
    fn a_token_that_was_not_signed_by_this_key_is_refused() {
        let (issuer, other) = (issuer(), self::issuer());
        let who = SignIn::with_email("ada@example.com");
        let token = issuer.sign_in(&who);
        assert!(issuer.verify(&token).is_some());
        assert!(other.verify(&token).is_none());

        let (signed, signature) = token.rsplit_once('.').unwrap();
        let payload = signed.split('.').nth(1).unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for forged in [
            format!("{none}.{payload}."),
            format!("{none}.{payload}.{signature}"),
            format!("{signed}."),
            signed.to_owned(),
            String::new(),
        ] {
            assert!(issuer.verify(&forged).is_none(), "{forged}");
        }
    }

    #[test]
    fn an_address_gives_one_person_whatever_its_case() {
        let id = |email| SignIn::with_email(email).user_id;
        assert_eq!(id("Ada@Example.com "), id("ada@example.com"));
        assert_ne!(id("ada@example.com"), id("bob@example.com"));
    }
}
