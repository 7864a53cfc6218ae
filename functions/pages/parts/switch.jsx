/** Something that is on or off. */

import { words } from "../words.js";
import { Tip } from "./tip.jsx";

/** @import { Permission } from "../api-types.d.ts" */

/**
 * @param {object} props
 * @param {boolean} props.on
 * @param {string} props.label
 * @param {string} [props.shownLabel] what stands beside it, where it stands alone
 * @param {Permission} props.may
 * @param {boolean} [props.readOnly] for those who can never change it
 * @param {(on: boolean) => void} props.onChange
 */
export function Switch({ on, label, shownLabel, may, readOnly = false, onChange }) {
  if (readOnly && !may.allowed) {
    return (
      <span class="switch-text">
        <span class="hidden-text">{label}: </span>
        {on ? words.on : words.off}
        {shownLabel && (
          <span class="switch-label" aria-hidden="true">
            {shownLabel}
          </span>
        )}
      </span>
    );
  }
  return (
    <Tip reason={may.allowed ? null : may.reason}>
      {(describedBy) => (
        <span class="switch-line">
          <button
            type="button"
            role="switch"
            class="switch"
            aria-checked={on}
            aria-label={label}
            aria-disabled={may.allowed ? undefined : "true"}
            aria-describedby={describedBy}
            onClick={() => may.allowed && onChange(!on)}
          >
            <span class="switch-knob" aria-hidden="true" />
          </button>
          {shownLabel && (
            <span class="switch-label" aria-hidden="true">
              {shownLabel}
            </span>
          )}
        </span>
      )}
    </Tip>
  );
}
