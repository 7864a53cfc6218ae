//! Delivery of billing emails to their recipients.

use std::time::Duration;

use domain::{
    AuditEvent, Delivery, DeliveryState, InvoiceEvent, Member, Notice, Organization, Role,
};
use mail::{About, BillingEmail, InvoiceFacts, Message};
use store::{BillingDelivery, Commit, Each, Key, PageRequest};

use super::{attempt::Attempt, email_tags::BillingSending};
use crate::{App, error::Error, mutate};

/// The number of failures that ends a run: then the email service is at fault, not an
/// address, and the remaining recipients wait for the next run.
const MAX_FAILURES: u32 = 3;
/// The time that an email to one recipient may take. Without it, the rest waits for the
/// next run, which Lambda begins with the same record.
const RESERVE: Duration = Duration::from_secs(5);

/// Sends an event's notice to each recipient who has not received it.
///
/// # Errors
/// The last [`Error`] of a recipient that will be retried; [`Error::OutOfTime`] if there
/// are recipients left.
pub(super) async fn deliver(app: &App, event: &AuditEvent, notice: &Notice) -> Result<(), Error> {
    let id = event.organization_id;
    let Some(organization) = app.store.get(Key::organization(id)).await? else {
        return Ok(());
    };
    // Of a deleted organization, people hear only that it is.
    if organization.is_deleted() != matches!(notice, Notice::Deletion { .. }) {
        return Ok(());
    }
    let receives = |member: &Member| receives(member, notice);
    let message = write(app, &organization, notice)?;
    let mut page = PageRequest::first(PageRequest::MAX_LIMIT);
    let mut failures = 0;
    let mut outcome = Ok(());
    loop {
        let members = app.store.members(id, &page).await?;
        let recipients: Vec<&Member> = members.items.iter().filter(|one| receives(one)).collect();
        let key = |one: &&Member| Key::billing_delivery(event.id, &one.user_id);
        let deliveries = Each(recipients.iter().map(key).collect());
        let deliveries = app.store.read(deliveries).await?;
        for (member, earlier) in recipients.into_iter().zip(deliveries) {
            if earlier?.is_some_and(|earlier| earlier.delivery.state != DeliveryState::Queued) {
                continue;
            }
            if mutate::time_left().is_some_and(|left| left < RESERVE) {
                return Err(Error::OutOfTime);
            }
            let sent = deliver_to(app, event, member, &receives, &message).await;
            if let Err(failure) = sent {
                outcome = Err(failure);
                failures += 1;
                if failures >= MAX_FAILURES {
                    return outcome;
                }
            }
        }
        let next = members.next_cursor;
        match next.and_then(|cursor| PageRequest::at(PageRequest::MAX_LIMIT, &cursor)) {
            Some(next) => page = next,
            None => return outcome,
        }
    }
}

/// Returns whether a member gets a notice. Of a handover, the former and the new creator
/// do; of all else, those who receive billing emails do, and with them the creator, or
/// every owner if it is of a deletion. An address whose emails are stopped gets none.
fn receives(member: &Member, notice: &Notice) -> bool {
    if member.billing_emails_stopped.is_some() {
        return false;
    }
    let is_concerned = match notice {
        Notice::HandOver { from, to } => {
            return member.user_id == *from || member.user_id == *to;
        }
        Notice::Deletion { .. } => member.role == Role::Owner,
        Notice::Credits { .. } | Notice::Invoice { .. } => member.is_creator,
    };
    member.receives_billing_emails || is_concerned
}

async fn deliver_to(
    app: &App,
    event: &AuditEvent,
    member: &Member,
    receives: &impl Fn(&Member) -> bool,
    message: &Message,
) -> Result<(), Error> {
    // Reads the member again, because the page may be older than the last removal.
    let keys = (
        Key::member(event.organization_id, &member.user_id),
        Key::billing_delivery(event.id, &member.user_id),
    );
    let (member, earlier) = app.store.read(keys).await?;
    let Some(member) = member.filter(receives) else {
        return Ok(());
    };
    let earlier = earlier.map_or_else(|| Delivery::queued(event.at), |earlier| earlier.delivery);
    if earlier.state != DeliveryState::Queued {
        return Ok(());
    }
    let tags = BillingSending {
        organization_id: event.organization_id,
        event_id: event.id,
        user_id: member.user_id.clone(),
    }
    .to_tags();
    let mailer = app.mailer()?;
    let sent = mailer.send(member.email.normal(), message, &tags).await;
    let outcome = sent.map(|_| ()).map_err(Error::from);
    let attempt = Attempt::after(event, &earlier, outcome, app.clock.now());
    let delivery = BillingDelivery {
        event_id: event.id,
        user_id: member.user_id,
        delivery: attempt.delivery.clone(),
    };
    match app.store.note_billing_delivery(&delivery).await? {
        // Another delivery of the record, or a report, was faster.
        Commit::Done | Commit::Stale | Commit::Contended | Commit::Throttled => {}
    }
    attempt.into_result()
}

fn write(app: &App, organization: &Organization, notice: &Notice) -> Result<Message, Error> {
    let amount;
    let about = match notice {
        Notice::Credits {
            percent,
            used,
            allowed,
            plan,
            period_end,
        } => About::Credits {
            percent: *percent,
            used: *used,
            allowed: *allowed,
            plan,
            renews_at: *period_end,
        },
        Notice::HandOver { .. } => About::HandOver,
        Notice::Deletion { purge_at } => About::Deletion {
            restorable_until: *purge_at,
        },
        Notice::Invoice { event, invoice } => {
            amount = invoice.amount.to_string();
            let facts = InvoiceFacts {
                number: invoice.number.as_str(),
                amount: &amount,
                due_date: invoice.due_date,
                url: invoice.url.as_ref().map(|url| url.as_str()),
            };
            match event {
                InvoiceEvent::Issued => About::InvoiceIssued(facts),
                InvoiceEvent::PaymentFailed => About::PaymentFailed(facts),
                InvoiceEvent::PaymentSucceeded => About::PaymentSucceeded(facts),
            }
        }
    };
    let email = BillingEmail {
        organization_name: organization.name.as_str(),
        about,
        page: &format!(
            "{}/dashboard/organization-settings?organization={}#usage",
            app.public_url, organization.id
        ),
    };
    Ok(email.render(&app.brand)?)
}
