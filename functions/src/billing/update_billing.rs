//! `PATCH /v1/organizations/{organization_id}/billing`: owners and admins.

use domain::{
    BillingUpdate, CompanyName, InvoiceAddress, Plan, PlanId, TaxId, When, update_billing,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use crate::{
    App, Operation, access::Asked, attempts::Attempts, failure::Failure, input, ledger,
    output::Answer, representation::BillingView,
};

/// Changes the plan, now or at the period's end, and what stands on invoices:
/// all that is asked, or nothing.
pub static OPERATION: Operation = Operation::http("update-billing", |app, request| {
    Box::pin(handle(app, request))
});

/// What to change; what is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The id of the plan to change to; that of the present one cancels a change that is scheduled.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "PlanId")]
    plan: Option<PlanId>,
    /// When the plan is to begin: now, unless it says otherwise.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "When")]
    when: Option<When>,
    /// The name that invoices are made out to: at most 200 characters on one line. `null` clears it.
    #[serde(default, deserialize_with = "input::cleared_or_present")]
    #[schemars(with = "Option<CompanyName>")]
    company_name: Option<Option<CompanyName>>,
    /// The tax id: at most 50 characters on one line. `null` clears it.
    #[serde(default, deserialize_with = "input::cleared_or_present")]
    #[schemars(with = "Option<TaxId>")]
    tax_id: Option<Option<TaxId>>,
    /// The address for invoices: at most 500 characters in at most 10 lines. `null` clears it.
    #[serde(default, deserialize_with = "input::cleared_or_present")]
    #[schemars(with = "Option<InvoiceAddress>")]
    invoice_address: Option<Option<InvoiceAddress>>,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let body: Body = input::body(request)?;
    let plan = plan(app, &body)?;

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (_, ledger, me) = ledger::of_member(app, &asked).await?;
        if !ledger.is_whole() {
            attempts.again().await?;
            continue;
        }

        let update = BillingUpdate {
            plan: plan.clone(),
            company_name: body.company_name.clone(),
            tax_id: body.tax_id.clone(),
            invoice_address: body.invoice_address.clone(),
        };
        let change = update_billing(&me, &ledger, &app.plans, update, now)?;
        let answer = Answer::ok(&BillingView::of(&change.billing, &me, &app.plans, now));
        if change.events.is_empty() {
            return Ok(answer);
        }

        let transaction = Transaction::new()
            .require_member(&me)
            .write_billing(&change.billing);
        let transaction = change
            .counters
            .iter()
            .fold(transaction, Transaction::write_counter);
        let transaction = app.record(transaction, asked.organization_id, now, change.events);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer),
            Commit::Conflict => attempts.again().await?,
        }
    }
}

/// The plan that is asked for, and when it is to begin.
fn plan(app: &App, body: &Body) -> Result<Option<(Plan, When)>, Failure> {
    let Some(id) = &body.plan else {
        return match body.when {
            Some(_) => Err(Failure::field("when", "says when a `plan` is to begin")),
            None => Ok(None),
        };
    };
    let plan = app.plans.get(id).cloned().ok_or_else(|| {
        let ids: Vec<&str> = app.plans.iter().map(|plan| plan.id.as_str()).collect();
        Failure::field("plan", format_args!("must be one of {}", ids.join(", ")))
    })?;
    Ok(Some((plan, body.when.unwrap_or(When::Now))))
}
