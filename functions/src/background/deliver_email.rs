//! The emails' way out: the table's stream calls it with the audit events that
//! have an email to send.

use aws_lambda_events::dynamodb::EventRecord;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AuditEvent, Delivery, DeliveryState, Invite, InviteId, InviteToken, EmailKind, Organization,
};
use mail::InviteEmail;
use serde_json::Value;
use store::{Commit, Key};

use super::{
    billing_email,
    email_tags::Sending,
    stream::{self, Progress},
};
use crate::{
    App, Operation,
    failure::Failure,
    metrics::{Counter, count},
    telemetry,
};

/// How long an email is tried to be sent before it counts as failed. The template
/// has Lambda deliver a record for longer than that, so that it is always this
/// function that gives up, and says so.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::minutes(30);

/// Sends emails through SES: each at least once, or notes why it could not.
pub static OPERATION: Operation = Operation::event("deliver-email", |app, event| {
    Box::pin(async move {
        let mut progress = Progress::default();
        for record in stream::records(event)? {
            let outcome = deliver(&app, &record).await;
            if !progress.note(&record, outcome) {
                break;
            }
        }
        Ok::<Value, Failure>(progress.into_answer())
    })
});

async fn deliver(app: &App, record: &EventRecord) -> Result<(), Failure> {
    let event: AuditEvent = store::from_image(record.change.new_image.clone())?;
    match (event.mail, &event.notice) {
        (Some(EmailKind::Invite), _) => deliver_invite(app, &event).await,
        (Some(EmailKind::Billing), Some(notice)) => billing_email::deliver(app, &event, notice).await,
        (Some(EmailKind::Billing), None) | (None, _) => Ok(()),
    }
}

async fn deliver_invite(app: &App, event: &AuditEvent) -> Result<(), Failure> {
    let (Some(times_sent), Ok(invite_id)) = (event.times_sent, InviteId::parse(&event.subject.id))
    else {
        return Ok(());
    };
    let id = event.organization_id;
    let (invite_key, organization_key) = (Key::invite(id, invite_id), Key::organization(id));
    let mut found = app
        .store
        .get_all(&[invite_key.clone(), organization_key.clone()])
        .await?;
    let invite: Option<Invite> = found.take(&invite_key)?;
    let organization: Option<Organization> = found.take(&organization_key)?;
    let now = app.clock.now();
    let (Some(invite), Some(organization)) = (invite, organization) else {
        return Ok(());
    };
    // Answered, sent again or delivered before: this email is nobody's any more.
    if invite.times_sent != times_sent
        || invite.is_expired(now)
        || invite.delivery.state != DeliveryState::Queued
    {
        return Ok(());
    }

    let outcome = send(app, &invite, &organization).await;
    let (delivery, failed) = delivery_after(event, &invite.delivery, outcome, now);
    match app
        .store
        .note_delivery(id, invite_id, times_sent, &delivery)
        .await?
    {
        Commit::Done | Commit::Conflict => {}
    }
    failed.map_or(Ok(()), Err)
}

/// How far an email has come with another attempt, and the failure if it is to be
/// tried again.
pub(super) fn delivery_after(
    event: &AuditEvent,
    before: &Delivery,
    outcome: Result<(), Failure>,
    now: DateTime<Utc>,
) -> (Delivery, Option<Failure>) {
    let Err(failure) = outcome else {
        count(Counter::EmailsSent, 1);
        let sent = Delivery {
            state: DeliveryState::Sent,
            at: now,
            failures: before.failures,
            reason: None,
        };
        return (sent, None);
    };
    let failures = before.failures + 1;
    let (last, reason) = match &failure {
        Failure::Send(error) => (error.is_permanent(), error.reason()),
        _ => (false, "the mail could not be made"),
    };
    // The first attempt may come late; it is never the last for that alone.
    let given_up = failures > 1 && now - event.at >= GIVE_UP_AFTER;
    let last = last || given_up;
    if last {
        count(Counter::EmailsFailed, 1);
        let error = telemetry::chain(&failure);
        tracing::error!(event_id = %event.id, error, "a mail was given up");
    }
    let delivery = Delivery {
        state: if last {
            DeliveryState::Failed
        } else {
            DeliveryState::Queued
        },
        at: now,
        failures,
        reason: Some(reason.to_owned()),
    };
    (delivery, (!last).then_some(failure))
}

async fn send(app: &App, invite: &Invite, organization: &Organization) -> Result<(), Failure> {
    let keys = app.link_keys()?.get(app.clock.now()).await?;
    let token = InviteToken::sign(
        &keys.current,
        invite.organization_id,
        invite.id,
        invite.times_sent,
        &invite.email,
    );
    let message = InviteEmail {
        organization_name: organization.name.as_str(),
        inviter_name: &invite.invited_by.name,
        role: invite.role.as_str(),
        receives_billing_emails: invite.receives_billing_emails,
        expires_at: invite.expires_at,
        link: &format!("{}/invites/{}", app.public_url, token.encode()),
        recipient: invite.email.as_typed(),
    }
    .render()?;
    let tags = Sending::of(invite).to_tags();
    app.mailer()?
        .send_tagged(invite.email.normal(), &message, &tags)
        .await?;
    Ok(())
}
