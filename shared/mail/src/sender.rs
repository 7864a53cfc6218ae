//! The sender of emails.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::Tag;

/// The deployment's configuration of outgoing email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// `no-reply@example.com` or `Example <no-reply@example.com>`. The display
    /// name may contain any character.
    pub from: String,
    /// Reply-To address; defaults to the sender.
    pub reply_to: Option<String>,
    /// The SES configuration set, if any.
    pub configuration_set: Option<String>,
    /// The tags of every email, besides its own.
    pub tags: Vec<Tag>,
}

/// The maximum bytes of text in an encoded word of 75 characters.
const ENCODED_WORD_BYTES: usize = 45;

/// Returns `from` as a valid header value. SES accepts display names in ASCII
/// only and takes a bare comma for the start of another address; an encoded word
/// (RFC 2047) carries both.
pub(crate) fn header_value(from: &str) -> String {
    let Some((name, address)) = from.rsplit_once('<') else {
        return from.to_owned();
    };
    let name = name.trim();
    let quoted = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    if name.chars().all(is_plain) || quoted.is_some_and(|inner| inner.chars().all(fits_quotes)) {
        return from.to_owned();
    }
    format!("{} <{address}", encoded_words(quoted.unwrap_or(name)))
}

fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= ENCODED_WORD_BYTES => word.push(c),
            _ => words.push(c.into()),
        }
    }
    let encoded = words
        .iter()
        .map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
    encoded.collect::<Vec<_>>().join(" ")
}

/// Returns whether a display name may contain a character without quotation marks: RFC
/// 5322's atoms, and spaces.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c)
}

fn fits_quotes(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_valid_for_ses_is_unchanged() {
        for from in [
            "no-reply@example.com",
            "<no-reply@example.com>",
            "Example & Sons <no-reply@example.com>",
            "\"Example, Inc.\" <no-reply@example.com>",
            "=?UTF-8?B?w6k=?= <no-reply@example.com>",
        ] {
            assert_eq!(header_value(from), from);
        }
    }

    #[test]
    fn display_name_invalid_for_ses_is_encoded() {
        assert_eq!(
            header_value("Größe <no-reply@example.com>"),
            "=?UTF-8?B?R3LDtsOfZQ==?= <no-reply@example.com>"
        );
        assert_eq!(
            header_value("Example, Inc. <no-reply@example.com>"),
            "=?UTF-8?B?RXhhbXBsZSwgSW5jLg==?= <no-reply@example.com>"
        );
        assert_eq!(
            header_value("\"Größe\" <a@b.example>"),
            header_value("Größe <a@b.example>")
        );
    }

    #[test]
    fn display_name_with_a_line_break_starts_no_header() {
        let header = header_value("A\r\nBcc: b <no-reply@example.com>");
        assert_eq!(header, "=?UTF-8?B?QQ0KQmNjOiBi?= <no-reply@example.com>");
    }

    #[test]
    fn long_display_name_becomes_encoded_words_of_whole_characters() {
        let header = header_value(&format!("{} <a@b.example>", "語".repeat(40)));
        let words: Vec<&str> = header.split(' ').collect();
        assert_eq!(words.len(), 4, "{header}");
        assert!(words.iter().all(|word| word.len() <= 75), "{header}");
        for word in &words[..3] {
            let encoded = word
                .strip_prefix("=?UTF-8?B?")
                .and_then(|rest| rest.strip_suffix("?="))
                .unwrap();
            assert!(String::from_utf8(STANDARD.decode(encoded).unwrap()).is_ok());
        }
    }
}
