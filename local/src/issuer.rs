//! The issuer of tokens: it signs them for the identity provider, and verifies
//! them as API Gateway's JWT authorizer does.

use std::{io, path::Path};

use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use functions::Clock;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{persist, verifier};

/// The client id of the pages, which is the audience of tokens.
pub(crate) const CLIENT_ID: &str = "local";
/// The lifetime of a token, in seconds.
pub(crate) const LIFETIME: i64 = 12 * 3600;

/// An error that keeps the issuer from starting.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The signing key cannot be created, read or saved.
    #[error("the signing key `{0}` cannot be used; delete it, and everybody must sign in again")]
    Key(String),
}

/// A person, as the identity provider knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The provider's `sub`.
    pub user_id: String,
    /// The email address, if the person has one.
    pub email: Option<String>,
    /// Whether the provider has verified the address.
    pub email_verified: bool,
    /// The person's name, if known.
    pub name: Option<String>,
}

impl SignIn {
    /// Returns a person with this verified address. The user id derives from the address.
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

    /// Returns the name, else the address, else the user id.
    pub(crate) fn display_name(&self) -> &str {
        let name = self.name.as_deref().or(self.email.as_deref());
        name.unwrap_or(&self.user_id)
    }
}

/// Signs and verifies tokens, with RS256: API Gateway's JWT authorizers take only RSA.
pub struct Issuer {
    url: String,
    clock: Clock,
    key: RsaKeyPair,
    /// The key's name, which derives from it: no other provider has one of this name.
    key_id: String,
    decoding_key: DecodingKey,
    /// The public key, as a JWK.
    jwk: Value,
}

impl Issuer {
    /// Creates an issuer at an address. The file keeps its key; without a file,
    /// the key lives as long as the process.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn new(url: &str, clock: Clock, file: Option<&Path>) -> Result<Self, IssuerError> {
        let name = || {
            file.map(|file| file.display().to_string())
                .unwrap_or_default()
        };
        let broken = || IssuerError::Key(name());
        let pkcs8 = persist::read_or_create(file, || {
            let key = RsaKeyPair::generate(KeySize::Rsa2048);
            let der = key.and_then(|key| AsDer::<Pkcs8V1Der<'_>>::as_der(&key));
            der.map(|der| der.as_ref().to_vec())
                .map_err(|_| io::Error::other("the random number generator failed"))
        });
        let pkcs8 = pkcs8.map_err(|_| broken())?;
        let key = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| broken())?;
        let public = key.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let n = number(public.modulus().big_endian_without_leading_zero());
        let e = number(public.exponent().big_endian_without_leading_zero());
        let hash = digest::digest(&digest::SHA256, n.as_bytes());
        let key_id = number(hash.as_ref());
        Ok(Self {
            url: url.to_owned(),
            clock,
            decoding_key: DecodingKey::from_rsa_components(&n, &e).map_err(|_| broken())?,
            jwk: json!({
                "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "n": n, "e": e,
            }),
            key,
            key_id,
        })
    }

    /// Returns a token of a person who signs in now.
    pub fn sign_in(&self, person: &SignIn) -> String {
        self.sign(self.claims(person))
    }

    /// Returns the claims of such a token.
    pub fn claims(&self, person: &SignIn) -> Map<String, Value> {
        let now = self.clock.now().timestamp();
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(self.url));
        claims.insert("aud".to_owned(), json!(CLIENT_ID));
        claims.insert("sub".to_owned(), json!(person.user_id));
        claims.insert("iat".to_owned(), json!(now));
        claims.insert("exp".to_owned(), json!(now + LIFETIME));
        if let Some(email) = &person.email {
            claims.insert("email".to_owned(), json!(email));
            claims.insert("email_verified".to_owned(), json!(person.email_verified));
        }
        if let Some(name) = &person.name {
            claims.insert("name".to_owned(), json!(name));
        }
        claims
    }

    /// Signs a token with any claims. It is empty if the system's random number
    /// generator fails.
    pub fn sign(&self, claims: Map<String, Value>) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.key_id });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&Value::Object(claims)));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let outcome = self.key.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        );
        match outcome {
            Ok(()) => format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)),
            Err(_) => String::new(),
        }
    }

    /// Returns the claims of a valid token of this issuer and one of these audiences.
    ///
    /// # Errors
    /// The reason why the token is refused.
    pub fn verify(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Map<String, Value>, &'static str> {
        let (key, now) = (&self.decoding_key, self.clock.now());
        verifier::claims(token, key, Algorithm::RS256, &self.url, audiences, now)
    }

    /// Returns whether a token names this issuer's key.
    pub(crate) fn has_signed(&self, token: &str) -> bool {
        let header = jsonwebtoken::decode_header(token).ok();
        header.is_some_and(|header| header.kid.as_ref() == Some(&self.key_id))
    }

    /// Returns the public keys, as a JWK set.
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

    fn verify(issuer: &Issuer, token: &str) -> Option<Map<String, Value>> {
        issuer.verify(token, &[CLIENT_ID.to_owned()]).ok()
    }

    fn with(issuer: &Issuer, name: &str, value: Value) -> String {
        let mut claims = issuer.claims(&SignIn::with_email("ada@example.com"));
        claims.insert(name.to_owned(), value);
        issuer.sign(claims)
    }

    #[test]
    fn token_is_signed_with_rsa_as_api_gateway_requires() {
        let issuer = issuer();
        let token = issuer.sign_in(&SignIn::with_email("ada@example.com"));
        let header = token.split('.').next().unwrap();
        let header = URL_SAFE_NO_PAD.decode(header).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header["alg"], "RS256");
        let keys = issuer.keys();
        let key = &keys["keys"][0];
        assert_eq!((&key["kty"], &key["kid"]), (&json!("RSA"), &header["kid"]));
        assert_eq!(key["n"].as_str().unwrap().len(), 342);
        assert_eq!(key["e"], "AQAB");
    }

    #[test]
    fn claims_are_passed_on_as_text() {
        let issuer = issuer();
        let token = with(&issuer, "groups", json!(["a", "b"]));
        let claims = verify(&issuer, &token).unwrap();
        assert_eq!(claims["email"], "ada@example.com");
        assert_eq!(claims["email_verified"], "true");
        assert_eq!(claims["groups"], "[a b]");
        assert!(claims["exp"].is_string());
    }

    #[test]
    fn token_of_other_time_issuer_or_audience_is_refused() {
        let issuer = issuer();
        let now = Clock::system().now().timestamp();
        assert!(verify(&issuer, &with(&issuer, "exp", json!(now + 60))).is_some());
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
            assert!(verify(&issuer, &token).is_none(), "{name} {value}");
        }
    }

    #[test]
    fn token_of_another_key_is_refused() {
        let (issuer, other) = (issuer(), self::issuer());
        let person = SignIn::with_email("ada@example.com");
        let token = issuer.sign_in(&person);
        assert!(verify(&issuer, &token).is_some());
        assert!(verify(&other, &token).is_none());

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
            assert!(verify(&issuer, &forged).is_none(), "{forged}");
        }
    }

    #[test]
    fn address_in_any_case_is_the_same_person() {
        let id = |email| SignIn::with_email(email).user_id;
        assert_eq!(id("Ada@Example.com "), id("ada@example.com"));
        assert_ne!(id("ada@example.com"), id("bob@example.com"));
    }
}
