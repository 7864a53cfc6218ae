//! Billing: an organization's plan and the details on its invoices.

mod details;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use details::change_details;
pub use details::{BillingDetails, CompanyName, InvalidDetail, InvoiceAddress, TaxId};

use crate::{
    Action, Actor, Anchor, Caller, Change, Counter, Event, EventKind, Ledger, Level, Meter,
    Organization, OrganizationId, Period, Plan, PlanChanges, Plans, Refusal, Subject, SubjectKind,
    permit,
};

/// A scheduled change of plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPlan {
    /// The plan.
    pub plan: Plan,
    /// The time of the change: the end of a period.
    pub from: DateTime<Utc>,
}

/// An organization's plan, meter and billing details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The day from which its periods are counted.
    pub anchor: Anchor,
    /// The plan, with its terms at the time it was chosen.
    pub plan: Plan,
    /// The scheduled plan. Once due it is the plan, even before the table says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_plan: Option<NextPlan>,
    /// The details on its invoices.
    pub details: BillingDetails,
    /// The allocation of the period's credits; `None` before the first use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<Meter>,
    /// The number of changes, for optimistic concurrency.
    pub version: u64,
}

/// The time at which a change of plan takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum When {
    /// Immediately: the period and the credits used in it stay.
    Now,
    /// At the end of the current period.
    PeriodEnd,
}

/// The changes of billing; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct BillingUpdate {
    /// The new plan, and the time at which it takes effect.
    pub plan: Option<(Plan, When)>,
    /// The new company name; `Some(None)` removes it.
    pub company_name: Option<Option<CompanyName>>,
    /// The new tax ID; `Some(None)` removes it.
    pub tax_id: Option<Option<TaxId>>,
    /// The new postal address; `Some(None)` removes it.
    pub invoice_address: Option<Option<InvoiceAddress>>,
}

/// The result of a change of plan or details.
#[derive(Debug, Clone)]
pub struct BillingChange {
    /// The changed plan and details.
    pub billing: Billing,
    /// Every counter, newly allocated; empty if the allocation is unchanged.
    pub counters: Vec<Counter>,
    /// The events to record.
    pub events: Vec<Event>,
}

impl Billing {
    /// Returns the billing of an organization that has not changed it yet: on the
    /// first plan, with periods from the day of the organization's creation.
    pub fn of(organization: &Organization, plans: &Plans) -> Self {
        Self {
            organization_id: organization.id,
            anchor: Anchor::on(organization.created_at),
            plan: plans.first().clone(),
            next_plan: None,
            details: BillingDetails::default(),
            meter: None,
            version: 0,
        }
    }

    /// Returns the period that contains `now`. A clock that lags behind never
    /// leads back to a period that has ended.
    pub fn period_at(&self, now: DateTime<Utc>) -> Period {
        self.anchor.period_at(self.not_before_the_period(now))
    }

    /// Returns the plan at `now`, with the terms that the deployment offers. A plan
    /// that is no longer offered keeps the terms with which it was chosen.
    pub fn plan_at(&self, plans: &Plans, now: DateTime<Utc>) -> Plan {
        let due = self
            .next_plan
            .as_ref()
            .filter(|next| self.is_due(next, now));
        let plan = due.map_or(&self.plan, |next| &next.plan);
        plans.get(&plan.id).unwrap_or(plan).clone()
    }

    /// Returns the scheduled plan, unless it is due.
    pub fn next_plan_at(&self, now: DateTime<Utc>) -> Option<&NextPlan> {
        let next = self.next_plan.as_ref();
        next.filter(|next| !self.is_due(next, now))
    }

    /// Returns the meter, if it is of the period that contains `now`.
    pub(crate) fn meter_at(&self, now: DateTime<Utc>) -> Option<&Meter> {
        let start = self.period_at(now).start;
        let meter = self.meter.as_ref();
        meter.filter(|meter| meter.period_start == start)
    }

    /// Returns the number of the allocation: a plan change makes another.
    pub fn generation(&self) -> u64 {
        self.meter.as_ref().map_or(0, |meter| meter.generation)
    }

    /// Applies a scheduled plan that is due. Returns the event to record.
    pub(crate) fn settle(&mut self, plans: &Plans, now: DateTime<Utc>) -> Option<Event> {
        let due = self
            .next_plan
            .as_ref()
            .filter(|next| self.is_due(next, now));
        due?;
        let plan = self.plan_at(plans, now);
        let before = std::mem::replace(&mut self.plan, plan);
        self.next_plan = None;
        Some(self.plan_changed(Actor::System, &before))
    }

    pub(crate) fn as_subject(&self) -> Subject {
        Subject {
            kind: SubjectKind::Billing,
            id: self.organization_id.to_string(),
            name: Some(self.plan.name.clone()),
        }
    }

    fn plan_changed(&self, actor: Actor, before: &Plan) -> Event {
        let (from, to) = (before.monthly_credits, self.plan.monthly_credits);
        Event::new(
            EventKind::BillingPlanChanged,
            actor,
            self.as_subject(),
            vec![
                Change::changed("plan", &before.id, &self.plan.id),
                Change::changed("monthly_credits", from, to),
            ],
        )
    }

    fn not_before_the_period(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let start = self.meter.as_ref().map(|meter| meter.period_start);
        start.map_or(now, |start| now.max(start))
    }

    fn is_due(&self, next: &NextPlan, now: DateTime<Utc>) -> bool {
        next.from <= self.not_before_the_period(now)
    }
}

/// Applies a scheduled plan that is due. Returns the changed billing and the
/// event to record; `None` if no plan is due.
pub fn begin_next_plan(
    billing: &Billing,
    plans: &Plans,
    now: DateTime<Utc>,
) -> Option<(Billing, Event)> {
    let mut next = billing.clone();
    let event = next.settle(plans, now)?;
    Some((next, event))
}

/// Decides whether a caller may change the plan in this deployment.
///
/// # Errors
/// [`Refusal::OwnerOrAdminRequired`]; [`Refusal::PlanChangeNotAllowed`].
pub fn may_change_plan(caller: &Caller, policy: &PlanChanges) -> Result<(), Refusal> {
    permit(caller, Action::ManageBilling)?;
    match (caller, policy) {
        (Caller::Member(_) | Caller::Suspended(..), PlanChanges::Server { url }) => {
            Err(Refusal::PlanChangeNotAllowed { url: url.clone() })
        }
        (_, PlanChanges::Customer) | (Caller::Server(_), _) => Ok(()),
    }
}

/// Decides the plan that the product's backend sets, such as after a payment.
/// Returns no events if nothing changes.
pub fn set_plan(
    ledger: &Ledger,
    plans: &Plans,
    plan: Plan,
    when: When,
    now: DateTime<Utc>,
) -> BillingChange {
    let mut next = ledger.clone();
    let mut events: Vec<Event> = next.billing.settle(plans, now).into_iter().collect();
    events.extend(apply_plan(&mut next, &Actor::System, plan, when, now));
    change_of(ledger, next, events)
}

/// Decides a change of plan or details, as a whole. Returns no events if nothing
/// changes.
///
/// # Errors
/// [`Refusal::OwnerOrAdminRequired`]; [`Refusal::PlanChangeNotAllowed`].
pub fn update_billing(
    caller: &Caller,
    ledger: &Ledger,
    plans: &Plans,
    policy: &PlanChanges,
    update: BillingUpdate,
    now: DateTime<Utc>,
) -> Result<BillingChange, Refusal> {
    permit(caller, Action::ManageBilling)?;
    let mut next = ledger.clone();
    let mut events: Vec<Event> = next.billing.settle(plans, now).into_iter().collect();
    if let Some((plan, when)) = update.plan {
        may_change_plan(caller, policy)?;
        events.extend(apply_plan(&mut next, &caller.as_actor(), plan, when, now));
    }
    let update = BillingUpdate {
        plan: None,
        ..update
    };
    events.extend(change_details(&mut next.billing, caller, update));
    Ok(change_of(ledger, next, events))
}

/// Returns the changes between two ledgers: counters only where they were allocated.
fn change_of(before: &Ledger, next: Ledger, events: Vec<Event>) -> BillingChange {
    let is_allocated = next.billing.generation() != before.billing.generation();
    BillingChange {
        billing: next.billing,
        counters: if is_allocated {
            next.counters
        } else {
            Vec::new()
        },
        events,
    }
}

fn apply_plan(
    next: &mut Ledger,
    actor: &Actor,
    plan: Plan,
    when: When,
    now: DateTime<Utc>,
) -> Vec<Event> {
    if next.billing.plan.id == plan.id {
        return keep_plan(&mut next.billing, actor).into_iter().collect();
    }
    match when {
        When::Now => change_plan(next, actor, plan, now),
        When::PeriodEnd => schedule_plan(&mut next.billing, actor, plan, now)
            .into_iter()
            .collect(),
    }
}

/// Changes the plan within the period. The period and the credits used in it
/// stay, so that a change neither loses credits nor grants them twice.
fn change_plan(next: &mut Ledger, actor: &Actor, plan: Plan, now: DateTime<Utc>) -> Vec<Event> {
    let before = std::mem::replace(&mut next.billing.plan, plan);
    let mut event = next.billing.plan_changed(actor.clone(), &before);
    if let Some(dropped) = next.billing.next_plan.take() {
        event
            .changes
            .push(Change::removed("next_plan", dropped.plan.id));
    }
    let mut events = vec![event];
    if let Some(meter) = next.billing.meter_at(now).cloned() {
        let used = next.used_at(now);
        let credits = next.billing.plan.monthly_credits;
        let level = Level::of(used, credits);
        next.allocate(
            Meter {
                credits,
                level,
                ..meter
            },
            used,
            now,
        );
        events.extend(next.threshold(meter.level, level, used));
    }
    events
}

fn schedule_plan(
    billing: &mut Billing,
    actor: &Actor,
    plan: Plan,
    now: DateTime<Utc>,
) -> Option<Event> {
    let present = billing.next_plan.as_ref().map(|next| &next.plan.id);
    if present == Some(&plan.id) {
        return None;
    }
    let from = billing.period_at(now).end;
    let event = Event::new(
        EventKind::BillingPlanChangeScheduled,
        actor.clone(),
        billing.as_subject(),
        vec![
            Change::changed("plan", &billing.plan.id, &plan.id),
            Change::added("from", from.format("%Y-%m-%d")),
        ],
    );
    billing.next_plan = Some(NextPlan { plan, from });
    Some(event)
}

fn keep_plan(billing: &mut Billing, actor: &Actor) -> Option<Event> {
    let dropped = billing.next_plan.take()?;
    Some(Event::new(
        EventKind::BillingPlanChangeCancelled,
        actor.clone(),
        billing.as_subject(),
        vec![Change::removed("next_plan", dropped.plan.id)],
    ))
}
