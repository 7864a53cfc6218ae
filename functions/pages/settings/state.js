/**
 * What the settings page shows, and how it changes.
 *
 * A change shows at once where it is easily taken back, and is taken back when
 * the server says no. Everything is asked anew when somebody returns to the
 * page, unless to a dialog, and after each refusal: others may have changed it meanwhile. What is
 * being typed is not part of this state, so nothing of it is lost.
 */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask, further } from "../api.js";
import { notify } from "../parts/notices.jsx";

/** @import { ListOfInviteView, ListOfMemberView, SettingsView } from "../api-types.d.ts" */

/** Somebody who returns sooner sees what they saw. */
const FRESH_FOR = 5_000;

/**
 * @template R
 * @typedef {object} Change
 * @property {() => Promise<R>} request
 * @property {(settings: SettingsView) => SettingsView} [at] how it looks at once
 * @property {(settings: SettingsView) => SettingsView} [back] how it looks again when refused
 * @property {(settings: SettingsView, answer: R) => SettingsView} done
 * @property {string} said
 * @property {(answer: R) => string} [todo] what there is to do now, if anything
 */

/**
 * @typedef {object} SettingsState
 * @property {SettingsView | null} settings
 * @property {unknown} error why there is nothing to show
 * @property {string} path of the organization in the API
 * @property {() => Promise<void>} refresh
 * @property {(update: (settings: SettingsView) => SettingsView) => void} update
 * @property {<R>(change: Change<R>) => Promise<boolean>} change gives whether it was done; what went wrong is told
 * @property {(list: "members" | "invites", atLeast?: number) => Promise<void>} more
 */

/**
 * A list's further pages, until it is as long as it was.
 *
 * @template T
 * @param {{ items: T[], next_cursor: string | null }} first
 * @param {string} path
 * @param {number} length
 */
async function upTo(first, path, length) {
  const rest = await further(path, first.next_cursor, length - first.items.length);
  return { items: [...first.items, .../** @type {T[]} */ (rest.items)], next_cursor: rest.next_cursor };
}

/** @typedef {{ id: string } | { user_id: string }} Identified */

/** @param {Identified} item */
function identity(item) {
  return "id" in item ? item.id : item.user_id;
}

/** Where in the API the lists are. */
const LISTS = { members: "members", invites: "invites" };

/**
 * @param {string} organizationId
 * @returns {SettingsState}
 */
export function useSettings(organizationId) {
  const path = `/v1/organizations/${encodeURIComponent(organizationId)}`;
  const [settings, setSettings] = useState(/** @type {SettingsView | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const latest = useRef(settings);
  latest.current = settings;
  /** Goes up with every change: an answer that was asked for before is out of date. */
  const epoch = useRef(0);
  const askedAt = useRef(0);

  const refresh = useCallback(async () => {
    for (;;) {
      const begun = epoch.current;
      askedAt.current = Date.now();
      try {
        /** @type {SettingsView} */
        const fresh = await ask("GET", `${path}/settings`);
        const shown = latest.current;
        if (shown) {
          /** @type {ListOfMemberView} */
          const members = await upTo(fresh.members, `${path}/members`, shown.members.items.length);
          /** @type {ListOfInviteView} */
          const invites = await upTo(fresh.invites, `${path}/invites`, shown.invites.items.length);
          fresh.members = members;
          fresh.invites = invites;
        }
        if (begun !== epoch.current) {
          continue;
        }
        setSettings(fresh);
        setError(null);
      } catch (error) {
        // A page that stands is better than none, unless there is nothing left to see.
        if (!latest.current || (error instanceof Refusal && error.status === 404)) {
          setSettings(null);
          setError(error);
        }
      }
      return;
    }
  }, [path]);

  useEffect(() => {
    void refresh();
    const returned = () => {
      // Asking may lead to the sign-in, away from a secret that is shown this once.
      const undisturbed = !document.querySelector("dialog[open]");
      if (undisturbed && document.visibilityState === "visible" && Date.now() - askedAt.current > FRESH_FOR) {
        void refresh();
      }
    };
    addEventListener("focus", returned);
    document.addEventListener("visibilitychange", returned);
    return () => {
      removeEventListener("focus", returned);
      document.removeEventListener("visibilitychange", returned);
    };
  }, [refresh]);

  const update = useCallback((/** @type {(settings: SettingsView) => SettingsView} */ how) => {
    epoch.current += 1;
    setSettings((settings) => settings && how(settings));
  }, []);

  /** @type {SettingsState["change"]} */
  const change = useCallback(
    async ({ request, at, back, done, said, todo }) => {
      if (at) {
        update(at);
      }
      try {
        const answer = await request();
        update((settings) => done(settings, answer));
        const next = todo?.(answer) ?? "";
        notify.done(`${said} ${next}`.trim(), { stays: next !== "" });
        return true;
      } catch (error) {
        if (back) {
          update(back);
        }
        notify.failed(error);
        void refresh();
        return false;
      }
    },
    [refresh, update],
  );

  /** @type {SettingsState["more"]} */
  const more = useCallback(
    async (list, atLeast = 1) => {
      const cursor = latest.current?.[list].next_cursor ?? null;
      try {
        /** @type {{ items: Identified[], next_cursor: string | null }} */
        const page = await further(`${path}/${LISTS[list]}`, cursor, atLeast);
        update((settings) => {
          const shown = settings[list];
          // Another call was quicker: its page is there already.
          if (shown.next_cursor !== cursor) {
            return settings;
          }
          // What was made on this page stands at the end of its list already.
          const known = new Set(shown.items.map(identity));
          const items = page.items.filter((item) => !known.has(identity(item)));
          return { ...settings, [list]: { items: [...shown.items, ...items], next_cursor: page.next_cursor } };
        });
      } catch (error) {
        notify.failed(error);
      }
    },
    [path, update],
  );

  return { settings, error, path, refresh, update, change, more };
}

/**
 * Whether there is nothing that the person can change for others: then the page offers no
 * actions, and says once who can. A suspension says so itself.
 *
 * @param {SettingsView} settings
 */
export function isReader({ may, organization }) {
  return may.invite.roles.length === 0 && !may.manage_api_keys.allowed && !organization.suspension;
}

/**
 * The settings with one item of a list replaced, or without it.
 *
 * @template {"members" | "invites"} L
 * @param {SettingsView} settings
 * @param {L} list
 * @param {(item: SettingsView[L]["items"][number]) => boolean} which
 * @param {Partial<SettingsView[L]["items"][number]> | null} item
 * @returns {SettingsView}
 */
export function withItem(settings, list, which, item) {
  const shown = settings[list];
  /** @type {any[]} */
  const all = shown.items;
  const items = item ? all.map((one) => (which(one) ? { ...one, ...item } : one)) : all.filter((one) => !which(one));
  return { ...settings, [list]: { ...shown, items } };
}
