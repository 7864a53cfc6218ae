/**
 * What is typed outlives a sign-in that is over: this tab keeps it while its
 * person is at the provider, and the forms have it again afterwards. Secrets are
 * shown and never typed, so none is among it.
 */

import { useEffect, useState } from "preact/hooks";
import { person } from "./sign-in.js";

const KEPT = "typed";

/** Whose page this is. Whoever signs in leaves the page, so that is one person. */
const whose = person()?.sub ?? null;
/** What the forms hold now. @type {Map<string, unknown>} */
const now = new Map();
/** What they held when the page was left, until they take it. @type {Map<string, unknown>} */
let before = new Map();

/** For when the page is left to sign in again. */
export function keepTyped() {
  const typed = [...before, ...now];
  if (typed.length > 0) {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ whose, typed }));
    } catch {
      // Without storage nobody is signed in, and comes back.
    }
  }
}

/** Has the forms take what was kept, unless somebody else signed in. Gives whether there is anything. */
export function bringBackTyped() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing is kept where nothing can be stored.
  }
  before = new Map(kept?.whose === whose ? kept.typed : []);
  return before.size > 0;
}

/**
 * State for what is typed.
 *
 * @template T
 * @param {string} name one for each thing on these pages that can be typed
 * @param {T} initial
 * @returns {[T, (value: T) => void]}
 */
export function useTyped(name, initial) {
  const [value, setValue] = useState(() => /** @type {T} */ (before.get(name) ?? initial));
  useEffect(() => {
    before.delete(name);
    if (JSON.stringify(value) !== JSON.stringify(initial)) {
      now.set(name, value);
    }
    return () => {
      now.delete(name);
    };
  });
  return [value, setValue];
}
