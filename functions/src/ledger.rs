//! Loading an organization's ledger: its plan, its meter and its counters.

use domain::{Billing, Caller, Ledger, Organization, Refusal};
use store::{Counters, Key};

use crate::{App, access::Scope, error::Error};

/// Returns the billing record that was read, or that of a new organization.
pub(crate) fn billing(app: &App, read: Option<Billing>, organization: &Organization) -> Billing {
    read.unwrap_or_else(|| Billing::of(organization, &app.plans))
}

/// Reads the caller, the organization and its ledger.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] when the caller is not a member.
pub(crate) async fn of_caller(
    app: &App,
    scope: &Scope,
) -> Result<(Caller, Organization, Ledger), Error> {
    let id = scope.organization_id;
    let keys = (Key::organization(id), Key::billing(id), Counters(id));
    let (caller, (organization, read, counters)) = scope.read(app, keys).await?;
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    let ledger = Ledger {
        billing: billing(app, read, &organization),
        counters,
    };
    Ok((caller, organization, ledger))
}
