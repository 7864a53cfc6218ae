//! Billing mails: what is used of a period's credits, and news of invoices.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    Message, RenderError,
    names::{BODY_NAME, SUBJECT_NAME, one_line, quoted},
};

/// What a billing email says.
#[derive(Debug, Clone, Copy)]
pub struct BillingEmail<'a> {
    /// The organization whose billing it is, as its owners typed it.
    pub organization_name: &'a str,
    /// What it is about.
    pub about: About<'a>,
    /// The page where usage and plan are shown.
    pub page: &'a str,
}

/// What a billing email is about.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// So many percent of the period's credits are used, or a little more.
    Credits {
        /// 80 or 100.
        percent: u8,
        /// How many are used.
        used: u64,
        /// How many there are in the period.
        allowed: u64,
        /// The plan's name.
        plan: &'a str,
        /// When the next period begins.
        renews_at: DateTime<Utc>,
    },
    /// An invoice was issued.
    InvoiceIssued(InvoiceFacts<'a>),
    /// The payment of an invoice has failed.
    PaymentFailed(InvoiceFacts<'a>),
    /// An invoice is paid.
    PaymentSucceeded(InvoiceFacts<'a>),
}

/// What an email tells of an invoice.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceFacts<'a> {
    /// Its number.
    pub number: &'a str,
    /// What is to be paid, or was, such as `49.00 USD`.
    pub amount: &'a str,
    /// Until when it is to be paid.
    pub due_date: Option<NaiveDate>,
    /// Where it is shown: an https address.
    pub url: Option<&'a str>,
}

impl BillingEmail<'_> {
    /// Writes the email.
    ///
    /// # Errors
    /// [`RenderError::Template`].
    pub fn render(&self) -> Result<Message, RenderError> {
        let (short, full) = (
            self.organization(SUBJECT_NAME),
            self.organization(BODY_NAME),
        );
        let subject = self.heading(&short);
        let words = Words {
            heading: &self.heading(&full),
            organization: &full,
            sentences: &self.sentences().join(" "),
            facts: &self.facts(),
            bar: self.bar(),
            button: self.button(),
        };
        let (text, html) = (Text { words: &words }, Html { words: &words });
        Message::write(&subject, &text, &html)
    }

    fn organization(&self, limit: usize) -> String {
        quoted(self.organization_name, limit).unwrap_or_else(|| "your organization".to_owned())
    }

    /// The subject, and with more room for the name the first line.
    fn heading(&self, organization: &str) -> String {
        match self.about {
            About::Credits { percent: 100, .. } => {
                format!("All image credits of {organization} are used")
            }
            About::Credits { percent, .. } => {
                format!("{percent}% of the image credits of {organization} are used")
            }
            About::InvoiceIssued(invoice) => {
                format!("Invoice {} for {organization}", invoice.number())
            }
            About::PaymentFailed(invoice) => format!(
                "Payment failed: invoice {} for {organization}",
                invoice.number()
            ),
            About::PaymentSucceeded(invoice) => format!(
                "Payment received: invoice {} for {organization}",
                invoice.number()
            ),
        }
    }

    fn sentences(&self) -> Vec<String> {
        match self.about {
            About::Credits {
                percent,
                used,
                allowed,
                plan,
                renews_at,
            } => {
                let plan = one_line(plan);
                let renews = renews_at.format("%-d %B %Y");
                if percent >= 100 {
                    vec![
                        format!(
                            "You've used {used} of your {allowed} image credits (plan {plan})."
                        ),
                        format!(
                            "More images are refused until the next period begins on {renews}."
                        ),
                        "A bigger plan gives more credits at once.".to_owned(),
                    ]
                } else {
                    vec![
                        format!(
                            "You've used {used} of your {allowed} image credits (plan {plan})."
                        ),
                        format!("The next period begins on {renews}, with all credits."),
                        "Should they be used up before, more images are refused until then; \
                         a bigger plan gives more at once."
                            .to_owned(),
                    ]
                }
            }
            About::InvoiceIssued(_) => vec!["There is a new invoice.".to_owned()],
            About::PaymentFailed(_) => vec![
                "The payment did not go through.".to_owned(),
                "Please see to it that the invoice can be paid, with another means of payment \
                 if need be."
                    .to_owned(),
            ],
            About::PaymentSucceeded(_) => vec!["Thank you: this invoice is paid.".to_owned()],
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let (About::InvoiceIssued(invoice)
        | About::PaymentFailed(invoice)
        | About::PaymentSucceeded(invoice)) = self.about
        else {
            return Vec::new();
        };
        let mut facts = vec![
            ("Invoice", invoice.number()),
            ("Amount", one_line(invoice.amount)),
        ];
        let is_paid = matches!(self.about, About::PaymentSucceeded(_));
        let due = invoice.due_date.filter(|_| !is_paid);
        facts.extend(due.map(|due| ("Due", due.format("%-d %B %Y").to_string())));
        facts
    }

    /// How much of a bar is full, in percent.
    fn bar(&self) -> Option<u64> {
        match self.about {
            About::Credits { used, allowed, .. } => {
                Some((used * 100).checked_div(allowed).unwrap_or(100).min(100))
            }
            _ => None,
        }
    }

    /// What the button says, and where it leads.
    fn button(&self) -> Option<(&'static str, &str)> {
        match self.about {
            About::Credits { .. } => Some(("See usage and plans", self.page)),
            About::InvoiceIssued(invoice)
            | About::PaymentFailed(invoice)
            | About::PaymentSucceeded(invoice) => invoice.url.map(|url| ("See the invoice", url)),
        }
    }
}

impl InvoiceFacts<'_> {
    fn number(&self) -> String {
        one_line(self.number)
    }
}

/// All that both bodies say.
struct Words<'a> {
    heading: &'a str,
    organization: &'a str,
    sentences: &'a str,
    facts: &'a [(&'static str, String)],
    bar: Option<u64>,
    button: Option<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "billing.txt")]
struct Text<'a> {
    words: &'a Words<'a>,
}

#[derive(Template)]
#[template(path = "billing.html")]
struct Html<'a> {
    words: &'a Words<'a>,
}

#[cfg(test)]
mod tests;
