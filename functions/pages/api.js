/**
 * Asking the API.
 *
 * A lost connection is told and tried again. A sign-in that is over leads to the
 * provider and back to the same place. Whatever else goes wrong is a `Refusal`
 * with the server's own words.
 */

import { SignInError, idToken, isFresh, renew, signIn } from "./sign-in.js";
import { leaveToSignIn } from "./typed.js";
import { words } from "./words.js";

/** @import { Problem } from "./api-types.d.ts" */

/** The server's no. `message` is a sentence to show. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {Partial<Problem>} problem
   */
  constructor(status, problem) {
    const detail = problem.detail ?? words.errors.unexpected;
    super(sentence(detail));
    this.name = "Refusal";
    this.status = status;
    this.code = problem.code ?? "";
    this.field = problem.field ?? null;
    this.detail = detail;
  }

  /**
   * The sentence, with the field by its label.
   *
   * @param {Record<string, string>} labels what the page calls the API's fields
   */
  told(labels) {
    const label = this.field === null ? undefined : labels[this.field];
    return label ? sentence(this.detail.replace(`\`${this.field}\``, label)) : this.message;
  }
}

/** Nothing was heard. Whether the request was carried out is not known. */
export class Unreachable extends Error {
  constructor() {
    super(words.errors.unreachable);
    this.name = "Unreachable";
  }
}

/**
 * The server's words as a sentence: they begin in lower case, end without a stop,
 * and have backticks around what they quote.
 *
 * @param {string} text
 */
export function sentence(text) {
  const quoted = text.replaceAll(/`([^`]*)`/g, "“$1”");
  const begun = quoted.charAt(0).toUpperCase() + quoted.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/**
 * What to tell somebody of an error.
 *
 * @param {unknown} error
 * @param {Record<string, string>} [labels] what the page calls the API's fields
 */
export function told(error, labels = {}) {
  if (error instanceof Refusal) {
    return error.told(labels);
  }
  return error instanceof Error && error.message ? error.message : words.errors.unexpected;
}

/** Whether the connection is lost at present, for whoever wants to say so. */
export const connection = {
  lost: false,
  /** @type {Set<() => void>} */
  watchers: new Set(),
  /** @param {boolean} lost */
  is(lost) {
    if (lost !== this.lost) {
      this.lost = lost;
      this.watchers.forEach((watcher) => watcher());
    }
  },
};

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;
/** A change is tried again so often; a page that waits to be shown, without end. */
const ATTEMPTS = 4;
/** Asking these twice is the same as asking once. */
const REPEATABLE = ["GET", "PUT", "PATCH", "DELETE"];

/**
 * @typedef {object} Options
 * @property {unknown} [body]
 * @property {boolean} [anonymous] without sign-in
 * @property {string} [idempotencyKey] with it, a POST may be repeated, too
 */

/**
 * @template [T=unknown]
 * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<T>}
 * @throws {Refusal | Unreachable}
 */
export async function ask(method, path, options = {}) {
  const repeatable = REPEATABLE.includes(method) || options.idempotencyKey !== undefined;
  let pause = FIRST_PAUSE;
  for (let attempt = 1; ; attempt++) {
    const last = !repeatable || (method !== "GET" && attempt >= ATTEMPTS);
    try {
      const response = await send(method, path, options);
      connection.is(false);
      // The server asks to come back: somebody else was quicker, or it was out of breath.
      if (response.status === 503 && repeatable && attempt < ATTEMPTS) {
        await elapsed(pause);
        continue;
      }
      return /** @type {T} */ (await read(response));
    } catch (error) {
      if (!(error instanceof Unreachable)) {
        throw error;
      }
      connection.is(true);
      if (last) {
        throw error;
      }
      await elapsed(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
async function send(method, path, options) {
  const request = () => {
    /** @type {Record<string, string>} */
    const headers = { accept: "application/json" };
    const token = options.anonymous ? null : idToken();
    if (token) {
      headers["authorization"] = `Bearer ${token}`;
    }
    if (options.idempotencyKey) {
      headers["idempotency-key"] = options.idempotencyKey;
    }
    /** @type {RequestInit} */
    const init = { method, headers, credentials: "omit", cache: "no-store" };
    if (options.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(options.body);
    }
    return heard(fetch(path, init));
  };
  if (!options.anonymous && !idToken()) {
    await signInAgain();
  }
  const response = await request();
  if (response.status !== 401 || options.anonymous) {
    return response;
  }
  await signInAgain();
  const again = await request();
  if (again.status === 401) {
    throw new SignInError("not_accepted");
  }
  return again;
}

/**
 * A fresh token; where none can be had quietly, the page is left and comes back. The
 * token that it comes back with is the last: a refusal of that is told.
 */
async function signInAgain() {
  const wasFresh = isFresh();
  if (!(await heard(renew()))) {
    if (wasFresh) {
      throw new SignInError("not_accepted");
    }
    leaveToSignIn();
    await signIn(location.pathname + location.search + location.hash);
  }
}

/**
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
async function heard(answer) {
  try {
    return await answer;
  } catch (error) {
    const silent = error instanceof TypeError || (error instanceof Error && "reason" in error && error.reason === "unreachable");
    throw silent ? new Unreachable() : error;
  }
}

/** @param {Response} response */
async function read(response) {
  if (response.status === 204) {
    return null;
  }
  const body = await heard(response.text());
  let value = null;
  try {
    value = JSON.parse(body);
  } catch {
    // Whatever stands between has answered in the API's place.
  }
  if (!response.ok) {
    throw new Refusal(response.status, value ?? {});
  }
  return value;
}

/**
 * Some time, or less when the connection comes back.
 *
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
function elapsed(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}

/**
 * All further pages of a list, up to as many items as asked for.
 *
 * @template T
 * @param {string} path
 * @param {string | null} cursor
 * @param {number} [atLeast] how many items; all if left out
 * @returns {Promise<{ items: T[], next_cursor: string | null }>}
 */
export async function further(path, cursor, atLeast = Infinity) {
  /** @type {T[]} */
  const items = [];
  while (cursor !== null && items.length < atLeast) {
    const query = new URLSearchParams({ limit: "100", cursor });
    /** @type {{ items: T[], next_cursor: string | null }} */
    const page = await ask("GET", `${path}${path.includes("?") ? "&" : "?"}${query}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return { items, next_cursor: cursor };
}
