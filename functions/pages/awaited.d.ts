import type { Permission, SettingsView } from "./api-types.d.ts";

export type PlanView = { id: string; name: string; monthly_credits: number };
export type PeriodView = { start: string; end: string };
export type NextPlanView = PlanView & { from: string };
export type BillingDetailsView = { company_name: string | null; tax_id: string | null; invoice_address: string | null };
export type BillingView = {
  plan: PlanView;
  period: PeriodView;
  next_plan: NextPlanView | null;
  plans: PlanView[];
  details?: BillingDetailsView | null;
  may: { manage: Permission };
};
export type BillingSummary = { plan: PlanView; period: PeriodView; next_plan: NextPlanView | null };
export type UsageSummary = { used: number; allowed: number; remaining: number; days: { date: string; credits: number }[] };
export type Settings = SettingsView & { billing?: BillingSummary; usage?: UsageSummary };
