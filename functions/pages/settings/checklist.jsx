/** What to do first in a new organization. It goes when all is done, or when it is put away. */

import { useState } from "preact/hooks";
import { Cross } from "../parts/icons.jsx";
import { isChecklistDismissed, isPlainClick, rememberDismissedChecklist, settingsPath } from "../places.js";
import { words } from "../words.js";

/** @import { SettingsView } from "../api-types.d.ts" */
/** @import { SubPage } from "../places.js" */

/**
 * @param {object} props
 * @param {string} props.id of the organization
 * @param {SettingsView} props.settings
 * @param {(view: SubPage | null, hash: string) => void} props.onGo
 */
export function Checklist({ id, settings, onGo }) {
  const [dismissed, setDismissed] = useState(() => isChecklistDismissed(id));
  const { may, members, invites, counts, usage } = settings;
  /** @type {{ text: string, done: boolean, page: SubPage | null, hash: string }[]} */
  const steps = [
    { text: words.checklist.invite, done: members.items.length > 1 || invites.items.length > 0, page: null, hash: "#invites" },
    { text: words.checklist.key, done: counts.api_keys > 0, page: "keys", hash: "" },
    { text: words.checklist.use, done: usage.used > 0 || usage.days.some((day) => day.credits > 0), page: null, hash: "#usage" },
  ];
  const done = steps.filter((step) => step.done).length;
  const isFor = may.invite.roles.length > 0 && may.manage_api_keys.allowed;
  if (!isFor || dismissed || done === steps.length) {
    return null;
  }
  return (
    <section class="card checklist" aria-label={words.checklist.title} data-testid="checklist">
      <div class="checklist-head">
        <h2>{words.checklist.title}</h2>
        <span class="muted small">{words.checklist.done(done, steps.length)}</span>
        <button
          type="button"
          class="icon-button"
          aria-label={words.checklist.dismiss}
          onClick={() => {
            rememberDismissedChecklist(id);
            setDismissed(true);
          }}
        >
          <Cross />
        </button>
      </div>
      <ol class="plain-list checklist-steps">
        {steps.map((step) => (
          <li key={step.text} class={step.done ? "checklist-step checklist-done" : "checklist-step"}>
            {step.done ? (
              <>
                <span class="hidden-text">{words.checklist.isDone}: </span>
                {step.text}
              </>
            ) : (
              <a
                href={settingsPath(id, step.page) + step.hash}
                onClick={(event) => {
                  if (step.page && isPlainClick(event)) {
                    event.preventDefault();
                    onGo(step.page, "");
                  }
                }}
              >
                {step.text}
              </a>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
