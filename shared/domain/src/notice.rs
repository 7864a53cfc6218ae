//! The subjects of billing emails: usage thresholds, and the payment provider's
//! events about invoices.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Change, Event, EventKind, Subject, SubjectKind, UserId,
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
    /// The creator's place was handed over. Both people get the email, and no others.
    HandOver {
        /// The former creator.
        from: UserId,
        /// The new creator.
        to: UserId,
    },
    /// The organization was deleted.
    Deletion {
        /// The time until which it can be restored.
        purge_at: DateTime<Utc>,
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
    /// Returns the audit event of an event about the invoice, with its email. An invoice of
    /// nothing, such as of a trial, is recorded only, unless its payment failed.
    pub fn event(self, event: InvoiceEvent) -> Event {
        let number = self.number.to_string();
        let mut changes = vec![Change::added("amount", &self.amount)];
        changes.extend(self.due_date.map(|due| Change::added("due_date", due)));
        let subject = Subject {
            kind: SubjectKind::Billing,
            id: number.clone(),
            name: Some(number),
        };
        let recorded = Event::new(event.kind(), Actor::System, subject, changes);
        if self.amount.minor_units == 0 && event != InvoiceEvent::PaymentFailed {
            return recorded;
        }
        recorded.with_notice(Notice::Invoice {
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
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }

    /// Returns the number of decimal places in Stripe's amounts. It differs from
    /// ISO 4217's in few currencies: <https://docs.stripe.com/currencies>.
    fn digits_at_stripe(&self) -> usize {
        match self.0.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF"
            | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
            // Of ISK and UGX, Stripe counts hundredths, which do not exist.
            _ => 2,
        }
    }
}

/// The unit in which a payment provider counts an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountUnit {
    /// The currency's smallest unit by ISO 4217.
    #[default]
    Iso,
    /// Stripe's unit for the currency.
    Stripe,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The amount in the currency's smallest unit, such as cents or yen.
    pub minor_units: u64,
    /// The currency.
    pub currency: Currency,
}

impl Amount {
    /// Converts a provider's amount. Parts of the currency's smallest unit are rounded.
    pub fn of(amount: u64, unit: AmountUnit, currency: Currency) -> Self {
        let digits = currency.digits();
        let given = match unit {
            AmountUnit::Iso => digits,
            AmountUnit::Stripe => currency.digits_at_stripe(),
        };
        let power = |digits: usize| 10_u64.pow(u32::try_from(digits).unwrap_or_default());
        let divisor = power(given.saturating_sub(digits));
        let rounded = amount.saturating_add(divisor / 2) / divisor;
        Self {
            minor_units: rounded.saturating_mul(power(digits.saturating_sub(given))),
            currency,
        }
    }
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
    fn stripe_amount_is_read_in_stripes_unit() {
        for (amount, currency, shown) in [
            (4900, "usd", "49.00 USD"),
            (4900, "eur", "49.00 EUR"),
            // No decimal places.
            (4900, "bif", "4900 BIF"),
            (4900, "clp", "4900 CLP"),
            (4900, "djf", "4900 DJF"),
            (4900, "gnf", "4900 GNF"),
            (4900, "jpy", "4900 JPY"),
            (4900, "kmf", "4900 KMF"),
            (4900, "krw", "4900 KRW"),
            (4900, "pyg", "4900 PYG"),
            (4900, "rwf", "4900 RWF"),
            (4900, "vnd", "4900 VND"),
            (4900, "vuv", "4900 VUV"),
            (4900, "xaf", "4900 XAF"),
            (4900, "xof", "4900 XOF"),
            (4900, "xpf", "4900 XPF"),
            // None at Stripe, two by ISO 4217.
            (4900, "mga", "4900.00 MGA"),
            // Two at Stripe, none by ISO 4217.
            (490_000, "isk", "4900 ISK"),
            (490_000, "ugx", "4900 UGX"),
            (490_050, "isk", "4901 ISK"),
            // Two for charges, although payouts have none.
            (490_000, "huf", "4900.00 HUF"),
            (490_000, "twd", "4900.00 TWD"),
            // Three decimal places.
            (4900, "bhd", "4.900 BHD"),
            (4900, "jod", "4.900 JOD"),
            (4900, "kwd", "4.900 KWD"),
            (4900, "omr", "4.900 OMR"),
            (4900, "tnd", "4.900 TND"),
        ] {
            let currency = Currency::try_from(currency.to_owned()).unwrap();
            let read = Amount::of(amount, AmountUnit::Stripe, currency);
            assert_eq!(read.to_string(), shown);
        }
    }

    #[test]
    fn iso_amount_is_kept_as_it_is() {
        for currency in ["usd", "isk", "ugx", "mga", "kwd", "jpy"] {
            let currency = Currency::try_from(currency.to_owned()).unwrap();
            for amount in [0, 1, 490_000, u64::MAX] {
                let read = Amount::of(amount, AmountUnit::Iso, currency.clone());
                assert_eq!(read.minor_units, amount, "{}", read.currency.0);
            }
        }
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
    fn invoice_of_nothing_is_recorded_without_an_email() {
        let invoice = |minor_units| Invoice {
            number: InvoiceNumber::try_from("INV-1".to_owned()).unwrap(),
            amount: Amount {
                minor_units,
                currency: Currency::try_from("usd".to_owned()).unwrap(),
            },
            due_date: None,
            url: None,
        };
        for (event, emailed) in [
            (InvoiceEvent::Issued, false),
            (InvoiceEvent::PaymentSucceeded, false),
            (InvoiceEvent::PaymentFailed, true),
        ] {
            let recorded = invoice(0).event(event);
            assert_eq!(recorded.kind, event.kind());
            assert_eq!(recorded.email.is_some(), emailed, "{event:?}");
            assert!(invoice(1).event(event).email.is_some(), "{event:?}");
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
