//! `POST /v1/organizations/{organization_id}/invites`: owners and admins.

use domain::{Address, EmailAddress, InviteId, InviteRequest, Refusal, Role, create_invite};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Commit, Key, Transaction};

use crate::{
    App, Operation,
    access::Asked,
    attempts::Attempts,
    background::expire_invites,
    failure::Failure,
    input,
    metrics::{Counter, count},
    output::Answer,
    representation::InviteView,
};

/// Invites an email address. The email leaves through the table's stream.
pub static OPERATION: Operation = Operation::http("create-invite", |app, request| {
    Box::pin(handle(app, request))
});

/// Whom to invite, as what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The address to invite.
    email: EmailAddress,
    /// The role that accepting gives.
    role: Role,
    /// Whether accepting turns on billing emails.
    #[serde(default)]
    receives_billing_emails: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Answer, Failure> {
    let asked = Asked::of(request)?;
    let id = asked.organization_id;
    let body: Body = input::body(request)?;
    let address_key = Key::address(id, &body.email);

    let mut attempts = Attempts::default();
    let mut made_room = false;
    loop {
        let now = app.clock.now();
        let keys = [
            asked.membership_key(),
            Key::organization(id),
            address_key.clone(),
        ];
        let mut found = app.store.get_all(&keys).await?;
        let (organization, me) = asked.take(&mut found)?;
        let address: Option<Address> = found.take(&address_key)?;

        let input = InviteRequest {
            id: InviteId::new(app.new_id()),
            email: body.email.clone(),
            role: body.role,
            receives_billing_emails: body.receives_billing_emails,
        };
        let decision = create_invite(&me, &organization, address.as_ref(), input, now);
        let created = match decision {
            // Expired invites count until they are tidied up; they must not block a new one.
            Err(Refusal::TooManyInvites) if !made_room => {
                expire_invites::of_organization(app, id).await?;
                made_room = true;
                continue;
            }
            decision => decision?,
        };

        let mut transaction = Transaction::new()
            .require_member(&me)
            .write_invite(&created.invite)
            .write_address(&created.address);
        let ends_expired = created.expired.is_some();
        let mut events = vec![created.event];
        // An expired invite that makes room leaves the count as it is.
        transaction = match created.expired {
            Some(expired) => {
                events.insert(0, expired.event);
                transaction.end_expired_invite(&expired.invite)
            }
            None => transaction.increment_invites(id),
        };
        let transaction = app.record(transaction, id, now, events);
        match app.store.commit(transaction).await? {
            Commit::Done => {
                count(Counter::InvitesCreated, 1);
                if ends_expired {
                    count(Counter::InvitesExpired, 1);
                }
                let invite = &created.invite;
                let location = format!("/v1/organizations/{id}/invites/{}", invite.id);
                return Ok(Answer::created(location, &InviteView::of(invite, &me)));
            }
            Commit::Conflict => attempts.again().await?,
        }
    }
}
