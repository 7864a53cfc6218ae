//! The deploying company's name, links and colors, which pages and emails show alike.

mod color;

use std::fmt;

pub use color::{Color, InvalidColor, Palette, Shades};

/// The accent color of a deployment that has none of its own.
const ACCENT: Color = Color::new(0x4f, 0x46, 0xe5);
/// The maximum length of a product's name, in characters.
const MAX_NAME: usize = 60;

/// The brand of a deployment. The default has no name, no logo and no links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The product's name.
    pub product: Option<ProductName>,
    /// The logo, an image of any size.
    pub logo: Option<Url>,
    /// The accent color; `None` for the default one.
    pub accent: Option<Color>,
    /// The product itself.
    pub home: Option<Url>,
    /// Help: an email address or a page.
    pub support: Option<Support>,
    /// The terms of service.
    pub terms: Option<Url>,
    /// The privacy policy.
    pub privacy: Option<Url>,
    /// The page that a person goes to after accepting an invite.
    pub after_accept: Option<Url>,
}

impl Brand {
    /// Returns the shades of the accent color.
    pub fn palette(&self) -> Palette {
        Palette::of(self.accent.unwrap_or(ACCENT))
    }
}

/// A product's name: 1 to 60 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductName(String);

/// The error of a text that is no product's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 60 characters on one line")]
pub struct InvalidName;

impl ProductName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name = text.trim();
        let is_name = (1..=MAX_NAME).contains(&name.chars().count())
            && !name
                .chars()
                .any(|c| c.is_control() || "\u{2028}\u{2029}".contains(c));
        is_name.then(|| Self(name.to_owned())).ok_or(InvalidName)
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An https URL, or an http one on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(String);

/// The error of a text that is no URL for a brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an https URL")]
pub struct InvalidUrl;

impl Url {
    /// Parses a URL. On this machine (`localhost`, `127.0.0.1`) it may be http.
    ///
    /// # Errors
    /// [`InvalidUrl`].
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidUrl)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let name = host.split(':').next().unwrap_or_default();
        let is_local = matches!(name, "localhost" | "127.0.0.1");
        let has_host = !name.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        let is_plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        let is_known = scheme == "https" || (scheme == "http" && is_local);
        (is_known && has_host && is_plain)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidUrl)
    }

    /// Returns the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where people get help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// An email address.
    Email(String),
    /// A page.
    Page(Url),
}

/// The error of a text that leads to no help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address or an https URL")]
pub struct InvalidSupport;

impl Support {
    /// Parses an email address or a URL.
    ///
    /// # Errors
    /// [`InvalidSupport`].
    pub fn parse(text: &str) -> Result<Self, InvalidSupport> {
        if let Ok(page) = Url::parse(text) {
            return Ok(Self::Page(page));
        }
        let (local, host) = text.split_once('@').ok_or(InvalidSupport)?;
        let is_plain = |part: &str, extra: &[u8]| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
        };
        (is_plain(local, b"._+-") && is_plain(host, b".-"))
            .then(|| Self::Email(text.to_owned()))
            .ok_or(InvalidSupport)
    }

    /// Returns the target of a link.
    pub fn link(&self) -> String {
        match self {
            Self::Email(address) => format!("mailto:{address}"),
            Self::Page(page) => page.to_string(),
        }
    }

    /// Returns the address as people read it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(address) => address,
            Self::Page(page) => page.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_https_or_on_this_machine() {
        for text in [
            "https://example.com",
            "https://cdn.example.com/logo.png?v=2#x",
            "http://localhost:3000/a",
            "http://127.0.0.1:8080",
        ] {
            assert_eq!(Url::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "example.com",
            "http://example.com",
            "http://localhost.example.com",
            "https://",
            "https:///path",
            "https://a b",
            "https://example.com/\"onload=",
            "https://user@example.com",
            "javascript://example.com/%0aalert(1)",
            "https://example.com\r\nx: y",
        ] {
            assert_eq!(Url::parse(text), Err(InvalidUrl), "{text}");
        }
    }

    #[test]
    fn support_is_an_address_or_a_page() {
        let link = |text| Support::parse(text).map(|support| support.link());
        assert_eq!(
            link("help@example.com"),
            Ok("mailto:help@example.com".to_owned())
        );
        assert_eq!(
            link("https://example.com/help"),
            Ok("https://example.com/help".to_owned())
        );
        for text in [
            "",
            "help",
            "@example.com",
            "help@",
            "help@example.com?subject=x",
            "a@b@c",
        ] {
            assert_eq!(link(text), Err(InvalidSupport), "{text}");
        }
    }

    #[test]
    fn product_name_is_one_short_line() {
        assert_eq!(
            ProductName::parse(" Pixelpress ").unwrap().as_str(),
            "Pixelpress"
        );
        for text in ["", "  ", "a\nb", "a\u{2028}b", &"x".repeat(61)] {
            assert_eq!(ProductName::parse(text), Err(InvalidName), "{text:?}");
        }
    }
}
