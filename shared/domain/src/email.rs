//! Email addresses: kept as typed, compared in a normal form.

use std::{fmt, hash};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The reason why a text is not an email address that SES can send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// The address is longer than RFC 5321, section 4.5.3.1, allows for a path.
    #[error("must be at most 254 characters")]
    TooLong,
    /// The text has no `@`, or one side of it is empty.
    #[error("must have the form `name@example.com`")]
    NoAt,
    /// The local part is not a dot-atom of RFC 5322, section 3.2.3.
    #[error("has characters before the `@` that an email address cannot have")]
    LocalPart,
    /// The part after the `@` is not a domain name.
    #[error("has no valid domain name after the `@`")]
    Domain,
}

/// An email address.
///
/// Two addresses are equal when their normal forms are: trimmed, in lower case,
/// with the domain in ASCII (IDNA). The typed form is kept for display.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("minLength" = 3, "maxLength" = 254))]
pub struct EmailAddress {
    typed: String,
    normal: String,
}

impl EmailAddress {
    /// Parses an address as a person types it.
    ///
    /// Refuses quoted local parts, comments, address literals and local parts
    /// outside of ASCII: SES cannot send to them.
    ///
    /// # Errors
    /// [`InvalidEmail`], worded to fit behind "email".
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let typed = text.trim();
        if typed.chars().count() > 254 {
            return Err(InvalidEmail::TooLong);
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(InvalidEmail::NoAt)?;
        if local.is_empty() || domain.is_empty() {
            return Err(InvalidEmail::NoAt);
        }
        let atext =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        let dot_atom = local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(atext));
        if local.len() > 64 || !dot_atom {
            return Err(InvalidEmail::LocalPart);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail::Domain)?;
        let top = domain.rsplit('.').next().unwrap_or_default();
        let all_digits = top.bytes().all(|byte| byte.is_ascii_digit());
        if !domain.contains('.') || top.is_empty() || all_digits {
            return Err(InvalidEmail::Domain);
        }
        let normal = format!("{}@{domain}", local.to_ascii_lowercase());
        if normal.len() > 254 {
            return Err(InvalidEmail::TooLong);
        }
        Ok(Self {
            typed: typed.to_owned(),
            normal,
        })
    }

    /// Parses the address in a token's claim. Returns `None` if it is unusable, and for a
    /// domain with letters that IDNA 2003 maps to others: the provider may have verified
    /// `strasse.example` where the claim says `straße.example`.
    pub fn from_claim(text: &str) -> Option<Self> {
        const DEVIATIONS: [char; 5] = ['ß', 'ẞ', 'ς', '\u{200c}', '\u{200d}'];
        let email = Self::parse(text).ok()?;
        (!text.contains(DEVIATIONS)).then_some(email)
    }

    /// Returns the address as typed, without surrounding white space.
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// Returns the form that is compared and that emails are sent to.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// Returns a form for logs, errors and audit data: the first letter and the domain.
    pub fn masked(&self) -> String {
        let (local, domain) = self.normal.rsplit_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        format!("{first}…@{domain}")
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for EmailAddress {}

impl hash::Hash for EmailAddress {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.normal.hash(state);
    }
}

/// Shows the masked form, as debug output reaches logs.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.typed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn address_in_another_case_spacing_or_idna_form_is_equal() {
        let one = EmailAddress::parse("  Dana@Bücher.Example ").unwrap();
        let other = EmailAddress::parse("dana@xn--bcher-kva.example").unwrap();
        assert_eq!(one, other);
        assert_eq!(one.as_typed(), "Dana@Bücher.Example");
        assert_eq!(one.normal(), "dana@xn--bcher-kva.example");
    }

    #[test]
    fn claimed_domain_that_idna_2003_reads_otherwise_is_unusable() {
        for domain in ["straße.example", "STRAẞE.example", "λόγος.example"] {
            let text = format!("dana@{domain}");
            assert!(EmailAddress::parse(&text).is_ok(), "{domain}");
            assert!(EmailAddress::from_claim(&text).is_none(), "{domain}");
        }
        assert!(EmailAddress::from_claim("dana@na\u{200c}me.example").is_none());
        for text in ["Dana@Bücher.example", "dana@xn--strae-oqa.example"] {
            assert!(EmailAddress::from_claim(text).is_some(), "{text}");
        }
    }

    #[test]
    fn address_that_ses_cannot_send_to_is_refused() {
        for (text, why) in [
            ("", InvalidEmail::NoAt),
            ("nobody", InvalidEmail::NoAt),
            ("@example.com", InvalidEmail::NoAt),
            ("a@", InvalidEmail::NoAt),
            ("a b@example.com", InvalidEmail::LocalPart),
            ("a@b@example.com", InvalidEmail::LocalPart),
            (".a@example.com", InvalidEmail::LocalPart),
            ("a..b@example.com", InvalidEmail::LocalPart),
            ("\"a\"@example.com", InvalidEmail::LocalPart),
            ("jörg@example.com", InvalidEmail::LocalPart),
            ("a\r\nBcc: x@example.com", InvalidEmail::LocalPart),
            ("a@localhost", InvalidEmail::Domain),
            ("a@[127.0.0.1]", InvalidEmail::Domain),
            ("a@127.0.0.1", InvalidEmail::Domain),
            ("a@exa mple.com", InvalidEmail::Domain),
            ("a@-x.example", InvalidEmail::Domain),
            ("a@example..com", InvalidEmail::Domain),
        ] {
            assert_eq!(EmailAddress::parse(text).err(), Some(why), "{text:?}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        assert_eq!(
            EmailAddress::parse(&long).err(),
            Some(InvalidEmail::LocalPart)
        );
        let long = format!("a@{}.com", "b.".repeat(200));
        assert_eq!(
            EmailAddress::parse(&long).err(),
            Some(InvalidEmail::TooLong)
        );
    }

    #[test]
    fn equal_addresses_are_one_in_a_set() {
        let addresses = ["Dana@example.com", "dana@EXAMPLE.com", "erin@example.com"];
        let addresses = addresses.map(|text| EmailAddress::parse(text).unwrap());
        let set: std::collections::HashSet<EmailAddress> = addresses.into_iter().collect();
        assert_eq!(set.len(), 2);
        let hash = |text: &str| {
            let mut hasher = hash::DefaultHasher::new();
            hash::Hash::hash(&EmailAddress::parse(text).unwrap(), &mut hasher);
            hash::Hasher::finish(&hasher)
        };
        assert_ne!(hash("dana@example.com"), hash("erin@example.com"));
    }

    #[test]
    fn address_of_254_characters_is_the_longest() {
        let label = "a".repeat(61);
        let address = |rest: usize| {
            let domain = format!("{label}.{label}.{label}.{}", "b".repeat(rest));
            EmailAddress::parse(&format!("name@{domain}"))
        };
        let longest = address(254 - 5 - 3 * 62).unwrap();
        assert_eq!(longest.normal().len(), 254);
        let error = address(255 - 5 - 3 * 62).err();
        assert_eq!(error, Some(InvalidEmail::TooLong));
    }

    #[test]
    fn debug_output_of_an_address_is_masked() {
        let email = EmailAddress::parse("secret.person@example.com").unwrap();
        assert_eq!(format!("{email:?}"), "s…@example.com");
    }

    proptest! {
        #[test]
        fn address_parsed_twice_has_a_stable_normal_form(text in "\\PC*") {
            if let Ok(email) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(email.normal()).unwrap();
                prop_assert_eq!(again.normal(), email.normal());
                prop_assert!(email.normal().is_ascii());
                prop_assert!(!email.normal().contains(char::is_whitespace));
            }
        }

        #[test]
        fn address_in_any_letter_case_is_equal(local in "[a-zA-Z0-9+_-]{1,20}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            prop_assume!(!domain.starts_with("xn--"));
            let lower = EmailAddress::parse(&format!("{}@{domain}", local.to_lowercase())).unwrap();
            let upper = EmailAddress::parse(&format!(" {}@{} ", local.to_uppercase(), domain.to_uppercase())).unwrap();
            prop_assert_eq!(lower, upper);
        }
    }
}
