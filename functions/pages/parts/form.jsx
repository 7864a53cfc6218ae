/**
 * Forms. One is sent once at a time. What the server refuses is told at the field
 * that it names, by the field's label, and the focus goes there; whatever else
 * went wrong is told at the form's end.
 */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Refusal, told } from "../api.js";

/** @import { ComponentChildren, RefObject } from "preact" */

/**
 * @typedef {object} Form
 * @property {boolean} busy
 * @property {Record<string, string>} labels
 * @property {(field: string) => string} problemOf what is wrong with a field
 * @property {string} problem what is wrong besides
 * @property {() => Promise<void>} submit
 * @property {{ ref: RefObject<HTMLFormElement | null>, onSubmit: (event: Event) => void }} attributes of its element
 */

/**
 * @param {() => Promise<void>} send
 * @param {Record<string, string>} [labels] what the page calls the API's fields
 * @returns {Form}
 */
export function useForm(send, labels = {}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const element = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    const wrong = error !== null && element.current?.querySelector('[aria-invalid="true"]');
    if (wrong instanceof HTMLElement) {
      wrong.focus();
    }
  }, [error]);
  const submit = async () => {
    if (busy) {
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await send();
    } catch (error) {
      setError(error);
    }
    setBusy(false);
  };
  const text = error === null ? "" : told(error, labels);
  const wrong = error instanceof Refusal && error.field !== null && error.field in labels ? error.field : null;
  return {
    busy,
    labels,
    problemOf: (field) => (field === wrong ? text : ""),
    problem: wrong === null ? text : "",
    submit,
    attributes: {
      ref: element,
      onSubmit: (event) => {
        event.preventDefault();
        void submit();
      },
    },
  };
}

/** @typedef {{ id: string, "aria-invalid": boolean, "aria-describedby": string }} FieldAttributes */

/**
 * A field with its label, and what is wrong with it.
 *
 * @param {object} props
 * @param {Form} props.form
 * @param {string} props.name what the API calls it
 * @param {string} [props.hint]
 * @param {boolean} [props.wide]
 * @param {(attributes: FieldAttributes) => ComponentChildren} props.children
 */
export function Field({ form, name, hint = "", wide = false, children }) {
  const id = useId();
  const problem = form.problemOf(name);
  return (
    <div class={wide ? "field field-wide" : "field"}>
      <label class="label" for={id}>
        {form.labels[name]}
      </label>
      {children({ id, "aria-invalid": problem !== "", "aria-describedby": `${id}-hint ${id}-problem` })}
      <p class="hint" id={`${id}-hint`} hidden={hint === ""}>
        {hint}
      </p>
      <Problem id={`${id}-problem`} text={problem} />
    </div>
  );
}

/** @param {{ text: string, id?: string }} props */
export function Problem({ text, id }) {
  return (
    <p class="problem" role="alert" id={id} hidden={text === ""}>
      {text}
    </p>
  );
}
