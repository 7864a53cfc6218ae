/** A value to take along, with a button that copies it. */

import { useState } from "preact/hooks";
import { words } from "../words.js";
import { notify } from "./notices.jsx";

/**
 * @param {object} props
 * @param {string} props.text
 * @param {string} props.label what the button is about
 * @param {string} [props.testid]
 */
export function Copy({ text, label, testid }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      notify.done(words.copied);
      setTimeout(() => setCopied(false), 2_000);
    } catch (error) {
      notify.failed(error);
    }
  };
  return (
    <span class="copy">
      <code data-testid={testid}>{text}</code>
      <button type="button" class="button button-plain button-small" aria-label={label} onClick={copy}>
        {copied ? words.copied : words.copy}
      </button>
    </span>
  );
}
