//! The text of an API key, with which a client authenticates.
//!
//! `osk_`, then the organization's id, the key's id and 256 random bits in
//! base62, then a CRC-32 of all that. So a key leads to its item in one read,
//! secret scanners recognize it, and a typo is detected without a read.
//! `docs/api.md` has the regular expression.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use hmac::digest::CtOutput;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{ApiKeyId, OrganizationId};

/// The prefix of every key.
const PREFIX: &str = "osk_";
/// The number of base62 digits of 128 bits.
const BLOCK: usize = 22;
/// The number of base62 digits of 32 bits.
const CHECKSUM: usize = 6;
/// The number of last characters that a hint shows.
const HINT: usize = 4;

/// The error of a text that is not an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an API key")]
pub struct InvalidSecret;

/// The secret of an API key. It is shown once, when created; the table has only
/// its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The key's id.
    pub api_key_id: ApiKeyId,
    random: [u8; 32],
}

impl ApiKeySecret {
    /// Makes a secret of random bytes from a cryptographic source.
    pub fn new(organization_id: OrganizationId, api_key_id: ApiKeyId, random: [u8; 32]) -> Self {
        Self {
            organization_id,
            api_key_id,
            random,
        }
    }

    /// Parses a key, without verifying it: see [`ApiKey::verify`](crate::ApiKey::verify).
    ///
    /// # Errors
    /// [`InvalidSecret`] for every text that [`reveal`](Self::reveal) does not return.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let (body, checksum) = digits
            .split_at_checked(4 * BLOCK)
            .filter(|(_, checksum)| checksum.len() == CHECKSUM)
            .ok_or(InvalidSecret)?;
        let checked = text.strip_suffix(checksum).ok_or(InvalidSecret)?;
        if from_base62(checksum) != Some(u128::from(crc32(checked.as_bytes()))) {
            return Err(InvalidSecret);
        }
        let mut rest = body;
        let mut block = || {
            let (block, behind) = rest.split_at_checked(BLOCK).ok_or(InvalidSecret)?;
            rest = behind;
            from_base62(block).ok_or(InvalidSecret)
        };
        let organization_id = OrganizationId::new(Uuid::from_u128(block()?));
        let api_key_id = ApiKeyId::new(Uuid::from_u128(block()?));
        let mut random = [0; 32];
        let (high, low) = random.split_at_mut(16);
        high.copy_from_slice(&block()?.to_be_bytes());
        low.copy_from_slice(&block()?.to_be_bytes());
        Ok(Self::new(organization_id, api_key_id, random))
    }

    /// Returns the key as text, to be shown once to its creator.
    pub fn reveal(&self) -> String {
        let mut text = PREFIX.to_owned();
        push_base62(&mut text, self.organization_id.uuid().as_u128(), BLOCK);
        push_base62(&mut text, self.api_key_id.uuid().as_u128(), BLOCK);
        for half in self.random.chunks_exact(16) {
            let number = half.iter().fold(0, |n, byte| n << 8 | u128::from(*byte));
            push_base62(&mut text, number, BLOCK);
        }
        let checksum = crc32(text.as_bytes());
        push_base62(&mut text, checksum.into(), CHECKSUM);
        text
    }

    /// Returns the hash to store. It covers the whole text, so that it matches no
    /// other key.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.reveal())
    }

    /// Returns the part by which people recognize the key: the prefix and the last
    /// four characters. These are of the checksum, and leave more than 230 bits to
    /// guess.
    pub fn hint(&self) -> String {
        let text = self.reveal();
        let end = text.len().saturating_sub(HINT);
        let (_, last) = text.split_at_checked(end).unwrap_or_default();
        format!("{PREFIX}…{last}")
    }
}

/// Names the key only, as debug output reaches logs.
impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeySecret")
            .field("api_key_id", &self.api_key_id)
            .finish_non_exhaustive()
    }
}

/// The SHA-256 of a secret. Comparison takes constant time, and debug output shows
/// nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash(CtOutput<Sha256>);

impl SecretHash {
    /// Returns the hash of a secret's text.
    pub(crate) fn of(text: &str) -> Self {
        Self(CtOutput::new(Sha256::digest(text)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<[u8; 32]> for SecretHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(CtOutput::new(bytes.into()))
    }
}

impl TryFrom<String> for SecretHash {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, InvalidSecret> {
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| InvalidSecret)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| InvalidSecret)?;
        Ok(bytes.into())
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        STANDARD_NO_PAD.encode(hash.as_bytes())
    }
}

/// Appends a number in base62: digits, capitals, small letters, in the order of their bytes.
fn push_base62(text: &mut String, number: u128, width: usize) {
    let mut rest = number;
    let mut digits = Vec::with_capacity(width);
    for _ in 0..width {
        let digit = u8::try_from(rest % 62).unwrap_or_default();
        rest /= 62;
        digits.push(char::from(match digit {
            0..=9 => b'0' + digit,
            10..=35 => b'A' + digit - 10,
            _ => b'a' + digit - 36,
        }));
    }
    text.extend(digits.into_iter().rev());
}

/// Parses base62. Returns `None` for other characters and for more than 128 bits, so that a
/// number has one spelling.
fn from_base62(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(digit.into())
    })
}

/// Returns the CRC-32 that zip and PNG use.
fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> ApiKeySecret {
        let organization_id = OrganizationId::new(Uuid::from_u128(1));
        let api_key_id = ApiKeyId::new(Uuid::from_u128(2));
        ApiKeySecret::new(organization_id, api_key_id, [7; 32])
    }

    #[test]
    fn api_key_of_known_parts_has_a_fixed_text() {
        let text = secret().reveal();
        assert_eq!(
            text,
            "osk_00000000000000000000010000000000000000000002\
             0DG9mkOv2l6AkSp3WsPxY70DG9mkOv2l6AkSp3WsPxY72AII89"
        );
        assert_eq!(secret().hint(), "osk_…II89");
    }

    #[test]
    fn crc32_of_the_check_text_is_the_standard_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn debug_output_of_a_secret_has_no_part_of_it() {
        let text = secret().reveal();
        let debug = format!("{:?} {:?}", secret(), secret().hash());
        assert!(debug.contains("00000000-0000-0000-0000-000000000002"));
        assert!(
            !debug.contains(text.split_at(48).1.split_at(8).0),
            "{debug}"
        );
        let stored: String = secret().hash().into();
        assert!(!debug.contains(stored.split_at(8).0), "{debug}");
    }

    #[test]
    fn hash_stored_and_parsed_is_equal() {
        let stored: String = secret().hash().into();
        assert_eq!(SecretHash::try_from(stored.clone()), Ok(secret().hash()));
        for wrong in ["", "AAAA", "%", &format!("{stored}AAAA")] {
            assert!(SecretHash::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base62_above_128_bits_is_refused() {
        let largest = "7n42DGM5Tflk9n8mt7Fhc7";
        assert_eq!(from_base62(largest), Some(u128::MAX));
        assert_eq!(from_base62("7n42DGM5Tflk9n8mt7Fhc8"), None);
    }

    proptest! {
        #[test]
        fn api_key_revealed_and_parsed_is_equal(organization: u128, key: u128, random: [u8; 32]) {
            let secret = ApiKeySecret::new(
                OrganizationId::new(Uuid::from_u128(organization)),
                ApiKeyId::new(Uuid::from_u128(key)),
                random,
            );
            let text = secret.reveal();
            prop_assert_eq!(text.len(), 98);
            prop_assert!(text.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(ApiKeySecret::parse(&text), Ok(secret));
        }

        #[test]
        fn api_key_parsed_and_revealed_is_the_same_text(text in "(osk_)?\\PC*") {
            if let Ok(secret) = ApiKeySecret::parse(&text) {
                prop_assert_eq!(secret.reveal(), text);
            }
        }

        #[test]
        fn api_key_with_a_wrong_character_is_refused(at in 0usize..98, with in "[0-9A-Za-z_-]") {
            let text = secret().reveal();
            let mut typo = text.clone();
            typo.replace_range(at..=at, &with);
            prop_assert_eq!(ApiKeySecret::parse(&typo).is_ok(), typo == text);
        }

        #[test]
        fn api_key_truncated_is_refused(length in 0usize..98) {
            prop_assert!(ApiKeySecret::parse(secret().reveal().split_at(length).0).is_err());
        }
    }
}
