//! `GET /v1/organizations/{organization_id}/billing`; the details only for owners
//! and admins.

use domain::Refusal;
use lambda_http::Request;
use store::Key;

use crate::{
    App, Operation, Shape, access::Scope, error::Error, ledger, response::Response,
    views::BillingView,
};

/// Returns an organization's plan, billing period and billing details.
pub static OPERATION: Operation =
    Operation::http("get-billing", |app, request| Box::pin(handle(app, request)))
        .needs(&["PLANS", "PLAN_CHANGES"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "Get the plan, the billing period and the billing details",
    "member; the details for owner, admin",
)
.responds::<BillingView>(200)
.refuses(&["organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let id = scope.organization_id;
    let keys = (Key::organization(id), Key::billing(id));
    let (caller, (organization, billing)) = scope.read(app, keys).await?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    let billing = ledger::billing(app, billing, &organization);
    let now = app.clock.now();
    Ok(Response::ok(&BillingView::of(app, &billing, &caller, now)))
}
