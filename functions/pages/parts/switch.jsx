/** Something that is on or off. */

import { Tip } from "./tip.jsx";

/** @import { Permission } from "../api-types.d.ts" */

/**
 * @param {object} props
 * @param {boolean} props.on
 * @param {string} props.label
 * @param {string} [props.shownLabel] what stands beside it, where it stands alone
 * @param {Permission} props.may
 * @param {(on: boolean) => void} props.onChange
 */
export function Switch({ on, label, shownLabel, may, onChange }) {
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
