//! Plans, billing periods and billing details.

use chrono::{DateTime, Utc};
use domain::{
    Action, Billing, BillingDetails, Caller, CompanyName, InvoiceAddress, NextPlan, Period, Plan,
    PlanId, Plans, TaxId, may_change_plan, permit,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Permission, Version};
use crate::App;

/// A plan.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Plan")]
pub(crate) struct PlanView {
    /// The plan's id in the API.
    id: PlanId,
    /// The plan's display name.
    name: String,
    /// The credits of a billing period.
    monthly_credits: u64,
    /// The price, in words for people; `null` if the deployment gives none.
    price: Option<String>,
}

impl PlanView {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            id: plan.id.clone(),
            name: plan.name.clone(),
            monthly_credits: plan.monthly_credits,
            price: plan.price.clone(),
        }
    }
}

/// A billing period.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Period")]
pub(crate) struct PeriodView {
    /// The first instant.
    start: DateTime<Utc>,
    /// The first instant of the next period.
    end: DateTime<Utc>,
}

impl PeriodView {
    pub(crate) fn of(period: Period) -> Self {
        Self {
            start: period.start,
            end: period.end,
        }
    }
}

/// The details on an organization's invoices.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BillingDetails")]
pub(crate) struct BillingDetailsView {
    /// The company's name.
    company_name: Option<CompanyName>,
    /// The tax id.
    tax_id: Option<TaxId>,
    /// The address.
    invoice_address: Option<InvoiceAddress>,
}

impl BillingDetailsView {
    fn of(details: &BillingDetails) -> Self {
        Self {
            company_name: details.company_name.clone(),
            tax_id: details.tax_id.clone(),
            invoice_address: details.invoice_address.clone(),
        }
    }
}

/// A scheduled plan.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NextPlanView {
    #[serde(flatten)]
    plan: PlanView,
    /// The start of the plan: the end of the current period.
    from: DateTime<Utc>,
}

impl NextPlanView {
    fn of(next: &NextPlan, plans: &Plans) -> Self {
        Self {
            plan: PlanView::of(plans.get(&next.plan.id).unwrap_or(&next.plan)),
            from: next.from,
        }
    }
}

/// The plan and its period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanPeriodView {
    /// The plan.
    plan: PlanView,
    /// The current billing period.
    period: PeriodView,
    /// The scheduled plan.
    next_plan: Option<NextPlanView>,
}

impl PlanPeriodView {
    pub(crate) fn of(billing: &Billing, plans: &Plans, now: DateTime<Utc>) -> Self {
        let next = billing.next_plan_at(now);
        Self {
            plan: PlanView::of(&billing.plan_at(plans, now)),
            period: PeriodView::of(billing.period_at(now)),
            next_plan: next.map(|next| NextPlanView::of(next, plans)),
        }
    }
}

/// The caller's permissions on billing.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BillingPermissions {
    /// Change plan and details.
    manage: Permission,
    /// Change the plan.
    change_plan: Permission,
}

/// The plan, its period and the billing details.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BillingView {
    #[serde(flatten)]
    plan: PlanPeriodView,
    /// The plans on offer.
    plans: Vec<PlanView>,
    /// The billing details, for owners and admins.
    details: Option<BillingDetailsView>,
    /// Its version, for `If-Match`: another one after each change.
    version: Version,
    /// The caller's permissions.
    may: BillingPermissions,
}

impl BillingView {
    pub(crate) fn of(app: &App, billing: &Billing, caller: &Caller, now: DateTime<Utc>) -> Self {
        let (plans, policy) = (&app.plans, &app.plan_changes);
        let manage = permit(caller, Action::ManageBilling);
        Self {
            plan: PlanPeriodView::of(billing, plans, now),
            plans: plans.iter().map(PlanView::of).collect(),
            details: manage
                .is_ok()
                .then(|| BillingDetailsView::of(&billing.details)),
            version: billing.into(),
            may: BillingPermissions {
                manage: Permission::of(manage),
                change_plan: Permission::of(may_change_plan(caller, policy)),
            },
        }
    }
}
