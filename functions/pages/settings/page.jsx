/** The settings of one organization. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask, told } from "../api.js";
import { format } from "../format.js";
import { Boundary } from "../parts/boundary.jsx";
import { notify } from "../parts/notices.jsx";
import { TopBar } from "../parts/top-bar.jsx";
import { Failed, Skeleton } from "../parts/waiting.jsx";
import { isPlainClick, lastOrganization, rememberOrganization, settingsPath, subPage, takeWelcome } from "../places.js";
import { setTitle } from "../brand.js";
import { words } from "../words.js";
import { Billing } from "./billing.jsx";
import { Danger, DeletedCard, offersDanger } from "./danger.jsx";
import { Checklist } from "./checklist.jsx";
import { General } from "./general.jsx";
import { Invites } from "./invites.jsx";
import { Keys } from "./keys.jsx";
import { Log } from "./log.jsx";
import { Members } from "./members.jsx";
import { useSettings } from "./state.js";
import { Usage } from "./usage.jsx";

/** @import { AccountView, OrganizationView, SettingsView } from "../api-types.d.ts" */
/** @import { ComponentType } from "preact" */
/** @import { SubPage } from "../places.js" */
/** @import { SettingsState } from "./state.js" */
/** @import { Deleted } from "./danger.jsx" */

/** Which organization: the one in the address, else the last one, else the current one. */
export function SettingsPage() {
  const named = new URLSearchParams(location.search).get("organization");
  const [id, setId] = useState(named ?? lastOrganization());
  const [none, setNone] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const findCurrent = async () => {
    setError(null);
    try {
      /** @type {AccountView} */
      const account = await ask("GET", "/v1/account");
      const current = account.current_organization?.id ?? null;
      rememberOrganization(current);
      setId(current);
      setNone(current === null);
    } catch (error) {
      setError(error);
    }
  };
  useEffect(() => {
    if (!id && !none) {
      void findCurrent();
    }
  }, [id, none]);
  if (id) {
    return (
      <Organization
        key={id}
        id={id}
        onGone={() => {
          rememberOrganization(null);
          // One that was only remembered makes room for the current one.
          if (!named) {
            setId(null);
          }
        }}
      />
    );
  }
  return (
    <>
      <TopBar />
      <main id="content" class="page page-narrow" tabIndex={-1}>
        {error !== null && <Failed error={error} onRetry={findCurrent} />}
        {none && (
          <div class="card notice-page">
            <h1>{words.settings.noneTitle}</h1>
            <p class="muted">{words.settings.noneText}</p>
            <a class="button button-main" href="/account/settings">
              {words.settings.toAccount}
            </a>
          </div>
        )}
        {!none && error === null && <Skeleton lines={6} />}
      </main>
    </>
  );
}

/**
 * Keeps a section in view while others load and move it, until the person scrolls.
 *
 * @param {HTMLElement} section
 */
function stayAt(section) {
  const observer = new ResizeObserver(() => section.scrollIntoView({ behavior: "instant" }));
  observer.observe(document.body);
  const events = ["wheel", "touchstart", "pointerdown", "keydown"];
  const stop = () => {
    observer.disconnect();
    events.forEach((event) => removeEventListener(event, stop));
  };
  events.forEach((event) => addEventListener(event, stop, { passive: true }));
  return stop;
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof Refusal && error.status === 404;
}

/** What the pages of their own show. @type {[SubPage, ComponentType<{ page: SettingsState, settings: SettingsView }>][]} */
const SUB_VIEWS = [
  ["keys", Keys],
  ["billing", Billing],
  ["log", Log],
];

/** @param {{ id: string, onGone: () => void }} props */
function Organization({ id, onGone }) {
  const page = useSettings(id);
  const { settings, error } = page;
  const name = settings?.organization.name;
  const [deleted, setDeleted] = useState(/** @type {Deleted | null} */ (null));
  const [gone, setGone] = useState(false);
  const [view, setView] = useState(subPage());
  const missing = isMissing(error);
  // An owner can restore it here.
  useEffect(() => {
    if (!missing) {
      return;
    }
    /** @type {Promise<OrganizationView>} */ (ask("GET", page.path)).then(
      ({ name, restorable_until: until }) => (until === null ? page.refresh() : setDeleted({ name, until })),
      (refused) => (isMissing(refused) ? setGone(true) : notify.failed(told(refused))),
    );
  }, [missing]);
  useEffect(() => {
    if (name) {
      rememberOrganization(id);
      const welcome = takeWelcome();
      if (welcome) {
        notify.done(welcome);
      }
      history.replaceState(null, "", settingsPath(id, view) + (view ? "" : location.hash));
    }
  }, [name, id]);
  useEffect(() => {
    if (name) {
      setTitle(`${view ? `${words.settings[view]} · ` : ""}${name} · ${words.settings.title}`);
    }
  }, [name, view]);
  useEffect(() => {
    const moved = () => setView(subPage());
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  // A page of its own is read when it is first opened, and then keeps what is typed into it.
  const opened = useRef(/** @type {Set<SubPage>} */ (new Set()));
  if (view) opened.current.add(view);
  /** @param {SubPage | null} next @param {string} hash */
  const go = (next, hash) => {
    history.pushState(null, "", settingsPath(id, next) + hash);
    setView(next);
    if (next) {
      scrollTo({ top: 0, behavior: "instant" });
    }
  };
  useEffect(() => {
    if (gone) {
      onGone();
    }
  }, [gone]);
  // The browser looked for the section before it was there.
  const ready = settings !== null;
  useEffect(() => {
    const section = ready && !view && location.hash ? document.getElementById(location.hash.slice(1)) : null;
    return section ? stayAt(section) : undefined;
  }, [ready, view]);
  const shows = {
    keys: true,
    billing: settings?.may.manage_billing.allowed ?? false,
    log: settings?.may.view_audit_log.allowed ?? false,
  };
  const isHidden = settings !== null && view !== null && !shows[view];

  return (
    <>
      <TopBar organization={settings ? { id, name: settings.organization.name } : null} />
      <div class="page">
        <main id="content" tabIndex={-1}>
          {deleted && (
            <DeletedCard
              path={page.path}
              deleted={deleted}
              onRestored={() => {
                setDeleted(null);
                void page.refresh();
              }}
            />
          )}
          {error !== null && !missing && !deleted && <Failed error={error} onRetry={page.refresh} />}
          {gone && (
            <div class="card notice-page">
              <h1>{words.settings.goneTitle}</h1>
              <p class="muted">{told(error)}</p>
              <a class="button button-main" href="/account/settings">
                {words.settings.toAccount}
              </a>
            </div>
          )}
          {!gone && !deleted && (
            <>
              <div class="page-title">
                {name && <p class="eyebrow muted">{words.settings.title}</p>}
                <h1>
                  <bdi>{name ?? words.settings.title}</bdi>
                </h1>
              </div>
              {settings?.organization.suspension && (
                <div class="callout callout-warn" data-testid="suspended">
                  <h2>{words.settings.suspendedTitle}</h2>
                  <p>{words.settings.suspended(settings.organization.suspension.reason, format.day(settings.organization.suspension.since))}</p>
                </div>
              )}
              <div class="columns">
                <Sections id={id} settings={settings} shows={shows} view={view} onGo={go} />
                <div>
                  {settings && (
                    <div class="sections" hidden={view !== null}>
                      <Checklist id={id} settings={settings} onGo={go} />
                      <Boundary>
                        <General page={page} settings={settings} />
                      </Boundary>
                      <Boundary>
                        <Members page={page} settings={settings} onLeft={() => location.assign("/account/settings")} />
                      </Boundary>
                      <Boundary>
                        <Invites page={page} settings={settings} />
                      </Boundary>
                      <Boundary>
                        <Usage page={page} settings={settings} />
                      </Boundary>
                      <Boundary>
                        <Danger page={page} settings={settings} onDeleted={setDeleted} />
                      </Boundary>
                    </div>
                  )}
                  {settings &&
                    SUB_VIEWS.map(([key, View]) =>
                      shows[key] && opened.current.has(key) ? (
                        <div key={key} hidden={view !== key}>
                          <Boundary>
                            <View page={page} settings={settings} />
                          </Boundary>
                        </div>
                      ) : null,
                    )}
                  {isHidden && (
                    <div class="card notice-page" data-testid="not-for-role">
                      <h2>{words.settings.onlyManagersTitle}</h2>
                      <p class="muted">{words.settings.onlyManagers}</p>
                    </div>
                  )}
                  {!settings && error === null && <Awaited />}
                </div>
              </div>
            </>
          )}
        </main>
      </div>
    </>
  );
}

/** As much room as the first sections will take. */
function Awaited() {
  return (
    <div class="sections">
      {[4, 6, 4].map((lines, index) => (
        <div key={index} class="card form-card section">
          <Skeleton lines={lines} />
        </div>
      ))}
    </div>
  );
}

/**
 * Links to the sections and to the pages beside them, with the one that is being read marked.
 *
 * @param {object} props
 * @param {string} props.id of the organization
 * @param {SettingsView | null} props.settings
 * @param {Record<SubPage, boolean>} props.shows
 * @param {SubPage | null} props.view
 * @param {(view: SubPage | null, hash: string) => void} props.onGo
 */
function Sections({ id, settings, shows, view, onGo }) {
  const [inView, setInView] = useState("general");
  const sections = [
    ["general", words.settings.general],
    ["members", words.settings.members],
    ["invites", words.settings.invites],
    ["usage", words.settings.usage],
    ...(settings && offersDanger(settings) ? [["danger", words.settings.danger]] : []),
  ];
  const ids = sections.map(([id]) => id).join(" ");
  useEffect(() => {
    if (view) {
      return undefined;
    }
    const read = () => {
      const tops = ids.split(" ").flatMap((id) => {
        const element = document.getElementById(id);
        return element ? [{ id, top: element.getBoundingClientRect().top }] : [];
      });
      const bottom = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
      const passed = tops.filter(({ top }) => top < 160);
      setInView((bottom && window.scrollY > 0 ? tops.at(-1) : passed.at(-1))?.id ?? "general");
    };
    read();
    addEventListener("scroll", read, { passive: true });
    return () => removeEventListener("scroll", read);
  }, [ids, view]);
  const current = view ?? inView;
  // On a narrow screen the links are one line, wider than the screen.
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const link = nav.current?.querySelector("[aria-current]");
    if (nav.current && link instanceof HTMLElement) {
      nav.current.scrollLeft = link.offsetLeft - (nav.current.clientWidth - link.offsetWidth) / 2;
    }
  }, [current]);
  /** @param {string} key @param {string | undefined} text @param {SubPage | null} page */
  const link = (key, text, page) => (
    <li key={key}>
      <a
        href={page ? settingsPath(id, page) : `${settingsPath(id)}#${key}`}
        class="side-link"
        aria-current={current === key ? (page ? "page" : "true") : undefined}
        onClick={(event) => {
          // Within the page, the browser goes by itself.
          if (isPlainClick(event) && (page || view)) {
            event.preventDefault();
            onGo(page, page ? "" : `#${key}`);
          }
        }}
      >
        {text}
      </a>
    </li>
  );
  return (
    <nav ref={nav} class="side" aria-label={words.settings.sections}>
      <ul class="plain-list">{sections.map(([key = "", text]) => link(key, text, null))}</ul>
      <ul class="plain-list side-pages">{SUB_VIEWS.map(([page]) => shows[page] && link(page, words.settings[page], page))}</ul>
    </nav>
  );
}
