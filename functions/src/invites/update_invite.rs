//! `PATCH /v1/organizations/{organization_id}/invites/{invite_id}`: owners and
//! admins, by the rules.

use domain::{InviteUpdate, Role, update_invite};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use super::load;
use crate::{
    App, Operation, access::Asked, attempts::Attempts, failure::Failure, input, output::Answer,
    representation::InviteView,
};

/// Changes what a pending invite gives, and puts it under the caller's name.
/// The link in the email stays good.
pub static OPERATION: Operation = Operation::http("update-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// What to change; what is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The role that accepting is to give.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Role")]
    role: Option<Role>,
    /// Whether accepting is to turn on billing emails.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "bool")]
    receives_billing_emails: Option<bool>,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = load::invite_id(request).ok();
    let body: Body = input::body(request)?;
    let update = InviteUpdate {
        role: body.role,
        receives_billing_emails: body.receives_billing_emails,
    };

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, state) = load::membership_and_invite(app, &asked, id).await?;
        let (updated, event) = update_invite(&me, &state, update, now)?;
        let answer = Answer::ok(&InviteView::of(&updated, &me));
        let Some(event) = event else {
            return Ok(answer);
        };

        let transaction = Transaction::new()
            .require_member(&me)
            .write_invite(&updated)
            .claim_address(&updated);
        let transaction = app.record(transaction, asked.organization_id, now, [event]);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
