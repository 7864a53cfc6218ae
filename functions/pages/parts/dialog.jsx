/**
 * Dialogs. Focus goes in when one opens and back to where it was when it closes;
 * where that is gone, to whatever the page names instead.
 */

import { useEffect, useId, useRef } from "preact/hooks";
import { words } from "../words.js";
import { Button } from "./button.jsx";
import { Problem, useForm } from "./form.jsx";

/** @import { ComponentChildren } from "preact" */

/**
 * @param {object} props
 * @param {string} props.title
 * @param {() => void} props.onClose
 * @param {boolean} [props.stays] Escape does not close it
 * @param {ComponentChildren} props.children
 */
export function Dialog({ title, onClose, stays = false, children }) {
  const id = useId();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const { current } = dialog;
    const before = document.activeElement;
    current?.showModal();
    return () => {
      current?.close();
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus();
      }
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!stays) {
          onClose();
        }
      }}
      onKeyDown={(event) => {
        // A second Escape would close it past `cancel`.
        if (stays && event.key === "Escape") {
          event.preventDefault();
        }
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/**
 * Asks before something happens that cannot simply be undone.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.action what the button that does it says
 * @param {string} [props.keep] what the other one says
 * @param {boolean} [props.danger]
 * @param {() => Promise<void>} props.onConfirm
 * @param {() => void} props.onClose
 * @param {ComponentChildren} props.children
 */
export function Confirm({ title, action, keep = words.cancel, danger = true, onConfirm, onClose, children }) {
  const { busy, problem, submit } = useForm(onConfirm);
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-text">{children}</div>
      <Problem text={problem} />
      <div class="dialog-actions">
        <Button onPress={onClose}>{keep}</Button>
        <Button look={danger ? "danger" : "main"} busy={busy} onPress={submit}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
