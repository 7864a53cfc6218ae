/** The settings of one organization. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask, told } from "../api.js";
import { format } from "../format.js";
import { Boundary } from "../parts/boundary.jsx";
import { notify } from "../parts/notices.jsx";
import { TopBar } from "../parts/top-bar.jsx";
import { Failed, Skeleton } from "../parts/waiting.jsx";
import { lastOrganization, rememberOrganization, settingsPath, takeWelcome } from "../places.js";
import { setTitle } from "../brand.js";
import { words } from "../words.js";
import { Billing } from "./billing.jsx";
import { Danger, DeletedCard, offersDanger } from "./danger.jsx";
import { General } from "./general.jsx";
import { Invites } from "./invites.jsx";
import { Keys } from "./keys.jsx";
import { Log } from "./log.jsx";
import { Members } from "./members.jsx";
import { useSettings } from "./state.js";
import { Usage } from "./usage.jsx";

/** @import { AccountView, OrganizationView, SettingsView } from "../api-types.d.ts" */
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

/** @param {{ id: string, onGone: () => void }} props */
function Organization({ id, onGone }) {
  const page = useSettings(id);
  const { settings, error } = page;
  const name = settings?.organization.name;
  const [deleted, setDeleted] = useState(/** @type {Deleted | null} */ (null));
  const [gone, setGone] = useState(false);
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
      setTitle(`${name} · ${words.settings.title}`);
      const welcome = takeWelcome();
      if (welcome) {
        notify.done(welcome);
      }
      history.replaceState(null, "", settingsPath(id) + location.hash);
    }
  }, [name, id]);
  useEffect(() => {
    if (gone) {
      onGone();
    }
  }, [gone]);
  // The browser looked for the section before it was there.
  const ready = settings !== null;
  useEffect(() => {
    const section = ready && location.hash ? document.getElementById(location.hash.slice(1)) : null;
    return section ? stayAt(section) : undefined;
  }, [ready]);

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
                <Sections settings={settings} />
                <div class="sections">
                  {settings ? (
                    <>
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
                        <Keys page={page} settings={settings} />
                      </Boundary>
                      <Boundary>
                        <Billing page={page} settings={settings} />
                      </Boundary>
                      <Boundary>
                        <Log page={page} settings={settings} />
                      </Boundary>
                      <Boundary>
                        <Danger
                          page={page}
                          settings={settings}
                          onDeleted={setDeleted}
                        />
                      </Boundary>
                    </>
                  ) : (
                    error === null && <Awaited />
                  )}
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
    <>
      {[4, 6, 4].map((lines, index) => (
        <div key={index} class="card form-card section">
          <Skeleton lines={lines} />
        </div>
      ))}
    </>
  );
}

/** Links to the sections, with the one that is being read marked. @param {{ settings: SettingsView | null }} props */
function Sections({ settings }) {
  const [current, setCurrent] = useState("general");
  const sections = [
    ["general", words.settings.general],
    ["members", words.settings.members],
    ["invites", words.settings.invites],
    ["usage", words.settings.usage],
    ["keys", words.settings.keys],
    ...(settings?.may.manage_billing.allowed ? [["billing", words.settings.billing]] : []),
    ...(settings?.may.view_audit_log.allowed ? [["log", words.settings.log]] : []),
    ...(settings && offersDanger(settings) ? [["danger", words.settings.danger]] : []),
  ];
  const ids = sections.map(([id]) => id).join(" ");
  useEffect(() => {
    const read = () => {
      const tops = ids.split(" ").flatMap((id) => {
        const element = document.getElementById(id);
        return element ? [{ id, top: element.getBoundingClientRect().top }] : [];
      });
      const bottom = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
      const passed = tops.filter(({ top }) => top < 160);
      setCurrent((bottom && window.scrollY > 0 ? tops.at(-1) : passed.at(-1))?.id ?? "general");
    };
    read();
    addEventListener("scroll", read, { passive: true });
    return () => removeEventListener("scroll", read);
  }, [ids]);
  // On a narrow screen the links are one line, wider than the screen.
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const link = nav.current?.querySelector("[aria-current]");
    if (nav.current && link instanceof HTMLElement) {
      nav.current.scrollLeft = link.offsetLeft - (nav.current.clientWidth - link.offsetWidth) / 2;
    }
  }, [current]);
  return (
    <nav ref={nav} class="side" aria-label={words.settings.sections}>
      <ul class="plain-list">
        {sections.map(([id, text]) => (
          <li key={id}>
            <a href={`#${id}`} class="side-link" aria-current={current === id ? "true" : undefined}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
