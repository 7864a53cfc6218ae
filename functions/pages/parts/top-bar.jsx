/** The bar at the top of every page: which organization, who, and the way out. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ask, further } from "../api.js";
import { brand, productName } from "../brand.js";
import { hereNow, settingsPath } from "../places.js";
import { person, signIn, signOut } from "../sign-in.js";
import { words } from "../words.js";
import { Button } from "./button.jsx";
import { Chevron } from "./icons.jsx";
import { notify } from "./notices.jsx";
import { Initials } from "./person.jsx";
import { Failed, Skeleton } from "./waiting.jsx";

/** @import { ComponentChildren } from "preact" */
/** @import { ListOfOrganizationView, OrganizationView } from "../api-types.d.ts" */

/**
 * A button that shows something below it, until Escape, a click elsewhere, or
 * focus goes on.
 *
 * @param {object} props
 * @param {ComponentChildren} props.face what the button shows, and is called
 * @param {string} props.class
 * @param {(close: () => void) => ComponentChildren} props.children
 */
function Dropdown({ face, class: className, children }) {
  const [open, setOpen] = useState(false);
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    if (!open) {
      return undefined;
    }
    const elsewhere = (/** @type {Event} */ event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) {
        setOpen(false);
      }
    };
    addEventListener("pointerdown", elsewhere);
    addEventListener("focusin", elsewhere);
    return () => {
      removeEventListener("pointerdown", elsewhere);
      removeEventListener("focusin", elsewhere);
    };
  }, [open]);
  return (
    <div
      ref={box}
      class={`dropdown ${className}`}
      onKeyDown={(event) => {
        if (open && event.key === "Escape") {
          setOpen(false);
          button.current?.focus();
        }
      }}
    >
      <button ref={button} type="button" class="dropdown-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {face}
        <Chevron class="dropdown-arrow" />
      </button>
      {open && <div class="dropdown-panel">{children(() => setOpen(false))}</div>}
    </div>
  );
}

/** From this many organizations on, they can be searched. */
const WORTH_SEARCHING = 9;

/** @param {{ current: { id: string, name: string } | null }} props */
function Organizations({ current }) {
  const [list, setList] = useState(/** @type {ListOfOrganizationView | null} */ (null));
  const [search, setSearch] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const load = async () => {
    setError(null);
    try {
      /** @type {ListOfOrganizationView} */
      const page = await ask("GET", "/v1/organizations?limit=50");
      setList(page);
    } catch (error) {
      setError(error);
    }
  };
  useEffect(() => void load(), []);
  const more = list?.next_cursor ?? null;
  const searches = search.trim() !== "";
  const loadRest = async () => {
    try {
      const rest = await further("/v1/organizations", more);
      setList((list) => list && { items: [...list.items, .../** @type {OrganizationView[]} */ (rest.items)], next_cursor: null });
    } catch (error) {
      notify.failed(error);
    }
  };
  // A search is for all of them.
  useEffect(() => {
    if (searches && more !== null) {
      void loadRest();
    }
  }, [searches, more]);
  /** @param {Pick<OrganizationView, "id">} organization */
  const go = async (organization) => {
    try {
      await ask("PUT", "/v1/account/current-organization", { body: { organization_id: organization.id } });
      location.assign(settingsPath(organization.id));
    } catch (error) {
      notify.failed(error);
      void load();
    }
  };
  if (error) return <Failed error={error} onRetry={load} />;
  if (!list) return <Skeleton lines={3} />;
  const others = list.items.filter(({ id }) => id !== current?.id);
  const here = list.items.find(({ id }) => id === current?.id) ?? current;
  /** @type {(Pick<OrganizationView, "id" | "name"> & { role?: OrganizationView["role"] })[]} */
  const all = here ? [here, ...others] : others;
  const wanted = search.trim().toLocaleLowerCase();
  const shown = all.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
  return (
    <>
      <h2 class="dropdown-title">{words.bar.organizations}</h2>
      {(all.length >= WORTH_SEARCHING || more !== null) && (
        <label class="dropdown-search">
          <span class="hidden-text">{words.bar.search}</span>
          <input
            class="input"
            type="search"
            autocomplete="off"
            placeholder={words.bar.search}
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
      )}
      {all.length === 0 && <p class="muted small dropdown-note">{words.bar.none}</p>}
      <p class="muted small dropdown-note" role="status">
        {searches && more === null && shown.length === 0 && words.bar.noMatch}
      </p>
      <ul class="plain-list dropdown-list">
        {shown.map((organization) => (
          <li key={organization.id}>
            <button
              type="button"
              class="dropdown-item"
              aria-current={organization.id === current?.id ? "true" : undefined}
              onClick={() => go(organization)}
            >
              <Initials name={organization.name} seed={organization.id} square />
              <bdi class="dropdown-item-name">{organization.name}</bdi>
              {organization.role && <span class="muted small">{words.roles[organization.role]}</span>}
            </button>
          </li>
        ))}
      </ul>
      {more !== null && !searches && (
        <button type="button" class="dropdown-item" onClick={loadRest}>
          {words.bar.showAll}
        </button>
      )}
      <a class="dropdown-item dropdown-foot" href="/account/settings">
        {words.bar.all}
      </a>
    </>
  );
}

/**
 * @param {object} props
 * @param {{ id: string, name: string } | null} [props.organization] the one that the page is about
 */
export function TopBar({ organization = null }) {
  const who = person();
  const name = who?.email ?? who?.name ?? who?.sub ?? "";
  return (
    <header class="top-bar">
      <a class="skip" href="#content">
        {words.skip}
      </a>
      <a class="brand" href={brand.home ?? "/"} aria-label={productName}>
        {brand.logo ? (
          <img class="brand-logo" src={brand.logo} alt="" height="28" />
        ) : brand.product ? (
          <bdi class="brand-name">{brand.product}</bdi>
        ) : (
        <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
          <rect class="brand-ground" width="32" height="32" rx="8" />
          <path class="brand-line" d="M9 22v-6a7 7 0 0 1 14 0v6" />
          <circle class="brand-dot" cx="16" cy="16" r="2.5" />
        </svg>
        )}
      </a>
      {who && (
        <>
          <span class="bar-slash" aria-hidden="true">
            /
          </span>
          <Dropdown
            class="dropdown-left"
            face={
              organization ? (
                <>
                  <span class="hidden-text">{words.bar.switchTo}: </span>
                  <bdi class="dropdown-face">{organization.name}</bdi>
                </>
              ) : (
                <span class="dropdown-face muted">{words.bar.choose}</span>
              )
            }
          >
            {() => <Organizations current={organization} />}
          </Dropdown>
        </>
      )}
      <span class="bar-space" />
      {who ? (
        <Dropdown
          class="dropdown-right"
          face={
            <>
              <Initials name={who.name ?? name} seed={who.sub} />
              <span class="hidden-text">{words.bar.account(name)}</span>
            </>
          }
        >
          {() => (
            <>
              <p class="dropdown-who">
                {who.name && <bdi class="strong">{who.name}</bdi>}
                <bdi class="muted small">{name}</bdi>
              </p>
              <a class="dropdown-item" href="/dashboard/organization-settings">
                {words.bar.settings}
              </a>
              <a class="dropdown-item" href="/account/settings">
                {words.bar.yourAccount}
              </a>
              <button type="button" class="dropdown-item dropdown-foot" onClick={() => signOut().catch(notify.failed)}>
                {words.bar.signOut}
              </button>
            </>
          )}
        </Dropdown>
      ) : (
        <Button onPress={() => signIn(hereNow()).catch(notify.failed)}>{words.bar.signIn}</Button>
      )}
    </header>
  );
}
