/**
 * What is typed outlives its page: this tab keeps it while its person is elsewhere, be it
 * at the provider, on another page or at a reload, and the forms have it again afterwards.
 * Secrets are shown and never typed, so none is among it.
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

/** Whether the page is left to sign in again, which nobody has asked for. */
let signsIn = false;

/** For when the page is left to sign in again. */
export function leaveToSignIn() {
  signsIn = true;
}

function keep() {
  const typed = [...before, ...now];
  try {
    if (typed.length > 0) {
      sessionStorage.setItem(KEPT, JSON.stringify({ whose, typed, signsIn }));
    } else {
      sessionStorage.removeItem(KEPT);
    }
  } catch {
    // Without storage nobody is signed in, and comes back.
  }
}

/**
 * Has the forms take what was kept, unless somebody else signed in. Gives whether to say so:
 * after a sign-in that interrupted the person.
 */
export function bringBackTyped() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing is kept where nothing can be stored.
  }
  // Only from now on: on the way back from the provider, pages without forms are passed.
  addEventListener("pagehide", keep);
  before = new Map(kept?.whose === whose ? kept.typed : []);
  return before.size > 0 && kept.signsIn;
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
