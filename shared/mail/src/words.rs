//! The words of emails: a catalog for each language, and sentences with names in them.

mod de;
mod en;

use askama::filters::{Escaper as _, Html};
use brand::Language;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

/// Declares the catalog, whose texts a test can list.
macro_rules! catalog {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The texts of one language. A text in braces, such as `{organization}`, stands for
        /// a value; the same ones occur in every language.
        pub(crate) struct Catalog {
            /// The language, as in HTML.
            pub(crate) language: &'static str,
            /// The months, from January.
            pub(crate) months: [&'static str; 12],
            $($(#[$doc])* pub(crate) $name: &'static str,)*
        }

        #[cfg(test)]
        impl Catalog {
            fn texts(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

catalog! {
    /// A day, such as "8 December 2026".
    day,
    /// A name in quotation marks.
    quoted,
    /// The product, behind an organization's name.
    on_product,
    someone,
    an_organization,
    your_organization,
    help,
    terms,
    privacy,
    /// Above the address of the button, in an email without other links.
    paste_link,
    /// The same in an email that has links of the brand: phishing emails imitate them.
    only_ours,

    invite_subject,
    /// Of an invite without an inviter: the product's own backend sent it.
    invite_subject_alone,
    invite_text,
    invite_text_alone,
    invite_preview,
    inviter_address,
    invited_as,
    as_owner,
    as_admin,
    as_user,
    owners_may,
    admins_may,
    users_may,
    also_billing,
    view_invite,
    view_invite_text,
    invite_expires,
    unexpected,
    report,

    credits_subject,
    credits_out_subject,
    credits_used,
    credits_reset,
    credits_run_out,
    rendering_paused,
    larger_plan,
    hand_over_subject,
    handed_over,
    creator_is,
    deleted_subject,
    deleted,
    restorable,
    invoice_subject,
    failed_subject,
    paid_subject,
    invoice_ready,
    payment_failed,
    update_payment,
    paid,
    invoice,
    amount,
    due,
    view_usage,
    see_members,
    view_invoice,
    why_owner,
    why_billing,
}

impl Catalog {
    /// Returns the catalog of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::CATALOG,
            Language::German => &de::CATALOG,
        }
    }

    /// Returns a day in UTC, with the month in words.
    pub(crate) fn day(&self, day: NaiveDate) -> String {
        let month = self.months.get(day.month0() as usize);
        fill(self.day)
            .plain("day", &day.day().to_string())
            .plain("month", month.copied().unwrap_or_default())
            .plain("year", &day.year().to_string())
            .text()
    }

    /// Returns a time in UTC, to the minute.
    pub(crate) fn moment(&self, at: DateTime<Utc>) -> String {
        format!("{}, {} UTC", self.day(at.date_naive()), at.format("%H:%M"))
    }
}

/// A text of a catalog with its values, for both bodies.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    text: &'static str,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
struct Value {
    name: &'static str,
    text: String,
    look: Look,
}

/// The look of a part of a sentence in HTML.
#[derive(Debug, Clone, Copy)]
enum Look {
    Plain,
    /// Isolated, as its direction may not be that of the sentence.
    Name,
    /// Important, and on one line.
    Strong,
}

/// Begins a sentence.
pub(crate) fn fill(text: &'static str) -> Sentence {
    let values = Vec::new();
    Sentence { text, values }
}

impl Sentence {
    pub(crate) fn plain(self, name: &'static str, text: &str) -> Self {
        self.with(name, text, Look::Plain)
    }

    pub(crate) fn name(self, name: &'static str, text: &str) -> Self {
        self.with(name, text, Look::Name)
    }

    pub(crate) fn strong(self, name: &'static str, text: &str) -> Self {
        self.with(name, text, Look::Strong)
    }

    fn with(mut self, name: &'static str, text: &str, look: Look) -> Self {
        let text = text.to_owned();
        self.values.push(Value { name, text, look });
        self
    }

    /// Returns the sentence for the plain body.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.parts(|part, _| text.push_str(part));
        text
    }

    /// Returns the sentence for the HTML body.
    pub(crate) fn html(&self) -> String {
        let mut html = String::new();
        self.parts(|part, look| {
            let (before, after) = match look {
                Look::Plain => ("", ""),
                Look::Name => ("<bdi>", "</bdi>"),
                Look::Strong => ("<strong style=\"white-space: nowrap;\">", "</strong>"),
            };
            html.push_str(before);
            // Writing to a string never fails.
            let _ = Html.write_escaped_str(&mut html, part);
            html.push_str(after);
        });
        html
    }

    /// Visits the words and the values in their order. A value is never read for braces.
    fn parts(&self, mut visit: impl FnMut(&str, Look)) {
        let mut rest = self.text;
        while let Some((before, (name, after))) = rest
            .split_once('{')
            .and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            visit(before, Look::Plain);
            match self.values.iter().find(|value| value.name == name) {
                Some(value) => visit(&value.text, value.look),
                None => visit(name, Look::Plain),
            }
            rest = after;
        }
        visit(rest, Look::Plain);
    }
}

/// Joins sentences of the plain body.
pub(crate) fn joined(sentences: &[Sentence]) -> String {
    let texts: Vec<String> = sentences.iter().map(Sentence::text).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_the_same_values() {
        let values = |text: &str| {
            let mut names: Vec<String> = text
                .split('{')
                .skip(1)
                .map(|rest| rest.split_once('}').unwrap().0.to_owned())
                .collect();
            names.sort();
            names
        };
        let (english, german) = (en::CATALOG.texts(), de::CATALOG.texts());
        for ((name, english), (_, german)) in english.iter().zip(&german) {
            assert_eq!(values(english), values(german), "{name}");
            assert!(!german.is_empty(), "{name}");
            let same = ["an_organization"].contains(name) || english != german;
            // One word, or a pattern without any, may be the same in both.
            assert!(
                same || !english.contains(' ') || english.starts_with('{'),
                "{name}"
            );
        }
    }

    #[test]
    fn value_is_escaped_and_never_filled() {
        let sentence = fill("Hi {name} & {other}{strong}.")
            .name("name", "<b>{other}</b>")
            .plain("other", "you")
            .strong("strong", "'!'");
        assert_eq!(sentence.text(), "Hi <b>{other}</b> & you'!'.");
        let html = sentence.html();
        assert!(!html.contains("<b>"), "{html}");
        assert!(
            html.contains("<bdi>&#60;b&#62;{other}&#60;/b&#62;</bdi>"),
            "{html}"
        );
    }

    #[test]
    fn day_is_written_as_in_the_language() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();
        assert_eq!(en::CATALOG.day(day), "8 March 2026");
        assert_eq!(de::CATALOG.day(day), "8. März 2026");
    }
}
