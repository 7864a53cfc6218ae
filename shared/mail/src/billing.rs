//! Billing emails: usage thresholds, and events about invoices.

use askama::Template;
use brand::Brand;
use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    Message, RenderError,
    look::Look,
    names::{BODY_NAME, SUBJECT_NAME, one_line, quoted},
};

/// The content of a billing email.
#[derive(Debug, Clone, Copy)]
pub struct BillingEmail<'a> {
    /// The organization's name, as typed by its owners.
    pub organization_name: &'a str,
    /// The topic of the email.
    pub about: About<'a>,
    /// The URL of the page with usage and plan.
    pub page: &'a str,
}

/// The topic of a billing email.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// The period's credits are used up to a threshold, or a little more.
    Credits {
        /// 80 or 100.
        percent: u8,
        /// The credits used so far.
        used: u64,
        /// The period's credits.
        allowed: u64,
        /// The plan's name.
        plan: &'a str,
        /// The start of the next period.
        renews_at: DateTime<Utc>,
    },
    /// The creator's place was handed over.
    HandOver,
    /// The organization was deleted.
    Deletion {
        /// The time until which it can be restored.
        restorable_until: DateTime<Utc>,
    },
    /// An invoice was issued.
    InvoiceIssued(InvoiceFacts<'a>),
    /// The payment of an invoice failed.
    PaymentFailed(InvoiceFacts<'a>),
    /// An invoice was paid.
    PaymentSucceeded(InvoiceFacts<'a>),
}

/// The facts of an invoice that an email shows.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceFacts<'a> {
    /// The number, for people.
    pub number: &'a str,
    /// The amount due or paid, such as `49.00 USD`.
    pub amount: &'a str,
    /// The due date.
    pub due_date: Option<NaiveDate>,
    /// The https URL of the invoice's page.
    pub url: Option<&'a str>,
}

impl BillingEmail<'_> {
    /// Renders the email.
    ///
    /// # Errors
    /// [`RenderError::Template`].
    pub fn render(&self, brand: &Brand) -> Result<Message, RenderError> {
        let look = &Look::of(brand);
        let (short, full) = (
            self.organization(SUBJECT_NAME),
            self.organization(BODY_NAME),
        );
        let subject = self.heading(&short);
        let words = Words {
            look,
            heading: &self.heading(&full),
            organization: &full,
            sentences: &self.sentences().join(" "),
            facts: &self.facts(),
            bar: self.bar(),
            button: self.button(),
            note: look.note("Or paste this link into your browser:"),
            is_of_owners: matches!(self.about, About::HandOver | About::Deletion { .. }),
        };
        let (text, html) = (Text { words: &words }, Html { words: &words });
        Message::render(&subject, &text, &html)
    }

    fn organization(&self, limit: usize) -> String {
        quoted(self.organization_name, limit).unwrap_or_else(|| "your organization".to_owned())
    }

    /// Returns the subject line; the heading is the same, with more room for the name.
    fn heading(&self, organization: &str) -> String {
        match self.about {
            About::Credits { percent: 100, .. } => {
                format!("{organization} is out of image credits")
            }
            About::Credits { percent, .. } => {
                format!("{organization} has used {percent}% of its image credits")
            }
            About::HandOver => format!("{organization} has a new creator"),
            About::Deletion { .. } => format!("{organization} was deleted"),
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
                            "You’ve used {used} of {allowed} image credits on the {plan} plan."
                        ),
                        format!("Image rendering is paused until {renews}."),
                        "A larger plan resumes it right away.".to_owned(),
                    ]
                } else {
                    vec![
                        format!(
                            "You’ve used {used} of {allowed} image credits on the {plan} plan."
                        ),
                        format!("Credits reset on {renews}."),
                        "If you run out before then, image rendering pauses; a larger plan gives you more \
                         right away."
                            .to_owned(),
                    ]
                }
            }
            About::HandOver => vec![
                "The organization was handed over to a new creator.".to_owned(),
                "The creator is always an owner, gets billing emails, and can’t leave. \
                 The former creator stays an owner."
                    .to_owned(),
            ],
            About::Deletion { restorable_until } => vec![
                "The organization was deleted, and its API keys no longer work.".to_owned(),
                format!(
                    "An owner can restore it until {}. Then everything in it is removed forever.",
                    restorable_until.format("%-d %B %Y, %H:%M UTC")
                ),
            ],
            About::InvoiceIssued(_) => vec!["Your invoice is ready.".to_owned()],
            About::PaymentFailed(_) => vec![
                "Your payment didn’t go through.".to_owned(),
                "Update your payment method to avoid an interruption.".to_owned(),
            ],
            About::PaymentSucceeded(_) => vec!["Thanks, we’ve received your payment.".to_owned()],
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

    /// Returns the filled part of the bar, in percent.
    fn bar(&self) -> Option<u64> {
        match self.about {
            About::Credits { used, allowed, .. } => {
                Some((used * 100).checked_div(allowed).unwrap_or(100).min(100))
            }
            _ => None,
        }
    }

    /// Returns the button's label and URL.
    fn button(&self) -> Option<(&'static str, &str)> {
        match self.about {
            About::Credits { .. } => Some(("View usage", self.page)),
            About::HandOver => Some(("See the members", self.page)),
            About::Deletion { .. } => None,
            About::InvoiceIssued(invoice)
            | About::PaymentFailed(invoice)
            | About::PaymentSucceeded(invoice) => invoice.url.map(|url| ("View invoice", url)),
        }
    }
}

impl InvoiceFacts<'_> {
    fn number(&self) -> String {
        one_line(self.number)
    }
}

/// The content of both bodies.
struct Words<'a> {
    look: &'a Look<'a>,
    heading: &'a str,
    organization: &'a str,
    sentences: &'a str,
    facts: &'a [(&'static str, String)],
    bar: Option<u64>,
    button: Option<(&'static str, &'a str)>,
    /// The links that are ours, for a reader in doubt.
    note: &'static str,
    is_of_owners: bool,
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
