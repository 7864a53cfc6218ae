/** Rows of people under column heads: a table to a screen reader, cards on a phone. */

import { words } from "../words.js";

/** @import { ComponentChildren, RefObject } from "preact" */

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.row the class of its rows
 * @param {string[]} props.columns what stands above them, but for the actions at their end
 * @param {RefObject<HTMLDivElement | null>} props.list the element of the rows
 * @param {string} props.testid of that element
 * @param {ComponentChildren} props.children the rows
 */
export function Table({ label, row, columns, list, testid, children }) {
  return (
    <div role="table" aria-label={label}>
      <div class={`row ${row} row-head`} role="row">
        {columns.map((column) => (
          <span key={column} role="columnheader">
            {column}
          </span>
        ))}
        <span role="columnheader">
          <span class="hidden-text">{words.actions}</span>
        </span>
      </div>
      <div ref={list} class="rows" role="rowgroup" data-testid={testid}>
        {children}
      </div>
    </div>
  );
}
