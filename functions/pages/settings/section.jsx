/** A part of the settings page: a heading that links lead to, and what is under it. */

import { useId } from "preact/hooks";

/** @import { ComponentChildren, RefObject } from "preact" */

/**
 * @param {object} props
 * @param {string} props.id
 * @param {string} props.title
 * @param {string} [props.count] how many things it lists
 * @param {string} [props.text]
 * @param {ComponentChildren} [props.aside] beside the heading
 * @param {RefObject<HTMLHeadingElement | null>} [props.heading]
 * @param {ComponentChildren} props.children
 */
export function Section({ id, title, count, text, aside, heading, children }) {
  const headingId = useId();
  return (
    <section id={id} class="section" aria-labelledby={headingId}>
      <div class="section-head">
        <div>
          <h2 id={headingId} tabIndex={-1} {...(heading ? { ref: heading } : {})}>
            {title}
            {count && <span class="count"> {count}</span>}
          </h2>
          {text && <p class="muted">{text}</p>}
        </div>
        {aside}
      </div>
      {children}
    </section>
  );
}
