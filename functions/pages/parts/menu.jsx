/**
 * A button that opens a list of actions or choices below it, in the top layer, so that
 * nothing cuts it off. The keys are those of the menus of the system: arrows, Home, End,
 * a first letter, Escape.
 */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { sentence } from "../api.js";

/** @import { ComponentChildren } from "preact" */
/** @import { Permission } from "../api-types.d.ts" */

/**
 * @typedef {object} Item
 * @property {string} text
 * @property {string} [hint] what it comes to
 * @property {boolean} [checked] of a choice: whether it is the present one
 * @property {boolean} [danger]
 * @property {Permission} [may]
 * @property {() => void} onChoose
 */

const GAP = 4;

/** @param {HTMLElement} list @param {HTMLElement} button @param {boolean} atEnd */
function place(list, button, atEnd) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const { clientWidth, clientHeight } = document.documentElement;
  const left = atEnd ? at.right - width : at.left;
  const below = at.bottom + GAP;
  const top = below + height > clientHeight && at.top - GAP - height > 0 ? at.top - GAP - height : below;
  list.style.left = `${Math.max(GAP, Math.min(left, clientWidth - width - GAP))}px`;
  list.style.top = `${top}px`;
}

/**
 * @param {object} props
 * @param {string} props.label what the button is called
 * @param {string} props.class of the button
 * @param {ComponentChildren} props.children what the button shows
 * @param {boolean} [props.atEnd] the list ends where the button ends
 * @param {() => Item[]} props.items
 */
export function Menu({ label, class: className, children, atEnd = false, items }) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));

  const entries = () => [.../** @type {NodeListOf<HTMLElement>} */ (list.current?.querySelectorAll("button") ?? [])];
  /** @param {boolean} [returns] the focus, to the button */
  const close = (returns = true) => {
    setOpen(false);
    if (returns) {
      button.current?.focus();
    }
  };
  useEffect(() => {
    if (!open || !list.current || !button.current) {
      return undefined;
    }
    list.current.showPopover();
    place(list.current, button.current, atEnd);
    const all = entries();
    (all.find((entry) => entry.ariaChecked === "true") ?? all[0])?.focus();
    const elsewhere = (/** @type {Event} */ event) => {
      const inside = event.target instanceof Node && (list.current?.contains(event.target) || button.current?.contains(event.target));
      if (!inside) {
        close(false);
      }
    };
    const events = ["pointerdown", "focusin", "scroll"];
    events.forEach((event) => addEventListener(event, elsewhere, true));
    const resized = () => close();
    addEventListener("resize", resized);
    return () => {
      events.forEach((event) => removeEventListener(event, elsewhere, true));
      removeEventListener("resize", resized);
    };
  }, [open]);

  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const all = entries();
    const here = all.findIndex((entry) => entry === document.activeElement);
    const letter = event.key.length === 1 && event.key !== " " ? event.key.toLocaleLowerCase() : null;
    const behind = [...all.slice(here + 1), ...all.slice(0, here + 1)];
    const next = {
      ArrowDown: all[(here + 1) % all.length],
      ArrowUp: all[(here - 1 + all.length) % all.length],
      Home: all[0],
      End: all.at(-1),
    }[event.key];
    const found = next ?? (letter && behind.find((entry) => entry.textContent?.trim().toLocaleLowerCase().startsWith(letter)));
    if (event.key === "Escape" || event.key === "Tab") {
      close();
      event.stopPropagation();
      // Tab goes on from the button.
      if (event.key === "Escape") event.preventDefault();
    } else if (found) {
      event.preventDefault();
      found.focus();
    }
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class={className}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => (open ? close() : setOpen(true))}
        onKeyDown={(event) => {
          if (!open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        {children}
      </button>
      {open && (
        <div ref={list} class="menu" role="menu" aria-label={label} popover="manual" onKeyDown={move}>
          {items().map((item, index) => {
            const off = item.may !== undefined && !item.may.allowed;
            const hint = off ? sentence(item.may?.reason ?? "") : item.hint;
            return (
              <button
                key={index}
                type="button"
                class={`menu-item ${item.danger ? "menu-item-danger" : ""}`}
                role={item.checked === undefined ? "menuitem" : "menuitemradio"}
                aria-checked={item.checked}
                aria-disabled={off ? "true" : undefined}
                aria-labelledby={`${id}-${index}`}
                aria-describedby={hint ? `${id}-${index}-hint` : undefined}
                tabIndex={-1}
                onClick={() => {
                  if (!off) {
                    close();
                    item.onChoose();
                  }
                }}
              >
                <span id={`${id}-${index}`}>{item.text}</span>
                {hint && (
                  <span class="muted small" id={`${id}-${index}-hint`}>
                    {hint}
                  </span>
                )}
              </button>
            );
          })}
        </div>
      )}
    </>
  );
}

/**
 * What can be done with a row.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {() => Item[]} props.items
 */
export function RowMenu({ label, items }) {
  return (
    <Menu class="icon-button row-menu" label={label} items={items} atEnd>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="3" cy="8" r="1.4" fill="currentColor" />
        <circle cx="8" cy="8" r="1.4" fill="currentColor" />
        <circle cx="13" cy="8" r="1.4" fill="currentColor" />
      </svg>
    </Menu>
  );
}
