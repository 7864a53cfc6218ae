//! Events of the payment provider, delivered by the event bus.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use domain::{
    Amount, AmountUnit, Currency, EventKind, Invoice, InvoiceEvent, InvoiceNumber, InvoiceUrl,
    OrganizationId, PlanId, When, set_plan,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};
use serde_json::{Value, json};
use store::{Key, PaymentEvent, Transaction};

use crate::{App, Operation, error::Error, input, ledger, mutate::Decision};

/// Takes each event once: records one about an invoice, and emails it to the members
/// that receive billing emails; sets the plan by one about a plan.
pub static OPERATION: Operation = Operation::event("record-billing-event", |app, event| {
    Box::pin(async move { handle(&app, event).await })
})
.needs(&["PLANS"]);

/// An event as EventBridge delivers it.
#[derive(Debug, Deserialize)]
pub(crate) struct BusEvent<K, D> {
    id: EventBusId,
    #[serde(rename = "detail-type")]
    kind: K,
    detail: D,
}

/// The kinds of events that the operation takes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Kind {
    PlanChanged,
    Invoice(InvoiceEvent),
}

impl TryFrom<String> for Kind {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if json!(EventKind::BillingPlanChanged) == text.as_str() {
            return Ok(Self::PlanChanged);
        }
        let mut all = InvoiceEvent::ALL.into_iter();
        all.find(|event| json!(event.kind()) == text.as_str())
            .map(Self::Invoice)
            .ok_or("is not an event about invoices or plans")
    }
}

/// The detail of an event about a plan. Other fields are ignored.
#[derive(Debug, Deserialize)]
struct PlanDetail {
    organization_id: OrganizationId,
    plan: PlanId,
    /// When the plan begins; now if absent.
    #[serde(default)]
    when: Option<When>,
}

/// The detail of an event about an invoice. Other fields are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct InvoiceDetail {
    organization_id: OrganizationId,
    invoice_number: InvoiceNumber,
    /// In `amount_unit`; in the currency's smallest unit by ISO 4217 if that is absent.
    amount: u64,
    #[serde(default)]
    amount_unit: AmountUnit,
    currency: Currency,
    #[serde(default, deserialize_with = "due_date")]
    due_date: Option<NaiveDate>,
    #[serde(default)]
    hosted_invoice_url: Option<InvoiceUrl>,
}

impl InvoiceDetail {
    fn into_invoice(self) -> Invoice {
        Invoice {
            number: self.invoice_number,
            amount: Amount::of(self.amount, self.amount_unit, self.currency),
            due_date: self.due_date,
            url: self.hosted_invoice_url,
        }
    }
}

#[cfg(test)]
impl BusEvent<Kind, InvoiceDetail> {
    /// Returns the event to record.
    pub(crate) fn into_event(self) -> Option<domain::Event> {
        match self.kind {
            Kind::Invoice(kind) => Some(self.detail.into_invoice().event(kind)),
            Kind::PlanChanged => None,
        }
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
    let BusEvent { id, kind, .. }: BusEvent<Kind, IgnoredAny> = input::event(event.clone())?;
    let is_new = match kind {
        Kind::PlanChanged => {
            let event: BusEvent<IgnoredAny, PlanDetail> = input::event(event)?;
            set(app, &id.0, &event.detail).await?
        }
        Kind::Invoice(kind) => {
            let event: BusEvent<IgnoredAny, InvoiceDetail> = input::event(event)?;
            record(app, &id.0, kind, event.detail).await?
        }
    };
    Ok(json!({ "recorded": is_new }))
}

fn unknown_organization() -> Error {
    Error::field("detail.organization_id", "is an unknown organization")
}

/// Sets the plan. Returns whether the event is new.
async fn set(app: &App, id: &str, detail: &PlanDetail) -> Result<bool, Error> {
    let organization_id = detail.organization_id;
    let plan = app.plan("detail.plan", &detail.plan)?;
    let when = detail.when.unwrap_or(When::Now);

    app.mutate(move |now| async move {
        let read = |counters| {
            let ledger = ledger::keys(organization_id, counters);
            app.store.read((Key::payment_event(id), ledger))
        };
        let (taken, found) =
            ledger::with_counters(app, organization_id, read, |(_, found)| found.1.as_ref())
                .await?;
        if taken.is_some() {
            return Ok(Decision::Unchanged(false));
        }
        let (_, ledger) = ledger::of(app, found).map_err(|_| unknown_organization())?;
        if !ledger.is_consistent() {
            return Ok(Decision::Reload);
        }
        let mut change = set_plan(&ledger, &app.plans, plan.clone(), when, now);
        let is_change = !change.events.is_empty();
        let mut transaction = Transaction::in_organization(organization_id, now, change.events)
            .remember_payment_event(&payment_event(id, organization_id, now));
        if is_change {
            let counters = change.counters.iter();
            transaction = counters.fold(
                transaction.write_billing(&mut change.billing),
                Transaction::write_counter,
            );
        }
        Ok(Decision::Commit(transaction, true))
    })
    .await
}

/// Records an event about an invoice. Returns whether it is new.
async fn record(
    app: &App,
    id: &str,
    kind: InvoiceEvent,
    detail: InvoiceDetail,
) -> Result<bool, Error> {
    let organization_id = detail.organization_id;
    let invoice = &detail.into_invoice();

    app.mutate(move |now| async move {
        let keys = (Key::organization(organization_id), Key::payment_event(id));
        let (organization, taken) = app.store.read(keys).await?;
        if taken.is_some() {
            return Ok(Decision::Unchanged(false));
        }
        organization.ok_or_else(unknown_organization)?;
        let event = invoice.clone().event(kind);
        let transaction = Transaction::in_organization(organization_id, now, [event])
            .remember_payment_event(&payment_event(id, organization_id, now));
        Ok(Decision::Commit(transaction, true))
    })
    .await
}

fn payment_event(id: &str, organization_id: OrganizationId, at: DateTime<Utc>) -> PaymentEvent {
    PaymentEvent {
        id: id.to_owned(),
        organization_id,
        at,
    }
}
