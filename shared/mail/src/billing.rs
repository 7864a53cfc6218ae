//! Billing emails: usage thresholds, and events about invoices.

use askama::Template;
use brand::Brand;
use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    Message, RenderError,
    look::Look,
    names::{BODY_NAME, SUBJECT_NAME, one_line, quoted},
    words::{Catalog, Sentence, fill, joined},
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
        let catalog = look.catalog;
        let organization = self.organization(BODY_NAME, catalog);
        let subject = self.heading(&self.organization(SUBJECT_NAME, catalog), catalog);
        let why = match self.about {
            About::HandOver | About::Deletion { .. } => catalog.why_owner,
            _ => catalog.why_billing,
        };
        let words = Words {
            look,
            heading: &self.heading(&organization, catalog),
            sentences: &self.sentences(catalog),
            facts: &self.facts(catalog),
            bar: self.bar(),
            button: self.button(catalog),
            why: fill(why).name("organization", &organization),
        };
        let (text, html) = (Text { words: &words }, Html { words: &words });
        Message::render(&subject, &text, &html)
    }

    fn organization(&self, limit: usize, catalog: &Catalog) -> String {
        quoted(self.organization_name, limit, catalog)
            .unwrap_or_else(|| catalog.your_organization.to_owned())
    }

    /// Returns the subject line; the heading is the same, with more room for the name.
    fn heading(&self, organization: &str, catalog: &Catalog) -> String {
        let number = self.invoice().map(|invoice| invoice.number());
        let share = match self.about {
            About::Credits { percent, .. } => percent.to_string(),
            _ => String::new(),
        };
        fill(match self.about {
            About::Credits { percent: 100, .. } => catalog.credits_out_subject,
            About::Credits { .. } => catalog.credits_subject,
            About::HandOver => catalog.hand_over_subject,
            About::Deletion { .. } => catalog.deleted_subject,
            About::InvoiceIssued(_) => catalog.invoice_subject,
            About::PaymentFailed(_) => catalog.failed_subject,
            About::PaymentSucceeded(_) => catalog.paid_subject,
        })
        .plain("organization", organization)
        .plain("number", number.as_deref().unwrap_or_default())
        .plain("percent", &share)
        .text()
    }

    fn sentences(&self, catalog: &Catalog) -> String {
        match self.about {
            About::Credits {
                percent,
                used,
                allowed,
                plan,
                renews_at,
            } => {
                let (used, allowed) = (used.to_string(), allowed.to_string());
                let (plan, day) = (one_line(plan), catalog.day(renews_at.date_naive()));
                let use_of_plan = fill(catalog.credits_used)
                    .plain("used", &used)
                    .plain("allowed", &allowed)
                    .plain("plan", &plan);
                let (until, then) = if percent >= 100 {
                    (catalog.rendering_paused, catalog.larger_plan)
                } else {
                    (catalog.credits_reset, catalog.credits_run_out)
                };
                joined(&[use_of_plan, fill(until).plain("day", &day), fill(then)])
            }
            About::HandOver => joined(&[fill(catalog.handed_over), fill(catalog.creator_is)]),
            About::Deletion { restorable_until } => {
                let until = catalog.moment(restorable_until);
                let restorable = fill(catalog.restorable).plain("until", &until);
                joined(&[fill(catalog.deleted), restorable])
            }
            About::InvoiceIssued(_) => catalog.invoice_ready.to_owned(),
            About::PaymentFailed(_) => {
                joined(&[fill(catalog.payment_failed), fill(catalog.update_payment)])
            }
            About::PaymentSucceeded(_) => catalog.paid.to_owned(),
        }
    }

    fn invoice(&self) -> Option<&InvoiceFacts<'_>> {
        match &self.about {
            About::InvoiceIssued(invoice)
            | About::PaymentFailed(invoice)
            | About::PaymentSucceeded(invoice) => Some(invoice),
            About::Credits { .. } | About::HandOver | About::Deletion { .. } => None,
        }
    }

    fn facts(&self, catalog: &Catalog) -> Vec<(&'static str, String)> {
        let Some(invoice) = self.invoice() else {
            return Vec::new();
        };
        let mut facts = vec![
            (catalog.invoice, invoice.number()),
            (catalog.amount, one_line(invoice.amount)),
        ];
        let is_paid = matches!(self.about, About::PaymentSucceeded(_));
        let due = invoice.due_date.filter(|_| !is_paid);
        facts.extend(due.map(|due| (catalog.due, catalog.day(due))));
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
    fn button(&self, catalog: &Catalog) -> Option<(&'static str, &str)> {
        match self.about {
            About::Credits { .. } => Some((catalog.view_usage, self.page)),
            About::HandOver => Some((catalog.see_members, self.page)),
            _ => self
                .invoice()
                .and_then(|invoice| Some((catalog.view_invoice, invoice.url?))),
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
    sentences: &'a str,
    facts: &'a [(&'static str, String)],
    bar: Option<u64>,
    button: Option<(&'static str, &'a str)>,
    /// The reason why the recipient gets it.
    why: Sentence,
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
