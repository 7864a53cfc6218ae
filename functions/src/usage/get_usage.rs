//! `GET /v1/organizations/{organization_id}/usage` for members, and
//! `GET /v1/usage` for API clients.

use domain::{ApiKeyScope, Ledger};
use lambda_http::Request;

use crate::{
    App, Operation, Shape,
    access::{ApiClient, Scope},
    error::Error,
    input, ledger,
    response::Response,
    views::UsageView,
};

/// Returns how many credits were used when.
pub static OPERATION: Operation =
    Operation::http("get-usage", |app, request| Box::pin(handle(app, request))).needs(&["PLANS"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "Get usage by hours, days, months and billing periods",
    "member; API key",
)
.responds::<UsageView>(200)
.refuses(&["insufficient_scope", "organization_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    // Only the route for people has the organization in its path.
    let ledger = if input::path(request, "organization_id").is_empty() {
        let client = ApiClient::with_scope(request, ApiKeyScope::ReadUsage)?;
        of_client(app, client).await?
    } else {
        let (_, _, ledger) = ledger::of_caller(app, &Scope::of(app, request)?).await?;
        ledger
    };
    Ok(Response::ok(&UsageView::of(&ledger, app.clock.now())))
}

async fn of_client(app: &App, client: ApiClient) -> Result<Ledger, Error> {
    let id = client.organization_id;
    let read = |counters| app.store.read(ledger::keys(id, counters));
    let found = ledger::with_counters(app, id, read, |found| found.1.as_ref()).await?;
    Ok(ledger::of(app, found)?.1)
}
