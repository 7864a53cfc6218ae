//! Pages of long lists.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A request for one page of a list.
#[derive(Debug, Clone)]
pub struct PageRequest {
    limit: u16,
    after: Option<String>,
}

impl PageRequest {
    /// The maximum number of items on a page.
    pub const MAX_LIMIT: u16 = 100;

    /// Returns a page of at most `limit` items (1 to 100) from the list's start.
    pub fn first(limit: u16) -> Self {
        Self {
            limit: limit.clamp(1, Self::MAX_LIMIT),
            after: None,
        }
    }

    /// Returns the page at a cursor; `None` for an invalid cursor.
    ///
    /// A cursor holds the position in a list, never the list: that comes only from the
    /// request's path.
    pub fn at(limit: u16, cursor: &str) -> Option<Self> {
        let after = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let printable = after.bytes().all(|byte| byte.is_ascii_graphic());
        let usable = printable && !after.is_empty() && after.len() <= 512;
        usable.then(|| Self {
            after: Some(after),
            ..Self::first(limit)
        })
    }

    /// Returns the same page with at most `limit` items; the cursor leads to the rest.
    pub fn at_most(self, limit: u16) -> Self {
        Self {
            limit: self.limit.min(limit),
            ..self
        }
    }

    pub(crate) fn limit(&self) -> usize {
        usize::from(self.limit)
    }

    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Keeps only the items for which `keep` returns true. The page may become shorter
    /// than requested; the cursor shows whether there are more items.
    pub fn keep(mut self, keep: impl FnMut(&T) -> bool) -> Self {
        self.items.retain(keep);
        self
    }
}

/// Returns the cursor after an item, whose sort key is `prefix` and the cursor's text.
pub(crate) fn cursor_behind(sort_key: Option<&AttributeValue>, prefix: &str) -> Option<String> {
    let text = sort_key?.as_s().ok()?.strip_prefix(prefix)?;
    Some(URL_SAFE_NO_PAD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_leads_back_to_its_position() {
        let key = AttributeValue::S("MEMBER#auth0|x".to_owned());
        let cursor = cursor_behind(Some(&key), "MEMBER#").unwrap();
        let page = PageRequest::at(7, &cursor).unwrap();
        assert_eq!((page.limit(), page.after()), (7, Some("auth0|x")));
    }

    #[test]
    fn invalid_cursor_is_refused() {
        for text in ["", "%%%", "=", "AAAA", "w7w"] {
            assert!(PageRequest::at(1, text).is_none(), "{text:?}");
        }
    }
}
