//! `PATCH /v1/organizations/{organization_id}/members/{user_id}`: by the rules.

use domain::{MemberUpdate, Role, UserId, update_member};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use crate::{
    App, Operation, access::Asked, attempts::Attempts, failure::Failure, input, output::Answer,
    representation::MemberView,
};

/// Changes a member's role or billing emails: all that is asked, or nothing.
pub static OPERATION: Operation = Operation::http("update-member", |app, request| {
    Box::pin(handle(app, request))
});

/// What to change; what is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The new role.
    #[serde(
        default,
        deserialize_with = "input::if_present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Role")]
    role: Option<Role>,
    /// Whether billing emails go to them.
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
    let target_id = UserId::parse(input::path(request, "user_id"));
    let body: Body = input::body(request)?;
    let update = MemberUpdate {
        role: body.role,
        receives_billing_emails: body.receives_billing_emails,
    };

    let mut attempts = Attempts::default();
    loop {
        let now = app.clock.now();
        let (me, target) = super::load(app, &asked, target_id.as_ref().ok()).await?;
        let (updated, events) = update_member(&me, &target, update)?;
        let yourself = target.user_id == me.user_id;
        let answer = Answer::ok(&MemberView::of(
            &updated,
            if yourself { &updated } else { &me },
        ));
        if events.is_empty() {
            return Ok(answer);
        }

        let mut transaction = Transaction::new().write_member(&updated);
        if !yourself {
            transaction = transaction.require_member(&me);
        }
        let transaction = app.record(transaction, asked.organization_id, now, events);
        match app.store.commit(transaction).await? {
            Commit::Done => return Ok(answer),
            Commit::Conflict => attempts.again().await?,
        }
    }
}
