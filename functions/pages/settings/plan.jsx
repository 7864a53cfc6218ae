/** Choosing a plan, and when it begins. */

import { useState } from "preact/hooks";
import { ask } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Dialog } from "../parts/dialog.jsx";
import { Problem, useForm } from "../parts/form.jsx";
import { notify } from "../parts/notices.jsx";
import { Failed, Skeleton, useFound } from "../parts/waiting.jsx";
import { words } from "../words.js";

/** @import { BillingView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

/** What came of it. @param {BillingView} billing @param {string} before */
function outcome({ plan, next_plan: next }, before) {
  if (next) {
    return words.billing.planFollows(next.name, format.dayInUtc(next.from));
  }
  return plan.id === before ? words.billing.planStays(plan.name) : words.billing.planChanged(plan.name);
}

/** @param {{ page: SettingsState, used: number, onClose: () => void }} props */
export function PlanChoice({ page, used, onClose }) {
  /** @type {ReturnType<typeof useFound<BillingView>>} */
  const { found: billing, error, load } = useFound(`${page.path}/billing`);
  return (
    <Dialog title={words.billing.planTitle} onClose={onClose}>
      {error !== null && <Failed error={error} onRetry={load} />}
      {!billing && error === null && <Skeleton lines={6} />}
      {billing && <PlanForm page={page} billing={billing} used={used} onClose={onClose} />}
    </Dialog>
  );
}

/** @param {{ page: SettingsState, billing: BillingView, used: number, onClose: () => void }} props */
function PlanForm({ page, billing, used, onClose }) {
  const [plan, setPlan] = useState(billing.next_plan?.id ?? billing.plan.id);
  const [chosenWhen, setWhen] = useState(billing.next_plan ? "period_end" : "");
  const credits = billing.plans.find((one) => one.id === plan)?.monthly_credits ?? billing.plan.monthly_credits;
  // A smaller plan takes away what is paid for, so it begins with the next period unless told otherwise.
  const when = chosenWhen || (credits < billing.plan.monthly_credits ? "period_end" : "now");
  const stops = when === "now" && used >= credits && credits < billing.plan.monthly_credits;
  const planName = billing.plans.find((one) => one.id === plan)?.name ?? billing.plan.name;
  const form = useForm(async () => {
    /** @type {BillingView} */
    const changed = await ask("PATCH", `${page.path}/billing`, { body: { plan, when } });
    onClose();
    notify.done(outcome(changed, billing.plan.id));
    await page.refresh();
  });
  return (
    <form class="dialog-form" {...form.attributes}>
      <p class="dialog-text">{words.billing.planText}</p>
      <fieldset class="choices">
        <legend class="label">{words.usage.plan}</legend>
        {billing.plans.map((one) => (
          <label key={one.id} class="choice">
            <input type="radio" name="plan" value={one.id} checked={plan === one.id} onChange={() => setPlan(one.id)} />
            <span class="choice-text">
              <span class="strong">
                <bdi>{one.name}</bdi>
              </span>
              <span class="muted small">
                {words.usage.monthly(one.monthly_credits)}
                {one.price && (
                  <>
                    {" · "}
                    <bdi>{one.price}</bdi>
                  </>
                )}
              </span>
            </span>
            {one.id === billing.plan.id && <span class="badge">{words.billing.current}</span>}
          </label>
        ))}
      </fieldset>
      <fieldset class="choices choices-line">
        <legend class="label">{words.billing.when}</legend>
        {[
          ["now", words.billing.now],
          ["period_end", words.billing.periodEnd],
        ].map(([value = "", text]) => (
          <label key={value} class="check">
            <input type="radio" name="when" value={value} checked={when === value} onChange={() => setWhen(value)} />
            {text}
          </label>
        ))}
      </fieldset>
      {stops && <p class="callout callout-warn">{words.billing.stopsNow(used, planName, credits, format.dayInUtc(billing.period.end))}</p>}
      <Problem text={form.problem} />
      <div class="dialog-actions">
        <Button onPress={onClose}>{words.cancel}</Button>
        <Button look="main" submits busy={form.busy}>
          {words.billing.choose}
        </Button>
      </div>
    </form>
  );
}
