//! The details on an organization's invoices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Billing, BillingUpdate};
use crate::{
    Caller, Change, Event, EventKind,
    text::{breaks_line, is_visible, parsed_text},
};

/// The reason why a text is not a billing detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDetail {
    /// The text is empty or white space.
    #[error("must not be empty")]
    Empty,
    /// The text has too many characters; the limit is given.
    #[error("must be at most {0} characters")]
    TooLong(usize),
    /// The text has more than 10 lines.
    #[error("must be at most 10 lines")]
    TooManyLines,
    /// The text has a control character, or a line break where one line is allowed.
    #[error("must not contain {0}")]
    ControlCharacter(&'static str),
    /// The text has only characters that nobody can see.
    #[error("must have a visible character")]
    Invisible,
}

macro_rules! detail {
    ($(#[$doc:meta])* $name:ident, $max:literal, $lines:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline, extend("maxLength" = $max))]
        pub struct $name(String);

        impl $name {
            /// Parses the text as a person types it.
            ///
            /// # Errors
            /// [`InvalidDetail`], worded to fit behind the field's name.
            pub fn parse(text: &str) -> Result<Self, InvalidDetail> {
                detail(text, $max, $lines).map(Self)
            }
        }

        parsed_text!($name, InvalidDetail);
    };
}

detail! {
    /// The company name on invoices: at most 200 characters on one line.
    CompanyName, 200, false
}
detail! {
    /// A tax ID: at most 50 characters on one line.
    TaxId, 50, false
}
detail! {
    /// A postal address for invoices: at most 500 characters on at most 10 lines.
    InvoiceAddress, 500, true
}

fn detail(text: &str, max: usize, lines: bool) -> Result<String, InvalidDetail> {
    let text = text.trim().replace("\r\n", "\n");
    if text.is_empty() {
        return Err(InvalidDetail::Empty);
    }
    if text.chars().count() > max {
        return Err(InvalidDetail::TooLong(max));
    }
    if text
        .chars()
        .any(|c| breaks_line(c) && !(lines && c == '\n'))
    {
        return Err(InvalidDetail::ControlCharacter(if lines {
            "control characters"
        } else {
            "line breaks or other control characters"
        }));
    }
    if text.lines().count() > 10 {
        return Err(InvalidDetail::TooManyLines);
    }
    if !text.chars().any(is_visible) {
        return Err(InvalidDetail::Invisible);
    }
    Ok(text)
}

/// The details on an organization's invoices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingDetails {
    /// The company name.
    pub company_name: Option<CompanyName>,
    /// The tax ID.
    pub tax_id: Option<TaxId>,
    /// The postal address.
    pub invoice_address: Option<InvoiceAddress>,
}

pub(super) fn change_details(
    billing: &mut Billing,
    caller: &Caller,
    update: BillingUpdate,
) -> Option<Event> {
    let details = &mut billing.details;
    let changes: Vec<Change> = [
        replace(
            "company_name",
            &mut details.company_name,
            update.company_name,
            ToString::to_string,
        ),
        // Private details stay out of the log.
        replace("tax_id", &mut details.tax_id, update.tax_id, hidden),
        replace(
            "invoice_address",
            &mut details.invoice_address,
            update.invoice_address,
            hidden,
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!changes.is_empty()).then(|| {
        Event::new(
            EventKind::BillingDetailsUpdated,
            caller.as_actor(),
            billing.as_subject(),
            changes,
        )
    })
}

fn replace<T: PartialEq>(
    field: &str,
    value: &mut Option<T>,
    input: Option<Option<T>>,
    shown: impl Fn(&T) -> String,
) -> Option<Change> {
    let input = input.filter(|input| input != value)?;
    let before = std::mem::replace(value, input);
    Some(Change {
        field: field.to_owned(),
        from: before.as_ref().map(&shown),
        to: value.as_ref().map(&shown),
    })
}

fn hidden<T>(_: &T) -> String {
    "(not shown)".to_owned()
}
