//! Events of the payment provider, delivered by the event bus.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use domain::{Amount, Currency, Invoice, InvoiceEvent, InvoiceNumber, InvoiceUrl, OrganizationId};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};
use store::{Key, PaymentEvent, Transaction};

use crate::{App, Operation, error::Error, input, mutate::Decision};

/// Records an event about an invoice once, and emails it to the members that receive
/// billing emails.
pub static OPERATION: Operation = Operation::event("record-billing-event", |app, event| {
    Box::pin(async move { handle(&app, event).await })
});

/// An event as EventBridge delivers it.
#[derive(Debug, Deserialize)]
pub(crate) struct BusEvent {
    id: EventBusId,
    #[serde(rename = "detail-type", deserialize_with = "news")]
    news: InvoiceEvent,
    detail: Detail,
}

/// The event's detail. Other fields are ignored.
#[derive(Debug, Deserialize)]
struct Detail {
    organization_id: OrganizationId,
    invoice_number: InvoiceNumber,
    /// In the currency's smallest unit.
    amount: u64,
    currency: Currency,
    #[serde(default, deserialize_with = "due_date")]
    due_date: Option<NaiveDate>,
    #[serde(default)]
    hosted_invoice_url: Option<InvoiceUrl>,
}

impl Detail {
    fn into_invoice(self) -> Invoice {
        Invoice {
            number: self.invoice_number,
            amount: Amount {
                minor_units: self.amount,
                currency: self.currency,
            },
            due_date: self.due_date,
            url: self.hosted_invoice_url,
        }
    }
}

impl BusEvent {
    /// Returns the event to record.
    #[cfg(test)]
    pub(crate) fn into_event(self) -> domain::Event {
        self.detail.into_invoice().event(self.news)
    }
}

/// The id that identifies a repeated event.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct EventBusId(String);

impl TryFrom<String> for EventBusId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let usable = (1..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
        usable
            .then_some(Self(text))
            .ok_or("must be 1 to 128 printable ASCII characters without spaces")
    }
}

fn news<'de, D: Deserializer<'de>>(deserializer: D) -> Result<InvoiceEvent, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut all = InvoiceEvent::ALL.into_iter();
    all.find(|news| json!(news.kind()) == text.as_str())
        .ok_or_else(|| de::Error::custom("is not an event about invoices"))
}

/// Reads a date, a time, or seconds since 1970: payment providers use different formats.
fn due_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let wrong =
        || de::Error::custom("must be a day such as `2026-03-01`, a time, or seconds since 1970");
    let at = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::Number(seconds) => {
            let seconds = seconds.as_i64().ok_or_else(wrong)?;
            DateTime::from_timestamp(seconds, 0).ok_or_else(wrong)?
        }
        Value::String(text) => match text.parse::<NaiveDate>() {
            Ok(day) => return in_four_digits(day).map(Some).ok_or_else(wrong),
            Err(_) => text.parse::<DateTime<Utc>>().map_err(|_| wrong())?,
        },
        _ => return Err(wrong()),
    };
    in_four_digits(at.date_naive()).map(Some).ok_or_else(wrong)
}

/// Returns the day, unless its year has another form than `2026`: milliseconds read as
/// seconds lead there.
fn in_four_digits(day: NaiveDate) -> Option<NaiveDate> {
    (0..=9999).contains(&day.year()).then_some(day)
}

async fn handle(app: &App, event: Value) -> Result<Value, Error> {
    let BusEvent {
        id: EventBusId(id),
        news,
        detail,
    } = input::event(event)?;
    let id = &id;
    let organization_id = detail.organization_id;
    let invoice = &detail.into_invoice();

    app.mutate(move |now| async move {
        let keys = (Key::organization(organization_id), Key::payment_event(id));
        let (organization, taken) = app.store.read(keys).await?;
        if taken.is_some() {
            return Ok(Decision::Unchanged(json!({ "recorded": false })));
        }
        if organization.is_none() {
            let field = "detail.organization_id";
            return Err(Error::field(field, "is an unknown organization"));
        }
        let payment_event = PaymentEvent {
            id: id.clone(),
            organization_id,
            at: now,
        };
        let event = invoice.clone().event(news);
        let transaction = Transaction::in_organization(organization_id, now, [event])
            .remember_payment_event(&payment_event);
        Ok(Decision::Commit(transaction, json!({ "recorded": true })))
    })
    .await
}
