//! Reading an organization's ledger: its plan, its meter and its counters.

use domain::{Billing, Ledger, Member, Organization, OrganizationId, Refusal};
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
    let id = organization.id;
    let billing: Option<Billing> = found.take(&Key::billing(id))?;
    Ok(Ledger {
        billing: billing.unwrap_or_else(|| Billing::of(organization, &app.plans)),
        counters: found.take_counters(id)?,
    })
}

/// An organization's ledger, for one of its members.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] when the person is no member.
pub(crate) async fn of_member(app: &App, asked: &Asked) -> Result<(Ledger, Member), Failure> {
    let id = asked.organization_id;
    let organization = Key::organization(id);
    let keys: Vec<Key> = [asked.membership_key(), organization.clone()]
        .into_iter()
        .chain(keys(id))
        .collect();
    let mut found = app.store.get_all(&keys).await?;
    let me = asked.membership(&mut found)?;
    let organization: Option<Organization> = found.take(&organization)?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    Ok((take(app, &mut found, &organization)?, me))
}

/// An organization's plan and details, for one of its members.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] when the person is no member.
pub(crate) async fn plan_of_member(app: &App, asked: &Asked) -> Result<(Billing, Member), Failure> {
    let id = asked.organization_id;
    let (organization, billing) = (Key::organization(id), Key::billing(id));
    let keys = [
        asked.membership_key(),
        organization.clone(),
        billing.clone(),
    ];
    let mut found = app.store.get_all(&keys).await?;
    let me = asked.membership(&mut found)?;
    let organization: Option<Organization> = found.take(&organization)?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    let billing: Option<Billing> = found.take(&billing)?;
    Ok((
        billing.unwrap_or_else(|| Billing::of(&organization, &app.plans)),
        me,
    ))
}
