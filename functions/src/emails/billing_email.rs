//! Delivery of billing emails to their recipients.

use domain::{
    AuditEvent, Delivery, DeliveryState, InvoiceEvent, Member, Notice, Organization, Role,
};
use mail::{About, BillingEmail, InvoiceFacts, Message};
use store::{BillingDelivery, Key, PageRequest};

use super::attempt::Attempt;
use crate::{App, error::Error};

/// The number of failures that ends a run: then the email service is at fault, not an
/// address, and the remaining recipients wait for the next run.
const MAX_FAILURES: u32 = 3;

/// Sends an event's notice to each recipient who has not received it.
///
/// # Errors
/// The last [`Error`] of a recipient that will be retried.
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
        for member in members.items.iter().filter(|member| receives(member)) {
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

/// The creator always does; of a deletion, every owner hears.
fn receives(member: &Member, notice: &Notice) -> bool {
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
    let sent = app.mailer()?.send(member.email.normal(), message).await;
    let outcome = sent.map(|_| ()).map_err(Error::from);
    let attempt = Attempt::after(event, &earlier, outcome, app.clock.now());
    let delivery = BillingDelivery {
        event_id: event.id,
        user_id: member.user_id,
        delivery: attempt.delivery.clone(),
    };
    app.store.put_billing_delivery(&delivery).await?;
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
