//! `GET /v1/organizations/{organization_id}/billing`: members; the details only
//! for owners and admins.

use lambda_http::Request;

use crate::{
    App, Operation, access::Asked, failure::Failure, ledger, output::Answer,
    representation::BillingView,
};

/// Gives plan, period and details.
pub static OPERATION: Operation =
    Operation::http("get-billing", |app, request| Box::pin(handle(app, request)));

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let (billing, me) = ledger::plan_of_member(app, &asked).await?;
    let now = app.clock.now();
    Ok(Answer::ok(&BillingView::of(&billing, &me, &app.plans, now)))
}
