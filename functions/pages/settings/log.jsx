/** What happened, in sentences, day by day. Loaded when it is looked at. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../api.js";
import { format } from "../format.js";
import { notify } from "../parts/notices.jsx";
import { Failed, LoadMore, Skeleton, useSeen } from "../parts/waiting.jsx";
import { told, words } from "../words.js";
import { Section } from "./section.jsx";

/** @import { AuditEventView, ListOfAuditEventView, SettingsView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

/** @param {AuditEventView[]} events @returns {[string, AuditEventView[]][]} */
function byDay(events) {
  /** @type {Map<string, AuditEventView[]>} */
  const days = new Map();
  for (const event of events) {
    const day = format.dayOf(event.at);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return [...days];
}

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Log({ page, settings }) {
  const [anchor, seen] = useSeen();
  const [events, setEvents] = useState(/** @type {AuditEventView[] | null} */ (null));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const latest = useRef(events);
  latest.current = events;
  const allowed = settings.may.view_audit_log.allowed;

  const load = useCallback(async () => {
    setError(null);
    try {
      /** @type {ListOfAuditEventView} */
      const first = await ask("GET", `${page.path}/audit-events`);
      const known = new Set(first.items.map((event) => event.id));
      const shown = latest.current;
      // Lines never change: what was loaded stays, if the new ones reach down to it.
      if (shown?.some((event) => known.has(event.id))) {
        setEvents([...first.items, ...shown.filter((event) => !known.has(event.id))]);
      } else {
        setEvents(first.items);
        setCursor(first.next_cursor);
      }
    } catch (error) {
      setError(error);
    }
  }, [page.path]);
  // Whatever changes on the page is in the log already.
  useEffect(() => {
    if (seen && allowed) {
      void load();
    }
  }, [seen, allowed, settings, load]);

  if (!allowed) {
    return null;
  }
  return (
    <Section id="log" title={words.settings.log} text={words.log.text}>
      <div class="card" ref={anchor}>
        {error !== null && !events && <Failed error={error} onRetry={load} />}
        {!events && error === null && (
          <div class="form-card">
            <Skeleton lines={5} />
          </div>
        )}
        {events?.length === 0 && <p class="empty muted">{words.log.none}</p>}
        {events && (
          <div class="timeline" data-testid="audit-log">
            {byDay(events).map(([day, events]) => (
              <section key={day} class="timeline-day">
                <h3>{day}</h3>
                <ol class="plain-list">
                  {events.map((event) => (
                    <li key={event.id} class="timeline-event" data-testid={event.kind}>
                      <time dateTime={event.at} class="muted small" title={format.moment(event.at)}>
                        {format.time(event.at)}
                      </time>
                      <span>
                        {told(event).map((part, index) =>
                          typeof part === "string" ? (
                            part
                          ) : (
                            <bdi key={index} class="strong" title={part.email ?? undefined}>
                              {part.name}
                            </bdi>
                          ),
                        )}
                      </span>
                    </li>
                  ))}
                </ol>
              </section>
            ))}
          </div>
        )}
        {cursor !== null && (
          <LoadMore
            onPress={async () => {
              try {
                /** @type {ListOfAuditEventView} */
                const older = await ask("GET", `${page.path}/audit-events?${new URLSearchParams({ cursor })}`);
                setEvents([...(events ?? []), ...older.items]);
                setCursor(older.next_cursor);
              } catch (error) {
                notify.failed(error);
              }
            }}
          />
        )}
      </div>
    </Section>
  );
}
