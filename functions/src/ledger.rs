//! Loading an organization's ledger: its plan, its meter and its counters.

use domain::{Billing, Caller, Ledger, Organization, OrganizationId, Plan, PlanId, Refusal};
use store::{Batch, Counters, Key};

use crate::{App, access::Scope, error::Error};

/// Returns the billing record that was read, or that of a new organization.
pub(crate) fn billing(app: &App, read: Option<Billing>, organization: &Organization) -> Billing {
    read.unwrap_or_else(|| Billing::of(organization, &app.plans))
}

impl App {
    /// Finds a plan by the id in a field of the input.
    ///
    /// # Errors
    /// [`Error::Invalid`] lists the plans on offer.
    pub(crate) fn plan(&self, field: &str, id: &PlanId) -> Result<&Plan, Error> {
        self.plans.get(id).ok_or_else(|| {
            let ids: Vec<&str> = self.plans.iter().map(|plan| plan.id.as_str()).collect();
            Error::field(field, format_args!("must be one of {}", ids.join(", ")))
        })
    }
}

/// The keys of an organization and its ledger.
pub(crate) type Keys = (Key<Organization>, Key<Billing>, Counters);

/// Returns the keys to read for [`of`].
pub(crate) fn keys(id: OrganizationId) -> Keys {
    (Key::organization(id), Key::billing(id), Counters::all(id))
}

/// Returns the organization and its ledger from what was read.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`].
pub(crate) fn of(
    app: &App,
    (organization, read, counters): <Keys as Batch>::Found,
) -> Result<(Organization, Ledger), Refusal> {
    let organization = organization.ok_or(Refusal::OrganizationNotFound)?;
    let ledger = Ledger {
        billing: billing(app, read, &organization),
        counters,
    };
    Ok((organization, ledger))
}

/// Reads the caller, the organization and its ledger.
///
/// # Errors
/// [`Refusal::OrganizationNotFound`] when the caller is not a member.
pub(crate) async fn of_caller(
    app: &App,
    scope: &Scope,
) -> Result<(Caller, Organization, Ledger), Error> {
    let (caller, found) = scope.read(app, keys(scope.organization_id)).await?;
    let (organization, ledger) = of(app, found)?;
    Ok((caller, organization, ledger))
}
