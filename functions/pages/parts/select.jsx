/** A choice of one. */

import { Chevron } from "./icons.jsx";

/**
 * @param {object} props
 * @param {string} props.value
 * @param {(readonly [string, string])[]} props.options values with what stands for them
 * @param {string} [props.label] where no label is around it
 * @param {(value: string) => void} props.onChoose
 */
export function Select({ value, options, label, onChoose }) {
  return (
    <span class="select-box">
      <select
        aria-label={label}
        class="select"
        value={value}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          // What is shown follows from the state, not from the click.
          event.currentTarget.value = value;
          onChoose(chosen);
        }}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
      <Chevron class="select-arrow" />
    </span>
  );
}
