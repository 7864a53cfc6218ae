//! Loading an organization's ledger: its plan, its meter and its counters.

use domain::{Billing, Caller, Ledger, Organization, OrganizationId, Plan, PlanId, Refusal};
use store::{Batch, Counters, Key};

use crate::{App, access::Scope, error::Error, memory::Memory};

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

/// The counters that are read of an organization that the process does not know: those of
/// a plan with up to 12,000 credits.
const GUESS: u8 = 4;

/// The numbers of counters that organizations have, as far as the process knows. A counter
/// that does not exist costs as much to read as one that does, and most organizations have
/// one of the sixteen.
#[derive(Debug, Default)]
pub(crate) struct CounterMemory(Memory<OrganizationId, u8>);

impl CounterMemory {
    /// Returns the counters to read first.
    fn guess(&self, id: OrganizationId) -> Counters {
        let known = self.0.lock().get(&id).copied();
        Counters::first(id, known.unwrap_or(GUESS))
    }

    /// Learns the number of counters from the meter that was read with some of them. Returns
    /// all counters if these were too few. Their number only grows.
    fn more(&self, read: Option<&Billing>, counters: Counters) -> Option<Counters> {
        let billing = read?;
        let count = billing.meter.as_ref()?.counters;
        let id = billing.organization_id;
        self.0.with_room(|_| true).insert(id, count);
        (count > counters.count()).then(|| Counters::first(id, count))
    }
}

/// Reads the counters of an organization, with its billing record among others: as many as
/// the process knows of, and once more if there are more.
///
/// # Errors
/// Those of `read`.
pub(crate) async fn with_counters<T, E, F>(
    app: &App,
    id: OrganizationId,
    read: impl Fn(Counters) -> F,
    billing: impl Fn(&T) -> Option<&Billing>,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut counters = app.counters.guess(id);
    loop {
        let found = read(counters).await?;
        match app.counters.more(billing(&found), counters) {
            Some(more) => counters = more,
            None => return Ok(found),
        }
    }
}

/// The keys of an organization and its ledger.
pub(crate) type Keys = (Key<Organization>, Key<Billing>, Counters);

/// Returns the keys to read for [`of`].
pub(crate) fn keys(id: OrganizationId, counters: Counters) -> Keys {
    (Key::organization(id), Key::billing(id), counters)
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
    let id = scope.organization_id;
    let read = |counters| scope.read(app, keys(id, counters));
    let (caller, found) = with_counters(app, id, read, |(_, found)| found.1.as_ref()).await?;
    let (organization, ledger) = of(app, found)?;
    Ok((caller, organization, ledger))
}
