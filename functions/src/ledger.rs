//! Loading an organization's ledger: its plan, its meter and its counters.

use domain::{Billing, Caller, Ledger, Organization, Plan, PlanId, Refusal};
use store::{Counters, Key};

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
