/** What stands on invoices, for those who may. */

import { ask } from "../api.js";
import { Button } from "../parts/button.jsx";
import { Field, Problem, useForm } from "../parts/form.jsx";
import { notify } from "../parts/notices.jsx";
import { Failed, Skeleton, useFound } from "../parts/waiting.jsx";
import { useTyped } from "../typed.js";
import { words } from "../words.js";
import { Section } from "./section.jsx";

/** @import { BillingDetails, BillingView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

const FIELDS = /** @type {const} */ (["company_name", "tax_id", "invoice_address"]);
const LABELS = { company_name: words.billing.company, tax_id: words.billing.taxId, invoice_address: words.billing.address };

/** @typedef {Record<typeof FIELDS[number], string>} Details */

/** @param {BillingDetails | null} details @returns {Details} */
function texts(details) {
  return {
    company_name: details?.company_name ?? "",
    tax_id: details?.tax_id ?? "",
    invoice_address: details?.invoice_address ?? "",
  };
}

/** @param {{ page: SettingsState }} props */
export function Billing({ page }) {
  /** @type {ReturnType<typeof useFound<BillingView>>} */
  const { found: billing, setFound: setBilling, error, load } = useFound(`${page.path}/billing`);
  return (
    <Section id="billing" title={words.settings.billing} text={words.billing.text}>
      <div class="card form-card">
        {error !== null && <Failed error={error} onRetry={load} />}
        {!billing && error === null && <Skeleton lines={4} />}
        {billing && <DetailsForm page={page} billing={billing} onSaved={setBilling} />}
      </div>
    </Section>
  );
}

/** @param {{ page: SettingsState, billing: BillingView, onSaved: (billing: BillingView) => void }} props */
function DetailsForm({ page, billing, onSaved }) {
  const known = texts(billing.details);
  // Only what was changed here: the rest may be somebody else's newer text.
  const [typed, setTyped] = useTyped(`${page.path}/billing`, /** @type {Partial<Details>} */ ({}));
  const changed = FIELDS.filter((field) => (typed[field] ?? known[field]) !== known[field]);
  const form = useForm(async () => {
    if (changed.length === 0) {
      notify.done(words.billing.nothingChanged);
      return;
    }
    const wish = Object.fromEntries(changed.map((field) => [field, typed[field]]));
    /** @type {BillingView} */
    const saved = await ask("PATCH", `${page.path}/billing`, { body: wish });
    onSaved(saved);
    setTyped({});
    notify.done(words.billing.saved);
    // The log has a new line.
    void page.refresh();
  }, LABELS);
  return (
    <form class="stack" {...form.attributes}>
      <div class="pair">
        {FIELDS.map((name) => {
          const shared = {
            class: "input",
            dir: /** @type {const} */ ("auto"),
            value: typed[name] ?? known[name],
            onInput: (/** @type {{ currentTarget: { value: string } }} */ { currentTarget }) => setTyped({ ...typed, [name]: currentTarget.value }),
          };
          return (
            <Field key={name} form={form} name={name} wide={name === "invoice_address"}>
              {(field) =>
                name === "invoice_address" ? (
                  <textarea {...shared} {...field} rows={3} />
                ) : (
                  <input {...shared} {...field} autocomplete={name === "company_name" ? "organization" : "off"} />
                )
              }
            </Field>
          );
        })}
      </div>
      <Problem text={form.problem} />
      <div class="form-end">
        <Button look="main" submits busy={form.busy}>
          {words.save}
        </Button>
      </div>
    </form>
  );
}
