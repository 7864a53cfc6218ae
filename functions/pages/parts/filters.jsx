/** A choice of which part of a list is shown. */

import { format } from "../format.js";

/**
 * @template {string} V
 * @param {object} props
 * @param {string} props.label
 * @param {V} props.value
 * @param {[V, string, number | null][]} props.options values, their texts, and how many there are
 * @param {(value: V) => void} props.onChoose
 */
export function Filters({ label, value, options, onChoose }) {
  return (
    <div class="filters" role="group" aria-label={label}>
      {options.map(([one, text, count]) => (
        <button key={one} type="button" class="filter" aria-pressed={one === value} onClick={() => onChoose(one)}>
          {text}
          {count !== null && <span class="count"> {format.number(count)}</span>}
        </button>
      ))}
    </div>
  );
}
