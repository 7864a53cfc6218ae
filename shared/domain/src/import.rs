//! API keys of an earlier system, which go on to work: they are known by their hash.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ApiKey, ApiKeyId, ApiKeyName, ApiKeyScopes, Caller, Counts, Event, Refusal, SecretHash, Server,
    api_key::{NewApiKey, add_api_key},
    text::parsed_text,
};

/// The maximum length of a hint, in characters.
const MAX_HINT: usize = 40;
/// The lengths of the text of a key, in bytes. Fewer could be guessed.
const LENGTHS: std::ops::RangeInclusive<usize> = 20..=256;
/// The prefixes of this system's own keys.
const OWN_PREFIXES: [&str; 2] = ["osk_", "oss_"];

/// The prefixes of an earlier system's API keys. The default is none: then no such key
/// is accepted, and a text that is no key costs no read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedPrefixes(Vec<String>);

/// The error of a text that is no list of prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be prefixes with commas between them, each of 3 to 32 letters, digits, `_`, `-` and \
     `.`, other than `osk_` and `oss_`"
)]
pub struct InvalidPrefixes;

impl ImportedPrefixes {
    /// Parses prefixes with commas between them, such as `img_live_,img_test_`.
    ///
    /// # Errors
    /// [`InvalidPrefixes`].
    pub fn parse(text: &str) -> Result<Self, InvalidPrefixes> {
        let prefixes = text.split(',').map(str::trim);
        let prefixes = prefixes.filter(|prefix| !prefix.is_empty());
        let prefixes: Vec<String> = prefixes.map(str::to_owned).collect();
        let is_prefix = |prefix: &String| {
            let is_own = |own: &&str| prefix.starts_with(*own) || own.starts_with(prefix.as_str());
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
            (3..=32).contains(&prefix.len())
                && prefix.bytes().all(is_allowed)
                && !OWN_PREFIXES.iter().any(is_own)
        };
        if prefixes.iter().all(is_prefix) {
            Ok(Self(prefixes))
        } else {
            Err(InvalidPrefixes)
        }
    }

    /// Returns whether a text begins with one of the prefixes.
    pub fn begin(&self, text: &str) -> bool {
        self.0.iter().any(|prefix| text.starts_with(prefix))
    }

    /// Returns the hash of a text that may be a key of the earlier system.
    pub fn hash(&self, text: &str) -> Option<SecretHash> {
        let may_be_key = LENGTHS.contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && self.begin(text);
        may_be_key.then(|| SecretHash::of(text))
    }
}

/// The SHA-256 of a key's text: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct HexHash(#[schemars(with = "String", regex(pattern = "^[0-9a-fA-F]{64}$"))] SecretHash);

/// The error of a text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256 of 64 hexadecimal digits")]
pub struct InvalidHash;

impl HexHash {
    /// Returns the hash.
    pub fn as_hash(&self) -> &SecretHash {
        &self.0
    }
}

impl From<SecretHash> for HexHash {
    fn from(hash: SecretHash) -> Self {
        Self(hash)
    }
}

impl From<HexHash> for String {
    fn from(HexHash(hash): HexHash) -> Self {
        let bytes = hash.as_bytes().iter();
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for HexHash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, InvalidHash> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidHash);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| InvalidHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidHash)?;
        }
        Ok(Self(SecretHash::from(bytes)))
    }
}

/// The part of a key that people recognize it by, such as `img_live_…3f2a`: 1 to 40
/// printable ASCII characters or `…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("minLength" = 1, "maxLength" = 40))]
pub struct KeyHint(String);

/// The error of a text that is no hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 40 printable ASCII characters or `…`, without spaces")]
pub struct InvalidHint;

impl KeyHint {
    /// Parses a hint.
    ///
    /// # Errors
    /// [`InvalidHint`].
    pub fn parse(text: &str) -> Result<Self, InvalidHint> {
        let is_allowed = |c: char| c.is_ascii_graphic() || c == '…';
        if (1..=MAX_HINT).contains(&text.chars().count()) && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidHint)
        }
    }

    /// Returns the hint.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

parsed_text!(KeyHint, InvalidHint);

/// The API key to import.
#[derive(Debug, Clone)]
pub struct ImportedApiKey {
    /// The id to give it.
    pub id: ApiKeyId,
    /// The name, for people.
    pub name: ApiKeyName,
    /// The hash of its text.
    pub hash: SecretHash,
    /// The part of it that people recognize it by.
    pub hint: KeyHint,
    /// Its scopes.
    pub scopes: ApiKeyScopes,
    /// Expiry time; `None` means it never expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Decides the import of an API key of an earlier system. Returns the key and the event
/// to record.
///
/// # Errors
/// [`Refusal::TooManyApiKeys`], [`Refusal::ExpiryNotInFuture`].
pub fn import_api_key(
    server: &Server,
    counts: &Counts,
    input: ImportedApiKey,
    now: DateTime<Utc>,
) -> Result<(ApiKey, Event), Refusal> {
    let new = NewApiKey {
        id: input.id,
        name: input.name,
        scopes: input.scopes,
        expires_at: input.expires_at,
        hint: input.hint.into(),
        secret_hash: input.hash.clone(),
        imported_hash: Some(input.hash),
    };
    add_api_key(&Caller::Server(server.clone()), counts, new, now)
}
