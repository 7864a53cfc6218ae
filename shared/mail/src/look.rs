//! The look of every email: the deploying company's name, logo, links, colors and language.

use brand::{Brand, Palette, Url};

use crate::{names::one_line, words::Catalog};

/// The parts of a brand that emails show.
pub(crate) struct Look<'a> {
    pub(crate) product: Option<String>,
    pub(crate) logo: Option<&'a str>,
    pub(crate) home: Option<&'a str>,
    pub(crate) links: Vec<Link<'a>>,
    pub(crate) palette: Palette,
    pub(crate) catalog: &'static Catalog,
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
        let catalog = Catalog::of(brand.language);
        let page = |label, page: &'a Option<Url>| {
            page.as_ref().map(|page| Link {
                label,
                target: page.to_string(),
                text: page.as_str(),
            })
        };
        let support = brand.support.as_ref().map(|support| Link {
            label: catalog.help,
            target: support.link(),
            text: support.as_str(),
        });
        let links = [
            support,
            page(catalog.terms, &brand.terms),
            page(catalog.privacy, &brand.privacy),
        ];
        // The name is the text of the link to the product.
        let home = brand.home.as_ref().filter(|_| brand.product.is_some());
        Self {
            product: brand.product.as_ref().map(|name| one_line(name.as_str())),
            logo: brand.logo.as_ref().map(Url::as_str),
            home: home.map(Url::as_str),
            links: links.into_iter().flatten().collect(),
            palette: brand.palette(),
            catalog,
        }
    }

    /// Returns the words above the address of the button: an email that has links of the
    /// brand says which ones are ours, for a reader in doubt.
    pub(crate) fn note(&self) -> &'static str {
        if self.home.is_none() && self.links.is_empty() {
            self.catalog.paste_link
        } else {
            self.catalog.only_ours
        }
    }
}
