/** What happened, in sentences, day by day; all of it, or a part, also as CSV. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, further } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { notify } from "../parts/notices.jsx";
import { Select } from "../parts/select.jsx";
import { Failed, LoadMore, Skeleton } from "../parts/waiting.jsx";
import { told, words } from "../words.js";
import { csv } from "./csv.js";
import { shownName } from "./members.jsx";
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

const DAY = 86_400_000;

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Log({ page, settings }) {
  const [events, setEvents] = useState(/** @type {AuditEventView[] | null} */ (null));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [kind, setKind] = useState("");
  const [who, setWho] = useState("");
  const [days, setDays] = useState("");
  const [exporting, setExporting] = useState(false);
  const latest = useRef(events);
  latest.current = events;
  const filters = useMemo(() => {
    const from = days ? new Date(Date.now() - Number(days) * DAY).toISOString() : "";
    return Object.entries({ kind, person: who, from }).filter(([, value]) => value !== "");
  }, [kind, who, days]);
  const path = `${page.path}/audit-events${filters.length > 0 ? `?${new URLSearchParams(filters)}` : ""}`;
  const newest = useRef(path);

  const load = useCallback(async () => {
    setError(null);
    newest.current = path;
    try {
      /** @type {ListOfAuditEventView} */
      const first = await ask("GET", path);
      if (first.items.length === 0) {
        // A page of rare events may be empty before the list ends.
        Object.assign(first, await further(path, first.next_cursor, 1));
      }
      // Another choice was made meanwhile.
      if (newest.current !== path) return;
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
  }, [path]);
  // Whatever changes on the page is in the log already.
  useEffect(() => {
    if (newest.current !== path) {
      latest.current = null;
      setEvents(null);
    }
    void load();
  }, [settings, load]);

  const exportAll = async () => {
    setExporting(true);
    try {
      /** @type {ListOfAuditEventView} */
      const first = await ask("GET", path);
      const rest = await further(path, first.next_cursor);
      download(csv([...first.items, .../** @type {AuditEventView[]} */ (rest.items)]), `audit-log-${new Date().toISOString().slice(0, 10)}.csv`);
    } catch (error) {
      notify.failed(error);
    }
    setExporting(false);
  };

  // Those in the log that are members no more, too.
  const known = useRef(/** @type {Map<string, string>} */ (new Map()));
  for (const { actor, subject } of events ?? []) {
    if (actor.kind === "person") known.current.set(actor.user_id, actor.name ?? actor.email ?? words.log.formerMember);
    if (subject.kind === "member") known.current.set(subject.id, subject.name ?? subject.email ?? words.log.formerMember);
  }
  for (const member of settings.members.items) {
    known.current.set(member.user_id, shownName(member));
  }
  const people = [...known.current].toSorted(([, one], [, other]) => format.compare(one, other));
  const more = settings.members.next_cursor !== null;
  // The choice of a person is among all of them.
  useEffect(() => {
    if (more) void page.more("members", Infinity);
  }, [more]);
  return (
    <Section
      id="log"
      title={words.settings.log}
      text={words.log.text}
      aside={
        <Button busy={exporting} onPress={exportAll}>
          {words.log.export}
        </Button>
      }
    >
      <div class="log-filters" role="group" aria-label={words.log.filter}>
        <Select label={words.log.kind} value={kind} options={words.log.kinds} onChoose={setKind} />
        <Select label={words.log.person} value={who} options={[["", words.log.everyone], ...people]} onChoose={setWho} />
        <Select label={words.log.time} value={days} options={words.log.times} onChoose={setDays} />
      </div>
      <div class="card">
        {error !== null && !events && <Failed error={error} onRetry={load} />}
        {!events && error === null && (
          <div class="form-card">
            <Skeleton lines={5} />
          </div>
        )}
        {events?.length === 0 && <p class="empty muted">{filters.length > 0 ? words.log.noneFound : words.log.none}</p>}
        {events && events.length > 0 && (
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
                const older = await further(path, cursor, 1);
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

/** Hands a text to the browser as a file. @param {string} text @param {string} name */
function download(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
