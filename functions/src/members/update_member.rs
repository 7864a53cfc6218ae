//! `PATCH /v1/organizations/{organization_id}/members/{user_id}`: by the rules.

use domain::{ApiKey, MemberUpdate, Role, UserId, update_member};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Transaction};

use crate::{
    App, Operation,
    access::Asked,
    attempts::Attempts,
    failure::Failure,
    input,
    output::Answer,
    representation::{ApiKeySummary, MemberView, UpdatedMemberView},
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
        let (loaded, keys) = tokio::join!(
            super::load(app, &asked, target_id.as_ref().ok()),
            keys_to_name(app, &asked, update.role),
        );
        let (me, target) = loaded?;
        let (updated, events) = update_member(&me, &target, update)?;
        let yourself = target.user_id == me.user_id;
        let answer = Answer::ok(&UpdatedMemberView {
            member: MemberView::of(&updated, if yourself { &updated } else { &me }),
            api_keys: ApiKeySummary::made_by(&updated.user_id, &keys?),
        });
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

/// The keys among which are those that a new user made, and cannot manage any more.
async fn keys_to_name(
    app: &App,
    asked: &Asked,
    role: Option<Role>,
) -> Result<Vec<ApiKey>, Failure> {
    match role {
        Some(Role::User) => super::all_keys(app, asked).await,
        Some(Role::Admin | Role::Owner) | None => Ok(Vec::new()),
    }
}
