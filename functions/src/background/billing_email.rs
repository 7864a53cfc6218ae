//! The emails to everybody who receives an organization's billing emails.

use domain::{AuditEvent, Delivery, DeliveryState, InvoiceNews, Member, Notice, Organization};
use mail::{About, BillingEmail, InvoiceFacts, Message};
use store::{Key, BillingDelivery, PageRequest};

use super::deliver_email::delivery_after;
use crate::{App, failure::Failure};

/// After so many failures in one run the others have to wait for the next:
/// then it is the email service and not an address.
const MAX_FAILURES: u32 = 3;

/// Sends an event's notice to each recipient that has not got it yet.
///
/// # Errors
/// The last [`Failure`] of a recipient who is to be tried again.
pub(super) async fn deliver(app: &App, event: &AuditEvent, notice: &Notice) -> Result<(), Failure> {
    let id = event.organization_id;
    let organization: Option<Organization> = app.store.get(Key::organization(id)).await?;
    let Some(organization) = organization else {
        return Ok(());
    };
    let message = write(app, &organization, notice)?;
    let mut page = PageRequest::first(PageRequest::MAX_LIMIT);
    let mut failures = 0;
    let mut outcome = Ok(());
    loop {
        let members = app.store.members(id, &page).await?;
        for member in members.items.iter().filter(|member| receives(member)) {
            if let Err(failure) = deliver_to(app, event, member, &message).await {
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

/// The creator does always, whatever a record says.
fn receives(member: &Member) -> bool {
    member.receives_billing_emails || member.is_creator
}

async fn deliver_to(
    app: &App,
    event: &AuditEvent,
    member: &Member,
    message: &Message,
) -> Result<(), Failure> {
    // Read again: the page may be older than the last removal.
    let member_key = Key::member(event.organization_id, &member.user_id);
    let billing_delivery_key = Key::billing_delivery(event.id, &member.user_id);
    let keys = [member_key.clone(), billing_delivery_key.clone()];
    let mut found = app.store.get_all(&keys).await?;
    let member: Option<Member> = found.take(&member_key)?;
    let Some(member) = member.filter(receives) else {
        return Ok(());
    };
    let earlier: Option<BillingDelivery> = found.take(&billing_delivery_key)?;
    let earlier = earlier.map_or_else(|| Delivery::queued(event.at), |billing_delivery| billing_delivery.delivery);
    if earlier.state != DeliveryState::Queued {
        return Ok(());
    }
    let sent = app.mailer()?.send(member.email.normal(), message).await;
    let outcome = sent.map(|_| ()).map_err(Failure::from);
    let (delivery, failed) = delivery_after(event, &earlier, outcome, app.clock.now());
    let billing_delivery = BillingDelivery {
        event_id: event.id,
        user_id: member.user_id,
        delivery,
    };
    app.store.put_billing_delivery(&billing_delivery).await?;
    failed.map_or(Ok(()), Err)
}

fn write(app: &App, organization: &Organization, notice: &Notice) -> Result<Message, Failure> {
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
        Notice::Invoice { news, invoice } => {
            amount = invoice.amount.to_string();
            let facts = InvoiceFacts {
                number: invoice.number.as_str(),
                amount: &amount,
                due_date: invoice.due_date,
                url: invoice.url.as_ref().map(|url| url.as_str()),
            };
            match news {
                InvoiceNews::Issued => About::InvoiceIssued(facts),
                InvoiceNews::PaymentFailed => About::PaymentFailed(facts),
                InvoiceNews::PaymentSucceeded => About::PaymentSucceeded(facts),
            }
        }
    };
    let mail = BillingEmail {
        organization_name: organization.name.as_str(),
        about,
        page: &format!("{}/dashboard/organization-settings", app.public_url),
    };
    Ok(mail.render()?)
}
