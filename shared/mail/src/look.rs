//! The look of every email: the deploying company's name, logo, links and colors.

use brand::{Brand, Palette, Url};

use crate::names::one_line;

/// The parts of a brand that emails show.
pub(crate) struct Look<'a> {
    pub(crate) product: Option<String>,
    pub(crate) logo: Option<&'a str>,
    pub(crate) home: Option<&'a str>,
    pub(crate) links: Vec<Link<'a>>,
    pub(crate) palette: Palette,
}

/// A link of the footer.
pub(crate) struct Link<'a> {
    pub(crate) label: &'static str,
    pub(crate) target: String,
    /// What a reader of plain text sees.
    pub(crate) text: &'a str,
}

impl<'a> Look<'a> {
    pub(crate) fn of(brand: &'a Brand) -> Self {
        let page = |label, page: &'a Option<Url>| {
            page.as_ref().map(|page| Link {
                label,
                target: page.to_string(),
                text: page.as_str(),
            })
        };
        let support = brand.support.as_ref().map(|support| Link {
            label: "Help",
            target: support.link(),
            text: support.as_str(),
        });
        let links = [
            support,
            page("Terms", &brand.terms),
            page("Privacy", &brand.privacy),
        ];
        // The name is the text of the link to the product.
        let home = brand.home.as_ref().filter(|_| brand.product.is_some());
        Self {
            product: brand.product.as_ref().map(|name| one_line(name.as_str())),
            logo: brand.logo.as_ref().map(Url::as_str),
            home: home.map(Url::as_str),
            links: links.into_iter().flatten().collect(),
            palette: brand.palette(),
        }
    }

    /// Returns the links that are ours, for a reader in doubt: `without` says so for an
    /// email that has no links of the brand.
    pub(crate) fn note(&self, without: &'static str) -> &'static str {
        if self.home.is_none() && self.links.is_empty() {
            without
        } else {
            "The button leads to this address. Besides it, only the links below are ours:"
        }
    }
}
