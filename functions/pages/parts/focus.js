/** Keeps focus on the page when what had it goes away. */

const FOCUSABLE = "button, a[href], input, select, textarea, [tabindex='0']";

/**
 * Once the page is drawn anew: what stands where a row of the list was, else the
 * last row, else the fallback.
 *
 * @param {HTMLElement | null} list
 * @param {number} index
 * @param {HTMLElement | null} fallback
 */
export function focusNear(list, index, fallback) {
  requestAnimationFrame(() => {
    const row = list?.isConnected ? (list.children[index] ?? list.lastElementChild) : null;
    const target = row?.querySelector(FOCUSABLE) ?? fallback;
    if (target instanceof HTMLElement) {
      target.focus();
    }
  });
}
