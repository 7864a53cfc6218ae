//! Reading an organization's ledger: its plan, its meter and its counters.

use domain::{Billing, Ledger, Member, Organization, OrganizationId};
use store::{Found, Key};

use crate::{App, access::Asked, failure::Failure};

/// Where an organization's ledger is.
pub(crate) fn keys(id: OrganizationId) -> impl Iterator<Item = Key> {
    std::iter::once(Key::billing(id)).chain(Key::counters(id))
}

/// Takes an organization's ledger from what was read. Whoever has changed
/// nothing yet has no record of it.
pub(crate) fn take(
    app: &App,
    found: &mut Found,
    organization: &Organization,
) -> Result<Ledger, Failure> {
    Ok(Ledger {
        billing: take_billing(app, found, organization)?,
        counters: found.take_counters(organization.id)?,
    })
}

fn take_billing(
    app: &App,
    found: &mut Found,
    organization: &Organization,
) -> Result<Billing, Failure> {
    let billing = found.take(&Key::billing(organization.id))?;
    Ok(billing.unwrap_or_else(|| Billing::of(organization, &app.plans)))
}

/// An organization with its ledger, for one of its members.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] when the person is no member.
pub(crate) async fn of_member(
    app: &App,
    asked: &Asked,
) -> Result<(Organization, Ledger, Member), Failure> {
    let id = asked.organization_id;
    let keys: Vec<Key> = [asked.membership_key(), Key::organization(id)]
        .into_iter()
        .chain(keys(id))
        .collect();
    let mut found = app.store.get_all(&keys).await?;
    let (organization, me) = asked.take(&mut found)?;
    let ledger = take(app, &mut found, &organization)?;
    Ok((organization, ledger, me))
}

/// An organization's plan and details, for one of its members.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] when the person is no member.
pub(crate) async fn plan_of_member(app: &App, asked: &Asked) -> Result<(Billing, Member), Failure> {
    let id = asked.organization_id;
    let keys = [
        asked.membership_key(),
        Key::organization(id),
        Key::billing(id),
    ];
    let mut found = app.store.get_all(&keys).await?;
    let (organization, me) = asked.take(&mut found)?;
    Ok((take_billing(app, &mut found, &organization)?, me))
}
