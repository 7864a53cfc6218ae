/** Somebody: initials, name, address. Whatever people call themselves is text. */

/** @import { ComponentChildren } from "preact" */

const TINTS = 6;

/** @param {{ name: string, seed: string, square?: boolean }} props */
export function Initials({ name, seed, square = false }) {
  const letters = name
    .split(/[\s@._-]+/u)
    .filter((part) => /^\p{L}|^\p{N}/u.test(part))
    .slice(0, 2)
    .map((part) => [...part][0]?.toLocaleUpperCase() ?? "");
  let hash = 0;
  for (const letter of seed) {
    hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
  }
  return (
    <span class={`initials tint-${hash % TINTS} ${square ? "initials-square" : ""}`} aria-hidden="true">
      {letters.join("") || "?"}
    </span>
  );
}

/**
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.id
 * @param {ComponentChildren} [props.detail]
 * @param {ComponentChildren} [props.badges]
 */
export function PersonLine({ name, id, detail, badges }) {
  return (
    <span class="person">
      <Initials name={name} seed={id} />
      <span class="person-text">
        <span class="person-name">
          <bdi>{name}</bdi>
          {badges}
        </span>
        {detail && <span class="muted small">{detail}</span>}
      </span>
    </span>
  );
}
