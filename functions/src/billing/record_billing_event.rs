//! What the payment provider tells: the event bus calls it.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Amount, Currency, Invoice, InvoiceNews, InvoiceNumber, InvoiceUrl, Organization, OrganizationId,
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};
use store::{Commit, Key, PaymentEvent, Transaction};

use crate::{App, Operation, attempts::Attempts, failure::Failure, input};

/// Records what has happened to an invoice, and emails it to everybody who
/// receives billing emails: once for each event.
pub static OPERATION: Operation = Operation::event("record-billing-event", |app, event| {
    Box::pin(async move { handle(&app, event).await })
});

/// An event, as EventBridge hands it over.
#[derive(Debug, Deserialize)]
struct BusEvent {
    id: EventBusId,
    #[serde(rename = "detail-type", deserialize_with = "news")]
    news: InvoiceNews,
    detail: Detail,
}

/// What it tells. Other fields are none of our business.
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

/// The id by which an event that comes twice is known.
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

fn news<'de, D: Deserializer<'de>>(deserializer: D) -> Result<InvoiceNews, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut all = InvoiceNews::ALL.into_iter();
    all.find(|news| json!(news.kind()) == text.as_str())
        .ok_or_else(|| D::Error::custom("is not told of invoices"))
}

/// A day, a time, or seconds since 1970: payment providers differ.
fn due_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let wrong =
        || D::Error::custom("must be a day such as `2026-03-01`, a time, or seconds since 1970");
    let at = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::Number(seconds) => {
            let seconds = seconds.as_i64().ok_or_else(wrong)?;
            DateTime::from_timestamp(seconds, 0).ok_or_else(wrong)?
        }
        Value::String(text) => {
            if let Ok(day) = text.parse::<NaiveDate>() {
                return Ok(Some(day));
            }
            text.parse::<DateTime<Utc>>().map_err(|_| wrong())?
        }
        _ => return Err(wrong()),
    };
    Ok(Some(at.date_naive()))
}

async fn handle(app: &App, event: Value) -> Result<Value, Failure> {
    let BusEvent {
        id: EventBusId(id),
        news,
        detail,
    } = input::event(event)?;
    let organization_id = detail.organization_id;
    let invoice = Invoice {
        number: detail.invoice_number,
        amount: Amount {
            minor_units: detail.amount,
            currency: detail.currency,
        },
        due_date: detail.due_date,
        url: detail.hosted_invoice_url,
    };

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (organization, taken) = (Key::organization(organization_id), Key::payment_event(&id));
        let keys = [organization.clone(), taken.clone()];
        let mut found = app.store.get_all(&keys).await?;
        let taken: Option<PaymentEvent> = found.take(&taken)?;
        if taken.is_some() {
            return Ok(json!({ "recorded": false }));
        }
        let organization: Option<Organization> = found.take(&organization)?;
        if organization.is_none() {
            return Err(Failure::field(
                "detail.organization_id",
                "is of no organization",
            ));
        }

        let payment_event = PaymentEvent {
            id: id.clone(),
            organization_id,
            at: now,
        };
        let transaction = Transaction::new().remember_payment_event(&payment_event);
        let event = invoice.clone().event(news);
        let transaction = app.record(transaction, organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(json!({ "recorded": true })),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
