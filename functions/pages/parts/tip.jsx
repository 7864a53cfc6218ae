/**
 * Why something cannot be done, told on hover and on focus.
 *
 * There is one bubble for the whole page, in the top layer, so that nothing cuts
 * it off. Escape closes it, and the pointer may rest on it.
 */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { sentence } from "../api.js";

/** @import { ComponentChildren } from "preact" */

const GAP = 8;

/**
 * @param {HTMLElement} bubble
 * @param {DOMRect} at
 */
function place(bubble, at) {
  const { offsetWidth: width, offsetHeight: height } = bubble;
  const left = Math.min(Math.max(GAP, at.left + at.width / 2 - width / 2), document.documentElement.clientWidth - width - GAP);
  const above = at.top - height - GAP;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${above > GAP ? above : at.bottom + GAP}px`;
}

/**
 * Wraps something that can take focus, or takes focus itself.
 *
 * @param {object} props
 * @param {string | null | undefined} props.reason nothing is told where there is none
 * @param {boolean} [props.takesFocus] where what is inside cannot
 * @param {string} [props.class]
 * @param {(describedBy: string | undefined) => ComponentChildren} props.children
 */
export function Tip({ reason, takesFocus = false, children, class: className = "" }) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const anchor = useRef(/** @type {HTMLSpanElement | null} */ (null));
  const bubble = useRef(/** @type {HTMLSpanElement | null} */ (null));

  useEffect(() => {
    if (!shown || !bubble.current || !anchor.current) {
      return undefined;
    }
    const { current } = bubble;
    current.showPopover();
    place(current, anchor.current.getBoundingClientRect());
    const close = (/** @type {Event} */ event) => {
      if (!(event instanceof KeyboardEvent) || event.key === "Escape") {
        setShown(false);
      }
    };
    addEventListener("keydown", close);
    addEventListener("scroll", close, true);
    return () => {
      removeEventListener("keydown", close);
      removeEventListener("scroll", close, true);
    };
  }, [shown]);

  if (!reason) {
    return <span class={`plain-tip ${className}`}>{children(undefined)}</span>;
  }
  return (
    <span
      ref={anchor}
      class={`tip ${className}`}
      onMouseEnter={() => setShown(true)}
      onMouseLeave={() => setShown(false)}
      onFocusIn={() => setShown(true)}
      onFocusOut={() => setShown(false)}
      {...(takesFocus ? { tabIndex: 0, "aria-describedby": id } : {})}
    >
      {children(takesFocus ? undefined : id)}
      <span id={id} class="hidden-text">
        {sentence(reason)}
      </span>
      {shown && (
        <span ref={bubble} class="bubble" popover="manual" role="tooltip">
          {sentence(reason)}
        </span>
      )}
    </span>
  );
}
