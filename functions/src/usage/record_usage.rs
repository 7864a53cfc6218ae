//! `POST /v1/usage` for API clients, and
//! `POST /v1/server/organizations/{organization_id}/usage` for the server.

use chrono::{DateTime, Utc};
use domain::{Credits, Ledger, Refusal, Spending, spend};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction, UsageRequest};
use tokio::sync::Mutex;

use super::{
    limiter::{Leases, UsedUp},
    spender::Spender,
};
use crate::{
    App, Operation, Shape, config, error::Error, input, ledger, mutate::Decision,
    response::Response, views::ConsumedView,
};

/// Uses credits of the organization's billing period, before images are rendered.
pub static OPERATION: Operation = Operation::http("record-usage", |app, request| {
    Box::pin(handle(app, request))
})
.needs(config::USAGE_RATES);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Use credits, before images are rendered",
    "API key with `usage:write`",
)
.takes::<Body>()
.idempotent(
    true,
    "Repeating a request with the same key within a day uses no more credits.",
)
.responds::<ConsumedView>(200)
.headers(&[
    ("x-renders-allowed", "The credits of the billing period."),
    ("x-renders-consumed", "The credits that this request used."),
    (
        "x-renders-used",
        "The credits used, with those of this request.",
    ),
])
.refuses(&[
    "invalid_request",
    "insufficient_scope",
    "organization_not_found",
    "organization_suspended",
    "idempotency_key_reused",
    "usage_refunded",
    "credits_used_up",
    "rate_limit_exceeded",
]);

/// The credits to use.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The number of credits: 1 to 1000. An image takes one.
    credits: Credits,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let spender = &Spender::of(request)?;
    let key = input::idempotency_key(request)?
        .ok_or_else(|| Error::field("idempotency-key", "is missing"))?;
    let Body { credits } = input::body(request)?;

    let now = app.clock.now();
    let mut leases = app.limiter.ask(spender, &app.limits.usage, now)?;
    let known = app.limiter.used_up(spender.organization_id, credits, now);
    let request = match known {
        Some(known) => {
            let leases = std::mem::take(&mut leases);
            repeat(app, spender, key, credits, leases, known, now).await?
        }
        None => None,
    };
    let request = match request {
        Some(request) => request,
        None => use_credits(app, spender, key, credits, leases).await?,
    };
    let UsageRequest {
        organization_id,
        allowed,
        credits: consumed,
        used,
        ..
    } = request;
    let view = ConsumedView {
        organization_id,
        api_key_id: spender.api_key_id,
        allowed,
        consumed,
        used,
        remaining: allowed.saturating_sub(used),
    };
    Ok(Response::ok(&view).with_credits(allowed, consumed, used))
}

/// Returns the earlier request that used the credits under this key, without reading the
/// counters, which are known to be used up; `None` if they have been allocated anew since.
///
/// # Errors
/// [`Refusal::CreditsUsedUp`]; those of [`repeated`]; [`Refusal::RateLimitExceeded`].
async fn repeat(
    app: &App,
    spender: &Spender,
    key: &str,
    credits: Credits,
    leases: Leases,
    known: UsedUp,
    now: DateTime<Utc>,
) -> Result<Option<UsageRequest>, Error> {
    let id = spender.organization_id;
    let keys = (
        spender.proof(),
        Key::usage_request(id, key),
        Key::billing(id),
    );
    let (read, taken) = tokio::join!(app.store.read(keys), app.take(leases, now));
    taken?;
    let (existence, remembered, billing) = read?;
    spender.require_open(existence)?;
    let request = repeated(remembered.as_ref(), credits, now)?;
    let is_current = billing.is_some_and(|billing| billing.generation() == known.generation);
    if request.is_none() && is_current {
        return Err(known.refusal(credits, now).into());
    }
    Ok(request)
}

/// Returns the remembered request, if it is the same one.
///
/// # Errors
/// [`Refusal::UsageRefunded`] if its credits were given back;
/// [`Refusal::IdempotencyKeyReused`] if it is another one.
fn repeated(
    remembered: Option<&UsageRequest>,
    credits: Credits,
    now: DateTime<Utc>,
) -> Result<Option<UsageRequest>, Refusal> {
    let Some(request) = remembered.filter(|request| now < request.forgotten_at()) else {
        return Ok(None);
    };
    if let Some(refunded) = request.refunded {
        return Err(Refusal::UsageRefunded(refunded));
    }
    if request.credits != credits.get() {
        return Err(Refusal::IdempotencyKeyReused(request.credits));
    }
    Ok(Some(request.clone()))
}

async fn use_credits(
    app: &App,
    spender: &Spender,
    key: &str,
    credits: Credits,
    leases: Leases,
) -> Result<UsageRequest, Error> {
    let id = spender.organization_id;
    // Only the first attempt takes the leases, while it reads.
    let leases = &Mutex::new(leases);
    app.mutate(move |now| async move {
        let leases = std::mem::take(&mut *leases.lock().await);
        let (loaded, taken) = tokio::join!(load(app, spender, key), app.take(leases, now));
        taken?;
        let (ledger, remembered) = loaded?;
        if let Some(request) = repeated(remembered.as_ref(), credits, now)? {
            return Ok(Decision::Unchanged(request));
        }
        if !ledger.is_consistent() {
            return Ok(Decision::Reload);
        }

        let spent = spend(&ledger, &app.plans, credits, fastrand::u64(..), now)
            .inspect_err(|refusal| app.limiter.remember(&ledger.billing, refusal, now))?;
        let request = UsageRequest {
            organization_id: id,
            idempotency_key: key.to_owned(),
            credits: credits.get(),
            allowed: spent.allowed,
            used: spent.used,
            at: now,
            period_start: Some(spent.period_start),
            parts: spent.parts,
            refunded: None,
        };
        let transaction = match spent.spending {
            Spending::Debited(debits) => {
                let transaction = Transaction::in_organization(id, now, []);
                debits.into_iter().fold(transaction, Transaction::debit)
            }
            Spending::Allocated {
                mut billing,
                counters,
                events,
            } => {
                let transaction =
                    Transaction::in_organization(id, now, events).write_billing(&mut billing);
                let counters = counters.iter();
                counters.fold(transaction, Transaction::write_counter)
            }
        };
        let transaction = transaction.remember_usage(&request, remembered.as_ref());
        Ok(Decision::Commit(transaction, request))
    })
    .await
}

/// Reads the ledger, and the idempotency record of an earlier request with the
/// same key.
async fn load(
    app: &App,
    spender: &Spender,
    key: &str,
) -> Result<(Ledger, Option<UsageRequest>), Error> {
    let id = spender.organization_id;
    let read = |counters| {
        let ledger = (Key::billing(id), counters);
        let keys = (spender.proof(), Key::usage_request(id, key), ledger);
        app.store.read(keys)
    };
    let found = ledger::with_counters(app, id, read, |(_, _, ledger)| ledger.0.as_ref()).await?;
    let (existence, remembered, (billing, counters)) = found;
    spender.require_open(existence)?;
    let billing = match billing {
        Some(billing) => billing,
        // Before the first use, the periods follow from the organization's creation.
        None => {
            let organization = app.store.get(Key::organization(id)).await?;
            let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
            ledger::billing(app, None, &organization)
        }
    };
    Ok((Ledger { billing, counters }, remembered))
}
