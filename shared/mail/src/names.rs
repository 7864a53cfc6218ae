//! Text that people typed, cleaned for an email.

/// The maximum characters of a name in the subject: clients show little more.
pub(crate) const SUBJECT_NAME: usize = 60;

/// The maximum characters of a name in the body: enough for any name, too few for
/// a message in its place.
pub(crate) const BODY_NAME: usize = 120;

/// Quotes a name, so that readers see where it starts and ends: a name can be a
/// URL or a whole sentence, and must not pass for a statement of the email itself.
/// For the same reason it cannot close the quotation, is cut off after `limit`
/// characters, and holds nothing that an email client turns into a link.
///
/// Returns `None` if nothing visible is left of the name.
pub(crate) fn quoted(name: &str, limit: usize) -> Option<String> {
    let line: String = one_line(name)
        .chars()
        .map(|c| if is_quotation_mark(c) { '\'' } else { c })
        .collect();
    let visible = line.chars().any(|c| c != ' ' && !is_joiner(c));
    visible.then(|| format!("“{}”", unlinked(&shortened(line, limit))))
}

/// Returns the text on one line: line breaks and blanks of any kind become one
/// space, invisible and bidirectional characters are removed.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if !is_blank(c) {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Breaks web and email addresses with zero-width spaces, so that email clients make no
/// links of them: after the dot of a domain, the `@` of an address, and the colon of
/// `http://` and `mailto:`. Readers see no difference.
pub(crate) fn unlinked(line: &str) -> String {
    const BREAK: char = '\u{200B}';
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        text.push(c);
        // Clients may skip joiners as they do in a host.
        let mut after = chars.clone().filter(|c| !is_joiner(*c));
        let after = (after.next().unwrap_or(' '), after.next().unwrap_or(' '));
        let is_linked = match c {
            c if is_dot(c) => before != ' ' && !is_dot(before) && begins_label(after),
            '@' => before != ' ' && after.0 != ' ',
            ':' => after == ('/', '/') || (after.0 != ' ' && ends_scheme(&text)),
            _ => false,
        };
        if is_linked {
            text.push(BREAK);
        }
        if !is_joiner(c) {
            before = c;
        }
    }
    text
}

/// Returns whether two characters can begin a domain's last label: no such label is a
/// digit, or a single ASCII letter as in `J.R.R.`.
fn begins_label((first, second): (char, char)) -> bool {
    first.is_alphabetic()
        && (!first.is_ascii() || !second.is_ascii() || second.is_alphanumeric() || second == '-')
}

/// Returns whether a text ends in a scheme that clients link without `//`.
fn ends_scheme(text: &str) -> bool {
    ["mailto:", "tel:", "sms:", "callto:", "skype:"]
        .iter()
        .any(|scheme| {
            let start = text.len().checked_sub(scheme.len());
            let end = start.and_then(|start| text.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(scheme))
        })
}

/// Returns whether a character separates the labels of a domain: the four of IDNA, and
/// those that normalize to one of them.
fn is_dot(c: char) -> bool {
    matches!(
        c,
        '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}' | '\u{2024}' | '\u{FE52}' | '\u{FE12}'
    )
}

fn shortened(line: String, limit: usize) -> String {
    let Some((cut, _)) = line.char_indices().nth(limit) else {
        return line;
    };
    let kept = line.get(..cut).unwrap_or_default();
    let kept = kept.trim_end_matches(|c| c == ' ' || is_joiner(c));
    format!("{kept}…")
}

/// Returns whether a character is invisible, but joins emoji or shapes Persian and Indic
/// letters.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}')
}

fn is_blank(c: char) -> bool {
    // The last ones are letters and symbols that are drawn as blanks.
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}'
        )
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        // Bidirectional marks, embeddings, overrides and isolates.
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        // Zero-width and deprecated format characters, and tags.
        | '\u{00AD}' | '\u{034F}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2065}'
        | '\u{206A}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

fn is_quotation_mark(c: char) -> bool {
    matches!(
        c,
        '"' | '“' | '”' | '„' | '‟' | '″' | '〝' | '〞' | '＂' | '«' | '»'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_in_any_script_is_unchanged() {
        for name in [
            "Ada Lovelace",
            "Acme & Söhne",
            "株式会社",
            "می‌خواهم",
            "👩‍👩‍👧",
            "שלום",
        ] {
            assert_eq!(quoted(name, 60).unwrap(), format!("“{name}”"));
        }
    }

    #[test]
    fn line_break_of_any_kind_becomes_one_space() {
        for end in [
            "\r\n", "\n", "\r", "\t\t", "\u{b}", "\0", "\u{85}", "\u{2028}", "\u{2029}",
        ] {
            assert_eq!(one_line(&format!("{end}a{end}{end} b{end}")), "a b");
        }
    }

    #[test]
    fn blanks_of_any_kind_become_one_space() {
        for blank in [
            " ", "\u{a0}", "\u{2003}", "\u{2800}", "\u{3000}", "\u{3164}",
        ] {
            assert_eq!(one_line(&format!("a{}b", blank.repeat(50))), "a b");
        }
    }

    #[test]
    fn bidi_characters_are_removed() {
        assert_eq!(
            one_line("\u{202e}moc.live\u{202c} \u{2066}x\u{2069}\u{200f}"),
            "moc.live x"
        );
    }

    #[test]
    fn name_with_quotation_marks_cannot_close_its_quotation() {
        assert_eq!(
            quoted("Acme” is closed. \"Pay «here» „now“", 60).unwrap(),
            "“Acme' is closed. 'Pay 'here' 'now'”"
        );
    }

    #[test]
    fn long_name_is_cut_between_characters() {
        assert_eq!(quoted(&"é".repeat(60), 60).unwrap().chars().count(), 62);
        assert_eq!(
            quoted(&"é".repeat(61), 60).unwrap(),
            format!("“{}…”", "é".repeat(60))
        );
        assert_eq!(quoted("ab cd", 3).unwrap(), "“ab…”");
        assert_eq!(quoted("👩‍👩‍👧", 2).unwrap(), "“👩…”");
    }

    /// Writes the zero-width spaces of a text visibly.
    fn breaks(text: &str) -> String {
        unlinked(text).replace('\u{200B}', "|")
    }

    #[test]
    fn address_in_a_name_is_broken() {
        for (name, broken) in [
            ("http://evil.example/x", "http:|//evil.|example/x"),
            ("HTTPS://EVIL.EXAMPLE", "HTTPS:|//EVIL.|EXAMPLE"),
            ("ftp://localhost", "ftp:|//localhost"),
            ("http://1.2.3.4/x", "http:|//1.2.3.4/x"),
            ("//evil.example", "//evil.|example"),
            ("www.evil.example", "www.|evil.|example"),
            ("Win at evil.example now", "Win at evil.|example now"),
            ("a.b.co", "a.b.|co"),
            ("evil.com.", "evil.|com."),
            ("evil.com/login?x=1", "evil.|com/login?x=1"),
            ("bücher.example", "bücher.|example"),
            ("пример.рф", "пример.|рф"),
            ("例え.テスト", "例え.|テスト"),
            ("evil.xn--p1ai", "evil.|xn--p1ai"),
            ("evil。com", "evil。|com"),
            ("evil．com", "evil．|com"),
            ("evil｡com", "evil｡|com"),
            ("evil․com", "evil․|com"),
            ("i❤.ws", "i❤.|ws"),
            ("evil.\u{200D}com", "evil.|\u{200D}com"),
            ("evil\u{FE0F}.com", "evil\u{FE0F}.|com"),
            ("ceo@evil.example", "ceo@|evil.|example"),
            ("mailto:ceo@evil.example", "mailto:|ceo@|evil.|example"),
            ("MailTo:ceo@localhost", "MailTo:|ceo@|localhost"),
            ("tel:+3312345", "tel:|+3312345"),
            ("Node.js", "Node.|js"),
        ] {
            assert_eq!(breaks(name), broken);
        }
    }

    #[test]
    fn name_without_an_address_is_not_broken() {
        for name in [
            "St. Mary's",
            "v1.2",
            "Studio 2.0",
            "J.R.R. Tolkien",
            "A.C.M.E",
            "Acme Inc.",
            "Wait... what?",
            "...and more",
            ".org charts",
            "Team @ work",
            "@acme",
            "Acme: Images",
            "Ratio 4:3",
            "a/b // c",
            "Hotel: x",
            "語。",
        ] {
            assert_eq!(breaks(name), name);
        }
    }

    #[test]
    fn quoted_name_is_broken_after_it_is_cut() {
        let name = format!("{}evil.example", "x ".repeat(27));
        let quoted = quoted(&name, 60).unwrap();
        assert!(quoted.ends_with("x evil.\u{200B}e…”"), "{quoted:?}");
    }

    #[test]
    fn invisible_name_is_none() {
        assert_eq!(quoted(" \u{200b}\u{3164}\n\u{202e}\u{200d}", 60), None);
    }
}
