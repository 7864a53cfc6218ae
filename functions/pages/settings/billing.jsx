/** What stands on invoices. For those who may; loaded when it is looked at. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { ask, told } from "../api.js";
import { Button } from "../parts/button.jsx";
import { Problem } from "../parts/dialog.jsx";
import { notify } from "../parts/notices.jsx";
import { Failed, Skeleton, useSeen } from "../parts/waiting.jsx";
import { words } from "../words.js";
import { Section } from "./section.jsx";

/** @import { BillingDetails, BillingView, SettingsView } from "../api-types.d.ts" */
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

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Billing({ page, settings }) {
  const [anchor, seen] = useSeen();
  const [billing, setBilling] = useState(/** @type {BillingView | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const load = useCallback(async () => {
    setError(null);
    try {
      setBilling(await ask("GET", `${page.path}/billing`));
    } catch (error) {
      setError(error);
    }
  }, [page.path]);
  useEffect(() => {
    if (seen) {
      void load();
    }
  }, [seen, load]);
  if (!settings.may.manage_billing.allowed) {
    return null;
  }
  return (
    <Section id="billing" title={words.settings.billing} text={words.billing.text}>
      <div class="card form-card" ref={anchor}>
        {error !== null && <Failed error={error} onRetry={load} />}
        {!billing && error === null && <Skeleton lines={4} />}
        {billing && <DetailsForm page={page} billing={billing} onSaved={setBilling} />}
      </div>
    </Section>
  );
}

/** @param {{ page: SettingsState, billing: BillingView, onSaved: (billing: BillingView) => void }} props */
function DetailsForm({ page, billing, onSaved }) {
  const [typed, setTyped] = useState(texts(billing.details));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const known = texts(billing.details);
  const changed = FIELDS.filter((field) => typed[field] !== known[field]);
  const save = async () => {
    setBusy(true);
    setProblem("");
    try {
      // Only what was changed here: the rest may be somebody else's newer text.
      const wish = Object.fromEntries(changed.map((field) => [field, typed[field]]));
      /** @type {BillingView} */
      const saved = await ask("PATCH", `${page.path}/billing`, { body: wish });
      onSaved(saved);
      setTyped(texts(saved.details));
      notify.done(words.billing.saved);
      // The log has a new line.
      void page.refresh();
    } catch (error) {
      setProblem(told(error));
    }
    setBusy(false);
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && changed.length > 0) {
          void save();
        }
      }}
    >
      <div class="pair">
        {FIELDS.map((field) => (
          <label key={field} class={field === "invoice_address" ? "field field-wide" : "field"}>
            <span class="label">{LABELS[field]}</span>
            {field === "invoice_address" ? (
              <textarea
                class="input"
                rows={3}
                dir="auto"
                value={typed[field]}
                onInput={(event) => setTyped({ ...typed, [field]: event.currentTarget.value })}
              />
            ) : (
              <input
                class="input"
                dir="auto"
                autocomplete={field === "company_name" ? "organization" : "off"}
                value={typed[field]}
                onInput={(event) => setTyped({ ...typed, [field]: event.currentTarget.value })}
              />
            )}
          </label>
        ))}
      </div>
      <Problem text={problem} />
      <div class="form-end">
        <Button look="main" submits busy={busy}>
          {words.save}
        </Button>
      </div>
    </form>
  );
}
