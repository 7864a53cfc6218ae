//! The `If-Match` header (RFC 9110, section 13.1.1): a change of the version that the
//! client has seen, and of no other.

use lambda_http::{Request, http::header::IF_MATCH};
use serde::Serialize;

use crate::{error::Error, views::Version};

/// The versions that the request may change; absent, any.
#[derive(Debug)]
pub(crate) struct IfMatch(Option<Tags>);

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is `*` or a list of quoted versions.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        let mut values = request.headers().get_all(IF_MATCH).iter().peekable();
        if values.peek().is_none() {
            return Ok(Self(None));
        }
        let texts: Result<Vec<_>, _> = values.map(|value| value.to_str()).collect();
        let tags = texts.ok().and_then(|texts| Tags::parse(&texts.join(",")));
        tags.map(|tags| Self(Some(tags)))
            .ok_or_else(|| Error::field("if-match", "must be a quoted version such as `\"3\"`"))
    }

    /// Requires that the item is in a version which the header names. A mutation asks
    /// for this last, before it commits: a request that changes nothing, such as a
    /// repeated one, succeeds without.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] with the item's view.
    pub(crate) fn require<V: Serialize>(
        &self,
        version: Version,
        view: impl FnOnce() -> V,
    ) -> Result<(), Error> {
        match &self.0 {
            Some(Tags::OneOf(tags)) if !tags.contains(&version.to_string()) => {
                Err(Error::VersionMismatch {
                    current: serde_json::to_value(view())?,
                })
            }
            Some(Tags::OneOf(_) | Tags::Any) | None => Ok(()),
        }
    }
}

impl Tags {
    /// Parses the header's text. A weak tag is well-formed, but matches no version
    /// (RFC 9110, section 8.8.3.2).
    fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut strong = Vec::new();
        let mut count = 0_usize;
        for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            count += 1;
            let (is_weak, quoted) = match tag.strip_prefix("W/") {
                Some(quoted) => (true, quoted),
                None => (false, tag),
            };
            let opaque = quoted.strip_prefix('"')?.strip_suffix('"')?;
            if !opaque
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'"')
            {
                return None;
            }
            if !is_weak {
                strong.push(opaque.to_owned());
            }
        }
        (count > 0).then_some(Self::OneOf(strong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of(tags: &[&str]) -> Option<Tags> {
        Some(Tags::OneOf(tags.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn header_lists_are_parsed() {
        let cases = [
            ("*", Some(Tags::Any)),
            (" \"3\" ", one_of(&["3"])),
            ("\"3\", \"4-1f\"", one_of(&["3", "4-1f"])),
            ("W/\"3\"", one_of(&[])),
            ("\"\"", one_of(&[""])),
            (",\"3\",", one_of(&["3"])),
            ("3", None),
            ("\"3", None),
            ("\"", None),
            ("\"3\" \"4\"", None),
            ("w/\"3\"", None),
            ("*, \"3\"", None),
            (",", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Tags::parse(text), expected, "{text:?}");
        }
    }
}
