/** A field for many email addresses: each becomes a chip as soon as it is complete. */

import { useRef } from "preact/hooks";
import { Cross } from "../parts/icons.jsx";
import { words } from "../words.js";
import { addresses } from "./addresses.js";

/** An address that nothing accepts is marked before it is sent. The server decides. */
const PLAUSIBLE = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** Whether the text ends an address: not inside of `Ada Lovelace <ada@…`. @param {string} text */
function isComplete(text) {
  return /[,;\n]\s*$/.test(text) || (/@.*\s$/.test(text) && !/<[^>]*$/.test(text));
}

/** The chips and what is still being typed, each address once. @param {string[]} chips @param {string} rest */
export function allOf(chips, rest) {
  return addresses([...chips, rest].join("\n"));
}

/**
 * @param {object} props
 * @param {string[]} props.chips
 * @param {string} props.rest what is being typed
 * @param {(chips: string[], rest: string) => void} props.onChange
 * @param {(email: string) => string | null} props.problemOf what is known against an address
 * @param {string} props.describedBy
 * @param {boolean} props.invalid
 * @param {() => void} props.onSubmit
 */
export function Chips({ chips, rest, onChange, problemOf, describedBy, invalid, onSubmit }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const complete = (/** @type {string} */ text) => onChange(allOf(chips, text), "");
  const problem = (/** @type {string} */ email) => (PLAUSIBLE.test(email) ? problemOf(email) : words.inviteForm.noAddress);
  return (
    // What is typed goes into the input, wherever in the box the click is.
    <div
      class="chips input"
      aria-invalid={invalid}
      onClick={(event) => {
        if (event.target === event.currentTarget) input.current?.focus();
      }}
    >
      {chips.length > 0 && (
        <ul class="plain-list chip-list" aria-label={words.inviteForm.chosen}>
          {chips.map((email) => {
            const wrong = problem(email);
            return (
              <li key={email} class={wrong ? "chip chip-wrong" : "chip"} title={wrong ?? undefined}>
                <bdi>{email}</bdi>
                {wrong && <span class="hidden-text">: {wrong}</span>}
                <button
                  type="button"
                  class="chip-remove"
                  aria-label={words.inviteForm.remove(email)}
                  onClick={() => {
                    onChange(
                      chips.filter((chip) => chip !== email),
                      rest,
                    );
                    input.current?.focus();
                  }}
                >
                  <Cross size={12} />
                </button>
              </li>
            );
          })}
        </ul>
      )}
      <input
        ref={input}
        id="invite-emails"
        class="chip-input"
        type="text"
        inputMode="email"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-label={words.inviteForm.emails}
        aria-describedby={describedBy}
        aria-invalid={invalid}
        value={rest}
        onInput={(event) => {
          const text = event.currentTarget.value;
          if (isComplete(text)) complete(text);
          else onChange(chips, text);
        }}
        onPaste={(event) => {
          const pasted = event.clipboardData?.getData("text/plain") ?? "";
          // A field of one line would run lines together.
          if (/[\s,;]/.test(pasted.trim())) {
            event.preventDefault();
            complete(`${rest} ${pasted}`);
          }
        }}
        onBlur={() => rest.trim() !== "" && complete(rest)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            if (rest.trim() !== "" && !event.ctrlKey && !event.metaKey) complete(rest);
            else onSubmit();
          } else if (event.key === "Backspace" && rest === "" && chips.length > 0) {
            event.preventDefault();
            onChange(chips.slice(0, -1), chips.at(-1) ?? "");
          }
        }}
      />
    </div>
  );
}
