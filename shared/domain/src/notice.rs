//! The subjects of billing emails: usage thresholds, and the payment provider's
//! events about invoices.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Change, Event, EventKind, Subject, SubjectKind,
    text::{breaks_line, is_visible},
};

/// The content of a billing email.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Notice {
    /// A usage threshold is reached.
    Credits {
        /// 80 or 100.
        percent: u8,
        /// The credits used so far.
        used: u64,
        /// The period's credits.
        allowed: u64,
        /// The plan's name.
        plan: String,
        /// The start of the next period.
        period_end: DateTime<Utc>,
    },
    /// An event about an invoice.
    Invoice {
        /// The event.
        event: InvoiceEvent,
        /// The invoice.
        invoice: Invoice,
    },
}

/// An event about an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceEvent {
    /// The invoice was issued.
    Issued,
    /// A payment failed.
    PaymentFailed,
    /// The invoice was paid.
    PaymentSucceeded,
}

impl InvoiceEvent {
    /// All events.
    pub const ALL: [Self; 3] = [Self::Issued, Self::PaymentFailed, Self::PaymentSucceeded];

    /// Returns the kind of the audit event, which the payment provider's events have too.
    pub fn kind(self) -> EventKind {
        match self {
            Self::Issued => EventKind::BillingInvoiceIssued,
            Self::PaymentFailed => EventKind::BillingPaymentFailed,
            Self::PaymentSucceeded => EventKind::BillingPaymentSucceeded,
        }
    }
}

/// The facts of an invoice that an email shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// The number, for people.
    pub number: InvoiceNumber,
    /// The amount due or paid.
    pub amount: Amount,
    /// The due date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<NaiveDate>,
    /// The invoice's page at the payment provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<InvoiceUrl>,
}

impl Invoice {
    /// Returns the audit event of an event about the invoice, with its email.
    pub fn event(self, event: InvoiceEvent) -> Event {
        let number = self.number.to_string();
        let mut changes = vec![Change::added("amount", &self.amount)];
        changes.extend(self.due_date.map(|due| Change::added("due_date", due)));
        let subject = Subject {
            kind: SubjectKind::Billing,
            id: number.clone(),
            name: number,
        };
        Event::new(event.kind(), Actor::System, subject, changes).with_notice(Notice::Invoice {
            event,
            invoice: self,
        })
    }
}

/// The reason why a value cannot be a part of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInvoice {
    /// The number is invalid.
    #[error("must be 1 to 100 characters on one line")]
    Number,
    /// The currency is invalid.
    #[error("must be a three-letter currency code")]
    Currency,
    /// The URL is invalid.
    #[error("must be an https URL of at most 2000 characters")]
    Url,
}

/// An invoice's number: 1 to 100 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InvoiceNumber(String);

impl TryFrom<String> for InvoiceNumber {
    type Error = InvalidInvoice;

    fn try_from(text: String) -> Result<Self, InvalidInvoice> {
        let number = text.trim();
        let fits = (1..=100).contains(&number.chars().count());
        if fits && !number.chars().any(breaks_line) && number.chars().any(is_visible) {
            Ok(Self(number.to_owned()))
        } else {
            Err(InvalidInvoice::Number)
        }
    }
}

impl From<InvoiceNumber> for String {
    fn from(number: InvoiceNumber) -> Self {
        number.0
    }
}

impl InvoiceNumber {
    /// Returns the number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InvoiceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URL of an invoice's page at the payment provider: https, at most 2000 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InvoiceUrl(String);

impl TryFrom<String> for InvoiceUrl {
    type Error = InvalidInvoice;

    fn try_from(text: String) -> Result<Self, InvalidInvoice> {
        let host = text
            .strip_prefix("https://")
            .and_then(|rest| rest.split(['/', '?', '#']).next())
            .unwrap_or_default();
        // No user name: what stands before an `@` may pass for the host.
        let host_is_plain = host.contains('.')
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let harmless = !text.contains(['"', '<', '>', '\\', '`']);
        if host_is_plain && printable && harmless && text.len() <= 2000 {
            Ok(Self(text))
        } else {
            Err(InvalidInvoice::Url)
        }
    }
}

impl From<InvoiceUrl> for String {
    fn from(url: InvoiceUrl) -> Self {
        url.0
    }
}

impl InvoiceUrl {
    /// Returns the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A currency's code (ISO 4217), in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

impl TryFrom<String> for Currency {
    type Error = InvalidInvoice;

    fn try_from(text: String) -> Result<Self, InvalidInvoice> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(InvalidInvoice::Currency)
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

impl Currency {
    /// Returns the number of decimal places of the smallest unit.
    fn digits(&self) -> usize {
        match self.0.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The amount in the currency's smallest unit, such as cents or yen.
    pub minor_units: u64,
    /// The currency.
    pub currency: Currency,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.digits();
        let unit = 10_u64.pow(u32::try_from(digits).unwrap_or_default());
        let (whole, part) = (self.minor_units / unit, self.minor_units % unit);
        if digits == 0 {
            write!(f, "{whole} {}", self.currency.0)
        } else {
            write!(f, "{whole}.{part:0digits$} {}", self.currency.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor_units: u64, currency: &str) -> String {
        let currency = Currency::try_from(currency.to_owned()).unwrap();
        Amount {
            minor_units,
            currency,
        }
        .to_string()
    }

    #[test]
    fn amount_shows_the_decimal_places_of_its_currency() {
        assert_eq!(amount(4900, "usd"), "49.00 USD");
        assert_eq!(amount(5, "EUR"), "0.05 EUR");
        assert_eq!(amount(4900, "jpy"), "4900 JPY");
        assert_eq!(amount(4900, "KWD"), "4.900 KWD");
        for wrong in ["", "US", "USDT", "€€€", "U$D"] {
            assert!(Currency::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn invoice_url_other_than_https_is_refused() {
        for right in [
            "https://invoice.stripe.com/i/acct_1/live_YWNj?s=il",
            "https://pay.example.com:8443",
        ] {
            assert!(InvoiceUrl::try_from(right.to_owned()).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "http://pay.example.com",
            "javascript:alert(1)",
            "https://",
            "https://localhost/x",
            "https://bank.example@evil.example/",
            "https://pay.example.com/\"><b>",
            "https://pay.example.com/a b",
            "HTTPS://pay.example.com\n",
            "https://bücher.example/",
        ] {
            assert!(InvoiceUrl::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn invoice_number_outside_one_line_is_refused() {
        let number = |text: &str| InvoiceNumber::try_from(text.to_owned());
        assert_eq!(number(" INV-0042 ").unwrap().to_string(), "INV-0042");
        for wrong in ["", "  ", "a\nb", "\u{200B}", &"9".repeat(101)] {
            assert!(number(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn invoice_number_with_a_line_separator_is_refused() {
        for end in ["\u{85}", "\u{2028}", "\u{2029}"] {
            let number = InvoiceNumber::try_from(format!("INV{end}0042"));
            assert_eq!(number, Err(InvalidInvoice::Number), "{end:?}");
        }
    }
}
