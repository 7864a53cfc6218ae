/**
 * Short messages about what just happened: shown at the page's foot, and read
 * out. A success goes by itself, unless there is something to do about it; a
 * failure stays until it is dismissed.
 */

import { useLayoutEffect, useState } from "preact/hooks";
import { connection, told } from "../api.js";
import { words } from "../words.js";
import { Cross } from "./icons.jsx";

/** @typedef {{ id: number, kind: "done" | "failed", text: string, stays: boolean }} Notice */

const SHOWN_FOR = 6_000;

/** @type {Notice[]} */
let notices = [];
let count = 0;
/** @type {Set<() => void>} */
const watchers = new Set();

/** @param {Notice[]} next */
function show(next) {
  notices = next;
  watchers.forEach((watcher) => watcher());
}

/** @param {number} id */
function dismiss(id) {
  show(notices.filter((notice) => notice.id !== id));
}

/** Has a notice go by itself, but not from under the pointer or the focus. @param {number} id */
function goesLater(id) {
  setTimeout(() => {
    const isUsed = document.querySelector(`[data-notice="${id}"]:is(:hover, :focus-within)`);
    if (isUsed) goesLater(id);
    else dismiss(id);
  }, SHOWN_FOR);
}

export const notify = {
  /**
   * @param {string} text
   * @param {{ stays?: boolean }} [options] `stays`: until it is dismissed
   */
  done(text, { stays = false } = {}) {
    const id = ++count;
    show([...notices.filter((notice) => notice.stays), { id, kind: "done", text, stays }]);
    if (!stays) {
      goesLater(id);
    }
  },
  /** @param {unknown} error an error, or a sentence */
  failed(error) {
    const text = typeof error === "string" ? error : told(error);
    show([...notices.filter((notice) => notice.text !== text), { id: ++count, kind: "failed", text, stays: true }]);
  },
};

/** Has the component drawn anew whenever the watched thing says so. @param {Set<() => void>} set */
function useWatched(set) {
  const [, draw] = useState(0);
  // At once: the first thing is told right after the page is first drawn.
  useLayoutEffect(() => {
    const watcher = () => draw((times) => times + 1);
    set.add(watcher);
    return () => {
      set.delete(watcher);
    };
  }, [set]);
}

export function Notices() {
  useWatched(watchers);
  useWatched(connection.watchers);
  const of = (/** @type {Notice["kind"]} */ kind) => notices.filter((notice) => notice.kind === kind);
  return (
    <div class="notices">
      <div role="status">
        {connection.lost && (
          <p class="notice notice-lost">
            <span class="spinner" aria-hidden="true" />
            {words.errors.lost}
          </p>
        )}
        {of("done").map((notice) => (
          <p key={notice.id} class="notice" data-testid="notice-done" data-notice={notice.id}>
            <span class="notice-mark" aria-hidden="true" />
            <span class="notice-text">{notice.text}</span>
            {notice.stays && <Dismiss notice={notice} />}
          </p>
        ))}
      </div>
      <div role="alert">
        {of("failed").map((notice) => (
          <p key={notice.id} class="notice notice-failed" data-testid="notice-failed">
            <span class="notice-text">{notice.text}</span>
            <Dismiss notice={notice} />
          </p>
        ))}
      </div>
    </div>
  );
}

/** @param {{ notice: Notice }} props */
function Dismiss({ notice }) {
  return (
    <button type="button" class="icon-button" aria-label={words.dismiss} onClick={() => dismiss(notice.id)}>
      <Cross />
    </button>
  );
}
