//! `POST /v1/usage`: machines with an API key.

use chrono::{DateTime, Utc};
use domain::{
    Billing, Credits, Ledger, Organization, OrganizationId, Refusal, Spending, Spent, spend,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Key, Transaction, UsageRequest};

use crate::{
    App, Operation, access::ApiClient, attempts::Attempts, failure::Failure, input, ledger,
    output::Answer, representation::ConsumedView,
};

/// Uses credits of the organization's billing period, before images are rendered.
pub static OPERATION: Operation = Operation::http("record-usage", |app, request| {
    Box::pin(handle(app, request))
});

/// How much to use.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// How many credits: 1 to 1000. An image takes one.
    credits: Credits,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let machine = ApiClient::of(request)?;
    let id = machine.organization_id;
    let key = input::idempotency_key(request)?
        .ok_or_else(|| Failure::field("idempotency-key", "is missing"))?;
    let body: Body = input::body(request)?;

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (ledger, remembered) = load(app, id, key).await?;
        if let Some(request) = remembered.as_ref().filter(|r| now < r.forgotten_at()) {
            if request.credits != body.credits.get() {
                return Err(Refusal::IdempotencyKeyReused(request.credits).into());
            }
            return Ok(answer(request));
        }
        if !ledger.is_whole() {
            attempts.again().await?;
            continue;
        }

        let seed = fastrand::u64(..);
        let spent = spend(&ledger, &app.plans, body.credits, seed, now)?;
        let request = UsageRequest {
            organization_id: id,
            idempotency_key: key.to_owned(),
            credits: body.credits.get(),
            allowed: spent.allowed,
            used: spent.used,
            at: now,
        };
        let transaction = Transaction::new().remember_usage(&request, remembered.as_ref());
        let transaction = write(app, transaction, id, spent, now);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer(&request)),
            Commit::Conflict => attempts.again().await?,
        }
    }
}

/// The ledger, and what is remembered of an earlier request with the same key.
async fn load(
    app: &App,
    id: OrganizationId,
    key: &str,
) -> Result<(Ledger, Option<UsageRequest>), Failure> {
    let request = Key::usage_request(id, key);
    let keys: Vec<Key> = std::iter::once(request.clone())
        .chain(ledger::keys(id))
        .collect();
    let mut found = app.store.get_all(&keys).await?;
    let remembered = found.take(&request)?;
    let billing: Option<Billing> = found.take(&Key::billing(id))?;
    let billing = match billing {
        Some(billing) => billing,
        // The very first use: the organization says since when it is there.
        None => {
            let organization: Option<Organization> = app.store.get(Key::organization(id)).await?;
            let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
            Billing::of(&organization, &app.plans)
        }
    };
    let counters = found.take_counters(id)?;
    Ok((Ledger { billing, counters }, remembered))
}

fn write(
    app: &App,
    transaction: Transaction,
    id: OrganizationId,
    spent: Spent,
    now: DateTime<Utc>,
) -> Transaction {
    match spent.spending {
        Spending::Debited(debits) => debits.into_iter().fold(transaction, Transaction::debit),
        Spending::Allocated {
            billing,
            counters,
            events,
        } => {
            let transaction = transaction.write_billing(&billing);
            let transaction = counters
                .iter()
                .fold(transaction, Transaction::write_counter);
            app.record(transaction, id, now, events)
        }
    }
}

fn answer(request: &UsageRequest) -> Answer {
    let UsageRequest {
        credits,
        allowed,
        used,
        ..
    } = *request;
    Answer::ok(&ConsumedView {
        allowed,
        consumed: credits,
        used,
        remaining: allowed.saturating_sub(used),
    })
    .with_credits(allowed, credits, used)
}
