//! `PATCH /v1/organizations/{organization_id}/billing`.

use domain::{
    BillingUpdate, CompanyName, InvoiceAddress, Plan, PlanId, TaxId, When, update_billing,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Transaction;

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input::{self, Clearable, IfMatch, Patch},
    ledger,
    mutate::Decision,
    response::Response,
    views::BillingView,
};

/// Changes the plan, now or at the period's end, and the billing details: all of
/// the request or nothing.
pub static OPERATION: Operation = Operation::http("update-billing", |app, request| {
    Box::pin(handle(app, request))
})
.needs(&["PLANS", "PLAN_CHANGES"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change("Change the plan or the billing details", "owner, admin")
    .takes::<Body>()
    .responds::<BillingView>(200)
    .conditional_on::<BillingView>()
    .refuses(&[
        "invalid_request",
        "owner_or_admin_required",
        "plan_change_not_allowed",
        "organization_not_found",
    ]);

/// The changes; a field that is left out keeps its value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The id of the plan to change to; the present plan's id cancels a scheduled change.
    plan: Patch<PlanId>,
    /// The start of the plan; now if absent.
    when: Patch<When>,
    /// The company's name on invoices: at most 200 characters on one line. `null` clears it.
    company_name: Patch<Clearable<CompanyName>>,
    /// The tax id on invoices: at most 50 characters on one line. `null` clears it.
    tax_id: Patch<Clearable<TaxId>>,
    /// The address on invoices: at most 500 characters in at most 10 lines. `null` clears it.
    invoice_address: Patch<Clearable<InvoiceAddress>>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    let if_match = &IfMatch::of(request)?;
    let body: Body = input::body(request)?;
    let update = &BillingUpdate {
        plan: plan(app, body.plan.into_option(), body.when.into_option())?,
        company_name: body.company_name.into_option().map(|name| name.0),
        tax_id: body.tax_id.into_option().map(|id| id.0),
        invoice_address: body.invoice_address.into_option().map(|address| address.0),
    };

    let view = app
        .mutate(move |now| async move {
            let (caller, _, ledger) = ledger::of_caller(app, scope).await?;
            if !ledger.is_consistent() {
                return Ok(Decision::Reload);
            }
            let mut change = update_billing(
                &caller,
                &ledger,
                &app.plans,
                &app.plan_changes,
                update.clone(),
                now,
            )?;
            if change.events.is_empty() {
                let view = BillingView::of(app, &change.billing, &caller, now);
                return Ok(Decision::Unchanged(view));
            }
            let present = &ledger.billing;
            if_match.require(present.into(), || {
                BillingView::of(app, present, &caller, now)
            })?;
            let transaction =
                Transaction::by(&caller, now, change.events).write_billing(&mut change.billing);
            let view = BillingView::of(app, &change.billing, &caller, now);
            let counters = change.counters.iter();
            let transaction = counters.fold(transaction, Transaction::write_counter);
            Ok(Decision::Commit(transaction, view))
        })
        .await?;
    Ok(Response::ok(&view))
}

/// Returns the plan to change to, and its start.
fn plan(app: &App, id: Option<PlanId>, when: Option<When>) -> Result<Option<(Plan, When)>, Error> {
    let Some(id) = id else {
        return match when {
            Some(_) => Err(Error::field("when", "requires a `plan`")),
            None => Ok(None),
        };
    };
    let plan = app.plan("plan", &id)?.clone();
    Ok(Some((plan, when.unwrap_or(When::Now))))
}
