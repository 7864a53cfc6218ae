//! The links in invite emails: to the invite, and to stop such emails.
//!
//! A link's token names the organization, the invite and the sending, and carries
//! an `HMAC-SHA256` over these and the invited address. The table holds nothing
//! from which a token could be made.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::{EmailAddress, InviteId, OrganizationId, RecipientId};

/// Separates these signatures from any other use of the key.
const PURPOSE: &[u8] = b"invite-link/1";
/// Separates the signatures of opt-out links from those of invite links.
const OPT_OUT_PURPOSE: &[u8] = b"opt-out-link/1";
const FORMAT: u8 = 1;

/// The error of a text that is not the token of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the token of a link")]
pub struct InvalidToken;

/// The error of a key that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a link key must have at least 32 bytes")]
pub struct WeakKey;

/// The secret key that signs links.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

impl LinkKey {
    /// Makes a key of a secret of at least 32 bytes.
    ///
    /// # Errors
    /// [`WeakKey`] for fewer than 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, WeakKey> {
        if secret.len() < 32 {
            return Err(WeakKey);
        }
        Hmac::new_from_slice(secret).map(Self).map_err(|_| WeakKey)
    }

    fn mac(&self, token: &InviteToken, email: &EmailAddress) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(PURPOSE);
        mac.update(token.organization_id.uuid().as_bytes());
        mac.update(token.invite_id.uuid().as_bytes());
        mac.update(&token.times_sent.to_be_bytes());
        // The only field of variable length comes last, so that no two inputs coincide.
        mac.update(email.normal().as_bytes());
        mac
    }

    fn opt_out_mac(&self, token: &OptOutToken) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(OPT_OUT_PURPOSE);
        mac.update(&token.signed());
        mac
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

/// The current key and the previous one: sent links stay valid after a rotation.
#[derive(Debug, Clone)]
pub struct LinkKeys {
    /// Signs new links.
    pub current: LinkKey,
    /// Verifies the links that it signed before the last rotation.
    pub previous: Option<LinkKey>,
}

impl LinkKeys {
    /// Returns whether one of the keys signed the token for this address, in
    /// constant time.
    pub fn verify(&self, token: &InviteToken, email: &EmailAddress) -> bool {
        let signed_by = |key: &LinkKey| key.mac(token, email).verify_slice(&token.mac).is_ok();
        let current = signed_by(&self.current);
        let previous = self.previous.as_ref().is_some_and(signed_by);
        current | previous
    }

    /// Returns whether one of the keys signed the token, in constant time.
    pub fn verify_opt_out(&self, token: &OptOutToken) -> bool {
        let signed_by = |key: &LinkKey| key.opt_out_mac(token).verify_slice(&token.mac).is_ok();
        let current = signed_by(&self.current);
        let previous = self.previous.as_ref().is_some_and(signed_by);
        current | previous
    }
}

/// The token in an invite's link.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invite.
    pub invite_id: InviteId,
    /// The number of the sending, from 1.
    pub times_sent: u32,
    mac: [u8; 32],
}

impl InviteToken {
    /// Signs the token for one sending of an invite; the result is deterministic.
    pub fn sign(
        key: &LinkKey,
        organization_id: OrganizationId,
        invite_id: InviteId,
        times_sent: u32,
        email: &EmailAddress,
    ) -> Self {
        let mut token = Self {
            organization_id,
            invite_id,
            times_sent,
            mac: [0; 32],
        };
        token.mac = key.mac(&token, email).finalize().into_bytes().into();
        token
    }

    /// Parses a token, without verifying it: see [`LinkKeys::verify`].
    ///
    /// # Errors
    /// [`InvalidToken`] for every text that [`encode`](Self::encode) does not return.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (&format, rest) = bytes.split_first().ok_or(InvalidToken)?;
        let (organization_id, rest) = rest.split_first_chunk::<16>().ok_or(InvalidToken)?;
        let (invite_id, rest) = rest.split_first_chunk::<16>().ok_or(InvalidToken)?;
        let (times_sent, mac) = rest.split_first_chunk::<4>().ok_or(InvalidToken)?;
        if format != FORMAT {
            return Err(InvalidToken);
        }
        Ok(Self {
            organization_id: OrganizationId::new(Uuid::from_bytes(*organization_id)),
            invite_id: InviteId::new(Uuid::from_bytes(*invite_id)),
            times_sent: u32::from_be_bytes(*times_sent),
            mac: mac.try_into().map_err(|_| InvalidToken)?,
        })
    }

    /// Encodes the token for a link: letters, digits, `-` and `_`.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(69);
        bytes.push(FORMAT);
        bytes.extend_from_slice(self.organization_id.uuid().as_bytes());
        bytes.extend_from_slice(self.invite_id.uuid().as_bytes());
        bytes.extend_from_slice(&self.times_sent.to_be_bytes());
        bytes.extend_from_slice(&self.mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Names the invite only, as a token is a secret.
impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InviteToken")
            .field("invite_id", &self.invite_id)
            .finish_non_exhaustive()
    }
}

/// The token in the link that stops invite emails to a recipient. It names the recipient
/// itself, so it holds even after the invite is gone.
#[derive(Clone, PartialEq, Eq)]
pub struct OptOutToken {
    /// The organization that sent the email.
    pub organization_id: OrganizationId,
    /// The invite.
    pub invite_id: InviteId,
    /// The number of the sending, from 1.
    pub times_sent: u32,
    recipient: [u8; 32],
    mac: [u8; 32],
}

impl OptOutToken {
    /// Signs the token for one sending of an invite. Returns `None` for a recipient's id
    /// that no address leads to.
    pub fn sign(
        key: &LinkKey,
        organization_id: OrganizationId,
        invite_id: InviteId,
        times_sent: u32,
        recipient_id: &RecipientId,
    ) -> Option<Self> {
        let mut token = Self {
            organization_id,
            invite_id,
            times_sent,
            recipient: recipient_id.hash()?,
            mac: [0; 32],
        };
        token.mac = key.opt_out_mac(&token).finalize().into_bytes().into();
        Some(token)
    }

    /// Returns the recipient.
    pub fn recipient_id(&self) -> RecipientId {
        RecipientId::new(&self.recipient)
    }

    /// Parses a token, without verifying it: see [`LinkKeys::verify_opt_out`].
    ///
    /// # Errors
    /// [`InvalidToken`] for every text that [`encode`](Self::encode) does not return.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (&format, rest) = bytes.split_first().ok_or(InvalidToken)?;
        let (organization_id, rest) = rest.split_first_chunk::<16>().ok_or(InvalidToken)?;
        let (invite_id, rest) = rest.split_first_chunk::<16>().ok_or(InvalidToken)?;
        let (times_sent, rest) = rest.split_first_chunk::<4>().ok_or(InvalidToken)?;
        let (recipient, mac) = rest.split_first_chunk::<32>().ok_or(InvalidToken)?;
        if format != FORMAT {
            return Err(InvalidToken);
        }
        Ok(Self {
            organization_id: OrganizationId::new(Uuid::from_bytes(*organization_id)),
            invite_id: InviteId::new(Uuid::from_bytes(*invite_id)),
            times_sent: u32::from_be_bytes(*times_sent),
            recipient: *recipient,
            mac: mac.try_into().map_err(|_| InvalidToken)?,
        })
    }

    /// Encodes the token for a link: letters, digits, `-` and `_`.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(101);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.signed());
        bytes.extend_from_slice(&self.mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the signed fields, each of a fixed length.
    fn signed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(68);
        bytes.extend_from_slice(self.organization_id.uuid().as_bytes());
        bytes.extend_from_slice(self.invite_id.uuid().as_bytes());
        bytes.extend_from_slice(&self.times_sent.to_be_bytes());
        bytes.extend_from_slice(&self.recipient);
        bytes
    }
}

/// Names the invite only, as a token is a secret.
impl fmt::Debug for OptOutToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptOutToken")
            .field("invite_id", &self.invite_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> LinkKey {
        LinkKey::new(&[byte; 32]).unwrap()
    }

    fn email(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn token(key: &LinkKey) -> InviteToken {
        let organization_id = OrganizationId::new(Uuid::from_u128(1));
        let invite_id = InviteId::new(Uuid::from_u128(2));
        InviteToken::sign(
            key,
            organization_id,
            invite_id,
            1,
            &email("dana@example.com"),
        )
    }

    #[test]
    fn token_of_another_key_address_or_sending_is_invalid() {
        let keys = LinkKeys {
            current: key(1),
            previous: None,
        };
        let good = InviteToken::parse(&token(&key(1)).encode()).unwrap();
        assert!(keys.verify(&good, &email("Dana@Example.com")));
        assert!(!keys.verify(&good, &email("erin@example.com")));
        assert!(!keys.verify(
            &InviteToken {
                times_sent: 2,
                ..good.clone()
            },
            &email("dana@example.com")
        ));
        assert!(!keys.verify(&token(&key(2)), &email("dana@example.com")));
    }

    #[test]
    fn link_of_the_previous_key_is_valid_after_rotation() {
        let rotated = LinkKeys {
            current: key(2),
            previous: Some(key(1)),
        };
        assert!(rotated.verify(&token(&key(1)), &email("dana@example.com")));
        assert!(rotated.verify(&token(&key(2)), &email("dana@example.com")));
        assert!(!rotated.verify(&token(&key(3)), &email("dana@example.com")));
    }

    fn opt_out_token(key: &LinkKey) -> OptOutToken {
        let organization_id = OrganizationId::new(Uuid::from_u128(1));
        let invite_id = InviteId::new(Uuid::from_u128(2));
        let recipient = email("dana@example.com").recipient_id();
        OptOutToken::sign(key, organization_id, invite_id, 1, &recipient).unwrap()
    }

    #[test]
    fn opt_out_token_names_the_recipient_it_was_signed_for() {
        let text = opt_out_token(&key(1)).encode();
        let token = OptOutToken::parse(&text).unwrap();
        let recipient = email("Dana+x@Example.com").recipient_id();
        assert_eq!(token.recipient_id(), recipient);
        let rotated = LinkKeys {
            current: key(2),
            previous: Some(key(1)),
        };
        assert!(rotated.verify_opt_out(&token));
        assert!(!rotated.verify_opt_out(&opt_out_token(&key(3))));
        assert!(InviteToken::parse(&text).is_err());
    }

    #[test]
    fn debug_output_of_a_link_key_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", key(7)), "LinkKey(…)");
    }

    #[test]
    fn link_key_below_32_bytes_is_refused() {
        assert_eq!(LinkKey::new(&[0; 31]).err(), Some(WeakKey));
    }

    proptest! {
        #[test]
        fn token_parsed_and_encoded_is_the_same_text(text in "\\PC*") {
            if let Ok(token) = InviteToken::parse(&text) {
                prop_assert_eq!(token.encode(), text);
            }
        }

        #[test]
        fn opt_out_token_with_a_flipped_bit_is_invalid(bit in 0usize..(101 * 8)) {
            let keys = LinkKeys { current: key(1), previous: None };
            let mut bytes = URL_SAFE_NO_PAD.decode(opt_out_token(&key(1)).encode()).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verified = OptOutToken::parse(&URL_SAFE_NO_PAD.encode(bytes))
                .is_ok_and(|token| keys.verify_opt_out(&token));
            prop_assert!(!verified);
        }

        #[test]
        fn token_encoded_and_parsed_is_equal(org: u128, invite: u128, times_sent: u32, mac: [u8; 32]) {
            let token = InviteToken {
                organization_id: OrganizationId::new(Uuid::from_u128(org)),
                invite_id: InviteId::new(Uuid::from_u128(invite)),
                times_sent,
                mac,
            };
            let text = token.encode();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(InviteToken::parse(&text), Ok(token));
        }

        #[test]
        fn token_with_a_flipped_bit_is_invalid(bit in 0usize..(69 * 8)) {
            let keys = LinkKeys { current: key(1), previous: None };
            let mut bytes = URL_SAFE_NO_PAD.decode(token(&key(1)).encode()).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verified = InviteToken::parse(&URL_SAFE_NO_PAD.encode(bytes))
                .is_ok_and(|token| keys.verify(&token, &email("dana@example.com")));
            prop_assert!(!verified);
        }
    }
}
