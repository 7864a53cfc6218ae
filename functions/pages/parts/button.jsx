/**
 * Buttons. One that is of no use just now stays reachable, and says why.
 */

import { Tip } from "./tip.jsx";

/** @import { ComponentChildren } from "preact" */
/** @import { Permission } from "../api-types.d.ts" */

/**
 * @param {object} props
 * @param {ComponentChildren} props.children
 * @param {() => void} [props.onPress]
 * @param {"plain" | "main" | "danger" | "quiet" | "quiet-danger"} [props.look]
 * @param {string} [props.label] where what it shows does not say what it is about
 * @param {Permission} [props.may]
 * @param {boolean} [props.busy]
 * @param {boolean} [props.submits]
 * @param {string} [props.testid]
 */
export function Button({ children, onPress, look = "plain", label, may, busy = false, submits = false, testid }) {
  const forbidden = may !== undefined && !may.allowed;
  const off = forbidden || busy;
  return (
    <Tip reason={forbidden ? may.reason : null}>
      {(describedBy) => (
        <button
          type={submits ? "submit" : "button"}
          class={`button button-${look}`}
          aria-label={label}
          aria-disabled={off ? "true" : undefined}
          aria-describedby={describedBy}
          data-testid={testid}
          onClick={(event) => {
            if (off) {
              event.preventDefault();
            } else {
              onPress?.();
            }
          }}
        >
          {busy && <span class="spinner" aria-hidden="true" />}
          {children}
        </button>
      )}
    </Tip>
  );
}
