//! `PATCH /v1/organizations/{organization_id}`: owners.

use domain::{Metadata, OrganizationName, OrganizationUpdate, update_organization};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use crate::{
    App, Operation, access::Asked, attempts::Attempts, failure::Failure, input, output::Answer,
    representation::OrganizationView,
};

/// Renames an organization or replaces its metadata.
pub static OPERATION: Operation = Operation::http("update-organization", |app, request| {
    Box::pin(handle(app, request))
});

/// What to change; what is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The new name: 1 to 200 characters on one line.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OrganizationName")]
    name: Option<OrganizationName>,
    /// The new metadata, in place of all the old.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Metadata")]
    metadata: Option<Metadata>,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let body: Body = input::body(request)?;

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (organization, me) = asked.organization(app).await?;

        let update = OrganizationUpdate {
            name: body.name.clone(),
            metadata: body.metadata.clone(),
        };
        let (updated, event) = update_organization(&me, &organization, update)?;
        let answer = Answer::ok(&OrganizationView::of(&updated, &me));
        let Some(event) = event else {
            return Ok(answer);
        };

        let transaction = Transaction::new()
            .require_member(&me)
            .write_organization(&updated);
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
