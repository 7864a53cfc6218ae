//! Email delivery: the table's stream invokes the function with audit events that carry
//! an email.

use aws_lambda_events::dynamodb::EventRecord;
use domain::{
    AuditEvent, DeliveryState, Invite, InviteId, InviteToken, OptOutToken, Organization,
    OutboxEmail,
};
use mail::InviteEmail;
use serde_json::Value;
use store::{Commit, Key};

use super::{
    attempt::Attempt,
    billing_email,
    email_tags::Sending,
    stream::{self, Progress},
};
use crate::{App, Operation, error::Error};

/// Sends emails through SES, each at least once, or records why one cannot be sent.
pub static OPERATION: Operation = Operation::event("deliver-email", |app, event| {
    Box::pin(async move {
        let mut progress = Progress::default();
        for record in stream::records(event)? {
            let outcome = deliver(&app, &record).await;
            if !progress.note(&record, outcome) {
                break;
            }
        }
        Ok::<Value, Error>(progress.into_output())
    })
})
.needs(&[
    "EMAIL_FROM",
    "LINK_KEY_SECRET_ID",
    "PUBLIC_URL",
    "STACK_NAME",
]);

async fn deliver(app: &App, record: &EventRecord) -> Result<(), Error> {
    let event: AuditEvent = store::from_image(record.change.new_image.clone())?;
    match &event.email {
        Some(OutboxEmail::Invite {
            invite_id,
            times_sent,
        }) => deliver_invite(app, &event, *invite_id, *times_sent).await,
        Some(OutboxEmail::Billing { notice }) => billing_email::deliver(app, &event, notice).await,
        None => {
            tracing::error!(event_id = %event.id, "an event without an email was delivered");
            Ok(())
        }
    }
}

async fn deliver_invite(
    app: &App,
    event: &AuditEvent,
    invite_id: InviteId,
    times_sent: u32,
) -> Result<(), Error> {
    let id = event.organization_id;
    let keys = (Key::invite(id, invite_id), Key::organization(id));
    let (Some(invite), Some(organization)) = app.store.read(keys).await? else {
        return Ok(());
    };
    let now = app.clock.now();
    // The email is obsolete: the organization was deleted, the invite was answered, resent or already delivered.
    if organization.is_deleted()
        || invite.terms.times_sent != times_sent
        || invite.terms.is_expired(now)
        || invite.delivery.state != DeliveryState::Queued
    {
        return Ok(());
    }

    let outcome = send(app, &invite, &organization).await;
    let attempt = Attempt::after(event, &invite.delivery, outcome, now);
    match app
        .store
        .note_delivery(id, invite_id, times_sent, &attempt.delivery)
        .await?
    {
        // Another delivery of the record, or a report, was faster.
        Commit::Done | Commit::Stale | Commit::Contended | Commit::Throttled => {}
    }
    attempt.into_result()
}

async fn send(app: &App, invite: &Invite, organization: &Organization) -> Result<(), Error> {
    let keys = app.link_keys()?.get(app.clock.now()).await?;
    let token = InviteToken::sign(
        &keys.current,
        invite.organization_id,
        invite.id,
        invite.terms.times_sent,
        &invite.email,
    );
    let opt_out = OptOutToken::sign(
        &keys.current,
        invite.organization_id,
        invite.id,
        invite.terms.times_sent,
        &invite.email.recipient_id(),
    )
    .map(|token| token.encode())
    .unwrap_or_default();
    let inviter = invite.terms.invited_by.as_ref();
    let inviter = inviter.map(|by| Key::member(invite.organization_id, &by.id));
    let inviter = app.store.read(inviter).await?;
    let message = InviteEmail {
        organization_name: organization.name.as_str(),
        inviter_name: invite.terms.invited_by.as_ref().map(|by| by.name.as_str()),
        inviter_email: inviter.as_ref().map(|inviter| inviter.email.normal()),
        role: invite.terms.role.as_str(),
        receives_billing_emails: invite.terms.receives_billing_emails,
        expires_at: invite.terms.expires_at,
        link: &format!("{}/invites/{}", app.public_url, token.encode()),
        opt_out_page: &format!("{}/opt-outs/{opt_out}", app.public_url),
        opt_out: &format!("{}/v1/opt-outs/{opt_out}", app.public_url),
        recipient: invite.email.as_typed(),
    }
    .render(&app.brand)?;
    let tags = Sending::of(invite).to_tags();
    app.mailer()?
        .send(invite.email.normal(), &message, &tags)
        .await?;
    Ok(())
}
