//! `POST /v1/organizations/{organization_id}/invites`.

use domain::{EmailAddress, EmailHistory, InviteId, InviteRequest, Refusal, Role, create_invite};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction};

use super::expire_invites;
use crate::{
    App, Operation, Shape,
    access::Scope,
    config,
    error::Error,
    input,
    metrics::{Counter, count},
    mutate::Decision,
    repeat::Mark,
    response::Response,
    views::InviteView,
};

/// Invites an email address. The email leaves through the table's stream.
pub static OPERATION: Operation = Operation::http("create-invite", |app, request| {
    Box::pin(handle(app, request))
})
.needs(config::EMAIL_LIMITS);

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Invite an email address",
    "owner, admin, with a verified email address",
)
.takes::<Body>()
.idempotent(
    false,
    "Repeating a request with the same key within a day returns its invite, while that is outstanding.",
)
.responds::<InviteView>(201)
.refuses(&[
    "invalid_request",
    "owner_required",
    "owner_or_admin_required",
    "email_required",
    "email_not_verified",
    "organization_not_found",
    "already_member",
    "invite_outstanding",
    "too_many_invites",
    "invites_paused",
    "recipient_opted_out",
    "email_limit_reached",
]);

/// The address to invite, and what accepting gives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The address to invite.
    email: EmailAddress,
    /// The role that accepting gives.
    role: Role,
    /// Whether accepting turns on billing emails.
    #[serde(default)]
    receives_billing_emails: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = &Scope::of(app, request)?;
    scope.require_verified_email()?;
    let body: Body = input::body(request)?;
    let key = input::idempotency_key(request)?;
    let wish = &Wish {
        mark: key.map(|key| Mark::of(scope, key, body.email.normal())),
        email: body.email,
        role: body.role,
        receives_billing_emails: body.receives_billing_emails,
    };
    let view = invite(app, scope, wish).await?;
    let id = scope.organization_id;
    let location = format!("/v1/organizations/{id}/invites/{}", view.id);
    Ok(Response::created(location, &view))
}

/// An invite to create.
pub(super) struct Wish {
    /// The mark of the request, if it has an idempotency key.
    pub(super) mark: Option<Mark>,
    /// The address.
    pub(super) email: EmailAddress,
    /// The role that accepting gives.
    pub(super) role: Role,
    /// Whether accepting turns on billing emails.
    pub(super) receives_billing_emails: bool,
}

/// Creates an invite, or returns the one that the same request has created.
pub(super) async fn invite(app: &App, scope: &Scope, wish: &Wish) -> Result<InviteView, Error> {
    let id = scope.organization_id;
    let recipient = &wish.email.recipient_id();
    let (view, created) = app
        .mutate(move |now| async move {
            let keys = (
                Key::counts(id),
                Key::address(id, &wish.email),
                Key::recipient(recipient),
            );
            let (caller, (counts, address, recipient)) = scope.read(app, keys).await?;
            let history = EmailHistory {
                counts: &counts.unwrap_or_default(),
                address: address.as_ref(),
                recipient: recipient.as_ref(),
            };

            let invite_id = app.new_id();
            let input = InviteRequest {
                id: InviteId::new(wish.mark.map_or(invite_id, |mark| mark.stamp(invite_id))),
                email: wish.email.clone(),
                role: wish.role,
                receives_billing_emails: wish.receives_billing_emails,
            };
            let mut created = match create_invite(&caller, history, &app.limits.emails, input, now)
            {
                // Expired invites count until the cleanup; they must not block a new one.
                Err(Refusal::TooManyInvites)
                    if expire_invites::of_organization(app, id).await? > 0 =>
                {
                    return Ok(Decision::Reload);
                }
                Err(Refusal::InviteOutstanding { invite_id, .. })
                    if wish
                        .mark
                        .is_some_and(|mark| mark.is_of(invite_id.uuid(), now)) =>
                {
                    return match app.store.get(Key::invite(id, invite_id)).await? {
                        Some(invite) => {
                            let view = InviteView::of(&invite, &caller);
                            Ok(Decision::Unchanged((view, Created::Before)))
                        }
                        None => Ok(Decision::Reload),
                    };
                }
                decision => decision?,
            };

            let has_expired = created.expired.is_some();
            let (expired, ended) = created
                .expired
                .map(|expired| (expired.event, expired.invite))
                .unzip();
            let events = expired.into_iter().chain([created.event]);
            let transaction = Transaction::by(&caller, now, events)
                .add_invite(&mut created.invite)
                .write_address(&created.address)
                .write_recipient(created.email.recipient.as_ref());
            // An expired invite makes room for the new one: the count stays.
            let transaction = match &ended {
                Some(ended) => transaction
                    .end_expired_invite(ended)
                    .count_email(id, &created.email),
                None => transaction.count_invite(id, &created.email),
            };
            let view = InviteView::of(&created.invite, &caller);
            let created = Created::Now { has_expired };
            Ok(Decision::Commit(transaction, (view, created)))
        })
        .await?;
    if let Created::Now { has_expired } = created {
        count(Counter::InvitesCreated, 1);
        if has_expired {
            count(Counter::InvitesExpired, 1);
        }
    }
    Ok(view)
}

/// The request that created an invite.
enum Created {
    /// This one. An earlier invite to the address may have expired.
    Now { has_expired: bool },
    /// An earlier one with the same idempotency key.
    Before,
}
