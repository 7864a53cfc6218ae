//! The script, the style and the icon.

use crate::response::Response;

/// A file that pages load. Its name changes with its content, so browsers cache it
/// forever.
pub(super) struct Asset {
    name: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

// A document names the files by constants, so that only the function that serves them has
// their bytes.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Finds an asset by its name.
pub(super) fn find(name: &str) -> Option<&'static Asset> {
    [&SCRIPT, &STYLE, &ICON]
        .into_iter()
        .find(|asset| asset.name == name)
}

impl Asset {
    /// Responds with the smallest encoding that the client accepts.
    pub(super) fn respond(&self, accept_encoding: &str) -> Response {
        let (encoding, bytes) = if accepts(accept_encoding, "br") {
            (Some("br"), self.brotli)
        } else if accepts(accept_encoding, "gzip") {
            (Some("gzip"), self.gzip)
        } else {
            (None, self.plain)
        };
        let response = Response::file(self.media_type, bytes);
        match encoding {
            Some(encoding) => response.with_header("content-encoding", encoding),
            None => response,
        }
    }
}

/// Returns whether an `Accept-Encoding` header allows an encoding, by its name or by `*`.
fn accepts(header: &str, coding: &str) -> bool {
    let allows = |wanted: &str| {
        header.split(',').find_map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let name = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let refused = quality.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
            name.eq_ignore_ascii_case(wanted).then_some(!refused)
        })
    };
    allows(coding).or_else(|| allows("*")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_accepted_only_if_the_header_allows_it() {
        for (header, br, gzip) in [
            ("", false, false),
            ("identity", false, false),
            ("gzip, deflate, br, zstd", true, true),
            ("gzip;q=0.5, BR;q=1", true, true),
            ("br;q=0, gzip", false, true),
            ("gzip;q=0.000", false, false),
            ("*", true, true),
            ("br;q=0, *", false, true),
            ("*;q=0", false, false),
            ("brotli", false, false),
        ] {
            assert_eq!(accepts(header, "br"), br, "{header}");
            assert_eq!(accepts(header, "gzip"), gzip, "{header}");
        }
    }
}
