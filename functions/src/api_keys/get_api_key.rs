//! `GET /v1/api-key`.

use domain::{ApiKey, Billing, Counter, Organization, Refusal, remaining};
use lambda_http::Request;
use store::{Counters, Key};

use crate::{
    App, Operation, Shape,
    access::ApiClient,
    error::Error,
    ledger,
    response::Response,
    views::{OwnApiKeyView, RemainingView},
};

/// The number of counters to read: exact for plans of up to 9,000 credits, and a good
/// estimate for others.
const COUNTERS: u8 = 3;

/// Returns the API key of the request, its organization and the credits left. The caller
/// calls it often, so it reads for half the capacity.
pub static OPERATION: Operation =
    Operation::http("get-api-key", |app, request| Box::pin(handle(app, request))).needs(&["PLANS"]);

/// How the API describes it.
pub const SHAPE: Shape = Shape::read(
    "Get the API key of the request, its organization and credits",
    "API key",
)
.responds::<OwnApiKeyView>(200)
.refuses(&["organization_not_found", "api_key_not_found"]);

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let client = ApiClient::of(request)?;
    let (organization, key, billing, counters) = read(app, client).await?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    let key = key.ok_or(Refusal::ApiKeyNotFound)?;
    let now = app.clock.now();
    let billing = ledger::billing(app, billing, &organization);
    let credits = remaining(&billing, &counters, &app.plans, now);
    let plan = billing.plan_at(&app.plans, now);
    Ok(Response::ok(&OwnApiKeyView::of(
        &key,
        &organization,
        &plan,
        RemainingView::of(credits),
    )))
}

type Found = (
    Option<Organization>,
    Option<ApiKey>,
    Option<Billing>,
    Vec<Counter>,
);

async fn read(app: &App, client: ApiClient) -> Result<Found, Error> {
    let id = client.organization_id;
    let keys = (
        Key::organization(id),
        Key::api_key(id, client.api_key_id),
        Key::billing(id),
        Counters::first(id, COUNTERS),
    );
    let found = app.store.read_eventually(&keys).await?;
    match found {
        (Some(_), Some(_), ..) => Ok(found),
        // They were made a moment ago: the authorizer has seen the key.
        _ => Ok(app.store.read(&keys).await?),
    }
}
