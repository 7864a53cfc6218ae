//! `POST /v1/usage/refunds` for API clients, and
//! `POST /v1/server/organizations/{organization_id}/usage/refunds` for the server.

use domain::{Credits, Ledger, Refund, Refusal, refund, refund_by_meter};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction, UsageRequest};

use super::spender::Spender;
use crate::{
    App, Operation, Shape,
    error::Error,
    input::{self, IdempotencyKey},
    ledger::with_counters,
    mutate::Decision,
    response::Response,
    views::RefundedView,
};

/// Gives back the credits of a render that failed.
pub static OPERATION: Operation = Operation::http("refund-usage", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Give back credits of a render that failed",
    "API key with `usage:write`",
)
.takes::<Body>()
.responds::<RefundedView>(200)
.refuses(&[
    "invalid_request",
    "insufficient_scope",
    "organization_not_found",
    "organization_suspended",
    "usage_not_found",
    "usage_refunded",
]);

/// The use to refund.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The idempotency key that the credits were used with, less than 24 hours ago.
    idempotency_key: IdempotencyKey,
    /// The number of credits to give back; all of them if absent.
    #[serde(default)]
    credits: Option<Credits>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let spender = &Spender::of(request)?;
    let Body {
        idempotency_key,
        credits,
    } = &input::body(request)?;
    let id = spender.organization_id;

    let request = app
        .mutate(move |now| async move {
            let request = Key::usage_request(id, idempotency_key.as_str());
            let keys = (spender.proof(), request, Key::billing(id));
            let (existence, request, billing) = app.store.read(keys).await?;
            spender.require_open(existence)?;
            let request = request.filter(|request: &UsageRequest| now < request.forgotten_at());
            let request = request.ok_or(Refusal::UsageNotFound)?;
            let wanted = credits.map_or(request.credits, Credits::get);
            match request.refunded {
                Some(refunded) if refunded == wanted => return Ok(Decision::Unchanged(request)),
                Some(refunded) => return Err(Refusal::UsageRefunded(refunded).into()),
                None => {}
            }
            if wanted > request.credits {
                let most = format!("must be at most {}, the credits used", request.credits);
                return Err(Error::field("credits", most));
            }
            let (used, billing) = (request.as_used(), billing);
            let (used, billing) = used.zip(billing).ok_or(Refusal::UsageNotFound)?;

            let refund = match refund_by_meter(&billing, used, wanted, now) {
                Some(credits) => Refund::Credited(credits),
                None => {
                    let read = |counters| app.store.read((Key::billing(id), counters));
                    let (billing, counters) =
                        with_counters(app, id, read, |found| found.0.as_ref()).await?;
                    let billing = billing.ok_or(Refusal::UsageNotFound)?;
                    let ledger = Ledger { billing, counters };
                    if !ledger.is_consistent() {
                        return Ok(Decision::Reload);
                    }
                    refund(&ledger, used, wanted, now)
                }
            };
            let transaction = Transaction::in_organization(id, now, []);
            let transaction = match refund {
                Refund::Credited(credits) => {
                    credits.into_iter().fold(transaction, Transaction::credit)
                }
                Refund::Allocated {
                    mut billing,
                    counters,
                } => {
                    let transaction = transaction.write_billing(&mut billing);
                    counters
                        .iter()
                        .fold(transaction, Transaction::write_counter)
                }
            };
            let request = UsageRequest {
                refunded: Some(wanted),
                ..request
            };
            Ok(Decision::Commit(
                transaction.remember_refund(&request),
                request,
            ))
        })
        .await?;
    let refunded = request.refunded.unwrap_or_default();
    Ok(Response::ok(&RefundedView {
        organization_id: id,
        api_key_id: spender.api_key_id,
        consumed: request.credits - refunded,
        refunded,
        used_at: request.at,
    }))
}
