/** Who is invited and has not answered; and inviting. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask, further, told } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Confirm, Dialog } from "../parts/dialog.jsx";
import { Filters } from "../parts/filters.jsx";
import { focusNear } from "../parts/focus.js";
import { Problem } from "../parts/form.jsx";
import { RowMenu } from "../parts/menu.jsx";
import { notify } from "../parts/notices.jsx";
import { PersonLine } from "../parts/person.jsx";
import { RoleChoice, RoleField, rolesOf } from "../parts/role-choice.jsx";
import { Switch } from "../parts/switch.jsx";
import { Table } from "../parts/table.jsx";
import { Tip } from "../parts/tip.jsx";
import { Failed, LoadMore, Skeleton, useFound } from "../parts/waiting.jsx";
import { useTyped } from "../typed.js";
import { words } from "../words.js";
import { Chips, allOf } from "./chips.jsx";
import { Section } from "./section.jsx";
import { isReader, withItem } from "./state.js";

/** @import { InviteView, InvitedView, ListOfInviteView, SettingsView } from "../api-types.d.ts" */
/** @import { Role } from "../parts/role-choice.jsx" */
/** @import { SettingsState } from "./state.js" */

/** How long an email takes to leave, and how often it is looked for. */
const LOOK_AFTER = 1_500;
const LOOKS = 4;

/** The states of an email that did not arrive. */
const FAILED = ["failed", "bounced", "complained"];

/** @typedef {"pending" | "failed" | "ended"} Filter */

/** @param {InviteView} invite */
function hasFailed(invite) {
  return FAILED.includes(invite.delivery.state);
}

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Invites({ page, settings }) {
  const { invites, invites_paused: paused } = settings;
  const reads = isReader(settings);
  const [filter, setFilter] = useState(/** @type {Filter} */ ("pending"));
  const [inviting, setInviting] = useTyped(`${page.path} inviting`, false);
  const draft = useDraft(page.path);
  const [cancelling, setCancelling] = useState(/** @type {InviteView | null} */ (null));
  const [resending, setResending] = useState("");
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));

  // An email leaves within seconds; then the page says so.
  const queued = invites.items.some((invite) => invite.delivery.state === "queued");
  const looks = useRef(0);
  useEffect(() => {
    if (!queued) {
      looks.current = 0;
      return undefined;
    }
    if (looks.current >= LOOKS) {
      return undefined;
    }
    looks.current += 1;
    const timer = setTimeout(() => void page.refresh(), LOOK_AFTER * looks.current);
    return () => clearTimeout(timer);
  }, [queued, invites]);

  const invitePath = (/** @type {InviteView} */ invite) => `${page.path}/invites/${invite.id}`;

  /**
   * @param {InviteView} invite
   * @param {Partial<Pick<InviteView, "role" | "receives_billing_emails">>} wish
   */
  const patch = (invite, wish) => {
    const which = (/** @type {InviteView} */ one) => one.id === invite.id;
    const before = { role: invite.role, receives_billing_emails: invite.receives_billing_emails };
    return page.change({
      at: (settings) => withItem(settings, "invites", which, wish),
      back: (settings) => withItem(settings, "invites", which, before),
      /** @returns {Promise<InviteView>} */
      request: () => ask("PATCH", invitePath(invite), { body: wish }),
      done: (settings, answer) => withItem(settings, "invites", which, answer),
      said: words.invites.changed(invite.email),
    });
  };

  /** @param {InviteView} invite */
  const resend = async (invite) => {
    setResending(invite.id);
    await page.change({
      /** @returns {Promise<InviteView>} */
      request: () => ask("POST", `${invitePath(invite)}/resend`),
      done: (settings, answer) => withItem(settings, "invites", (one) => one.id === invite.id, answer),
      said: words.invites.resent(invite.email),
    });
    setResending("");
  };

  const failed = invites.items.filter(hasFailed);
  const shown = filter === "failed" ? failed : invites.items;
  const may = { allowed: settings.may.invite.roles.length > 0, reason: settings.may.invite.reason ?? null };
  const { invites: used, max_invites: most } = settings.counts;

  return (
    <Section
      id="invites"
      title={words.settings.invites}
      count={format.counted(invites)}
      text={words.invites.text}
      heading={heading}
      aside={
        !reads && (
          <Button look="main" may={may} onPress={() => setInviting(true)}>
            {words.inviteForm.title}
          </Button>
        )
      }
    >
      {paused && may.allowed && (
        <div class="callout callout-warn" data-testid="invites-paused">
          <h2>{words.invites.pausedTitle}</h2>
          <p>{words.invites.paused(paused.reason, format.day(paused.since))}</p>
        </div>
      )}
      <div class="card">
        {!reads && (
          <div class="card-tools">
            <Filters
              label={words.invites.filter}
              value={filter}
              options={[
                ["pending", words.invites.filters.pending, invites.items.length],
                ["failed", words.invites.filters.failed, failed.length],
                ["ended", words.invites.filters.ended, null],
              ]}
              onChoose={setFilter}
            />
            {used * 10 >= most * 8 && <span class="muted small">{words.invites.used(used, most)}</span>}
          </div>
        )}
        {filter === "ended" ? (
          <Ended page={page} settings={settings} onInvited={() => setFilter("pending")} />
        ) : shown.length === 0 && invites.next_cursor === null ? (
          <p class="empty muted">{filter === "failed" ? words.invites.noneFailed : words.invites.none}</p>
        ) : (
          <Table
            label={words.settings.invites}
            row="row-invites"
            columns={[words.invites.person, words.members.role, words.members.billing, words.invites.sent, words.invites.expires]}
            list={list}
            testid="invites"
          >
            {shown.map((invite) => (
              <div key={invite.id} class="row row-invites" role="row" data-testid="invite">
                <span role="cell" class="row-main">
                  <PersonLine name={invite.email} id={invite.id} detail={<bdi>{words.invites.by(invite.invited_by?.name ?? null)}</bdi>} />
                </span>
                <span role="cell">
                  <RoleChoice
                    role={invite.role}
                    may={reads ? { roles: [] } : invite.may.update}
                    label={words.invites.roleOf(invite.email)}
                    onChange={(role) => patch(invite, { role })}
                  />
                </span>
                <span role="cell">
                  <Switch
                    on={invite.receives_billing_emails}
                    label={words.invites.billingOf(invite.email)}
                    shownLabel={words.members.billing}
                    readOnly={reads}
                    // To change the flag is to update the invite to the role that it has.
                    may={{ allowed: invite.may.update.roles.includes(invite.role), reason: invite.may.update.reason ?? null }}
                    onChange={(on) => patch(invite, { receives_billing_emails: on })}
                  />
                </span>
                <span role="cell" class="row-date">
                  <Delivery invite={invite} lapsed={hasLapsed(invite, settings)} />
                </span>
                <span role="cell" class="row-date small">
                  <Expiry at={invite.expires_at} />
                </span>
                <span role="cell" class="row-end">
                  {!reads && (
                    <RowMenu
                      label={words.actionsFor(invite.email)}
                      items={() => [
                        {
                          text: words.invites.resend,
                          hint: words.invites.resendHint,
                          may: resending === invite.id ? { allowed: false, reason: words.invites.resending } : invite.may.resend,
                          onChoose: () => void resend(invite),
                        },
                        { text: words.invites.cancel, danger: true, may: invite.may.cancel, onChoose: () => setCancelling(invite) },
                      ]}
                    />
                  )}
                </span>
              </div>
            ))}
          </Table>
        )}
        {filter !== "ended" && invites.next_cursor !== null && <LoadMore onPress={() => page.more("invites")} />}
      </div>
      {cancelling && (
        <Confirm
          title={words.invites.cancelTitle(cancelling.email)}
          action={words.invites.cancel}
          keep={words.invites.keep}
          onClose={() => setCancelling(null)}
          onConfirm={async () => {
            await ask("DELETE", invitePath(cancelling));
            const index = shown.indexOf(cancelling);
            setCancelling(null);
            page.update((settings) => withItem(settings, "invites", (one) => one.id === cancelling.id, null));
            notify.done(words.invites.cancelled(cancelling.email));
            focusNear(list.current, index, heading.current);
          }}
        >
          <p>{words.invites.cancelText}</p>
        </Confirm>
      )}
      {inviting && may.allowed && (
        <Dialog title={words.inviteForm.titleFor(settings.organization.name)} onClose={() => setInviting(false)}>
          <InviteForm
            page={page}
            settings={settings}
            draft={draft}
            onClose={() => setInviting(false)}
            onDone={() => {
              setInviting(false);
              setFilter("pending");
            }}
          />
        </Dialog>
      )}
    </Section>
  );
}

/**
 * Invites that ended unaccepted in the last 30 days, each address once.
 *
 * @param {{ page: SettingsState, settings: SettingsView, onInvited: () => void }} props
 */
function Ended({ page, settings, onInvited }) {
  const path = `${page.path}/invites`;
  // What ends on the page is among them.
  /** @type {ReturnType<typeof useFound<ListOfInviteView>>} */
  const { found: ended, setFound: setEnded, error, load } = useFound(`${path}?status=ended`, settings.invites);
  const [busy, setBusy] = useState("");
  if (error !== null) return <Failed error={error} onRetry={load} />;
  if (!ended) {
    return (
      <div class="form-card">
        <Skeleton lines={3} />
      </div>
    );
  }
  const taken = new Set([...settings.invites.items, ...settings.members.items].map(({ email }) => email.toLowerCase()));
  /** The newest first, so the first of an address is its last. @type {Set<string>} */
  const seen = new Set();
  const shown = ended.items.filter((invite) => {
    const email = invite.email.toLowerCase();
    const isNew = !seen.has(email);
    seen.add(email);
    return isNew && invite.status !== "accepted" && !taken.has(email);
  });
  /** @param {InviteView} invite */
  const again = async (invite) => {
    const { email, role, receives_billing_emails } = invite;
    setBusy(invite.id);
    const done = await page.change({
      /** @returns {Promise<InviteView>} */
      request: () => ask("POST", path, { body: { email, role, receives_billing_emails } }),
      done: (settings, made) => ({ ...settings, invites: { ...settings.invites, items: [...settings.invites.items, made] } }),
      said: words.invites.invitedAgain(email),
    });
    setBusy("");
    if (done) onInvited();
  };
  return (
    <>
      {shown.length === 0 && ended.next_cursor === null && <p class="empty muted">{words.invites.noneEnded}</p>}
      {shown.length > 0 && (
        <ul class="plain-list rows" aria-label={words.invites.filters.ended} data-testid="ended-invites">
          {shown.map((invite) => (
            <li key={invite.id} class="row row-ended" data-testid="ended-invite">
              <PersonLine
                name={invite.email}
                id={invite.id}
                detail={
                  <>
                    {words.roles[invite.role]} · {words.invites.ended[invite.status] ?? invite.status}{" "}
                    {invite.ended_at && <time dateTime={invite.ended_at}>{format.relative(invite.ended_at)}</time>}
                  </>
                }
              />
              <span class="row-end">
                <Button
                  label={words.invites.againTo(invite.email)}
                  busy={busy === invite.id}
                  may={{
                    allowed: settings.may.invite.roles.some((role) => role === invite.role),
                    reason: settings.may.invite.reason ?? words.invites.onlyOwners,
                  }}
                  onPress={() => again(invite)}
                >
                  {words.invites.again}
                </Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {ended.next_cursor !== null && (
        <LoadMore
          onPress={async () => {
            try {
              const rest = await further(`${path}?status=ended`, ended.next_cursor, 1);
              setEnded({ items: [...ended.items, .../** @type {InviteView[]} */ (rest.items)], next_cursor: rest.next_cursor });
            } catch (error) {
              notify.failed(error);
            }
          }}
        />
      )}
    </>
  );
}

/** @param {{ at: string }} props */
function Expiry({ at }) {
  const soon = new Date(at).getTime() - Date.now() < 3 * 86_400_000;
  return (
    <time dateTime={at} title={format.moment(at)} class={soon ? "soon" : ""}>
      {words.invites.expiresIn(format.relative(at))}
    </time>
  );
}

/**
 * Whether the inviter could no longer send the invite, so that it cannot be accepted. With
 * members that are not loaded the page does not know, and says nothing.
 *
 * @param {InviteView} invite
 * @param {SettingsView} settings
 */
function hasLapsed(invite, { members }) {
  const by = invite.invited_by;
  const inviter = by && members.items.find((member) => member.user_id === by.id);
  if (!by || (!inviter && members.next_cursor !== null)) {
    return false;
  }
  return !inviter || inviter.role === "user" || (invite.role === "owner" && inviter.role !== "owner");
}

/**
 * How far the email has come, or that the invite needs another one. The reason of a failure
 * is shown to whom the server tells it.
 *
 * @param {{ invite: InviteView, lapsed: boolean }} props
 */
function Delivery({ invite, lapsed }) {
  const { state, reason, at } = invite.delivery;
  if (lapsed) {
    return (
      <Tip reason={words.invites.needsResendHint(invite.invited_by?.name ?? "")} takesFocus>
        {() => <span class="state state-failed">{words.invites.needsResend}</span>}
      </Tip>
    );
  }
  return (
    <Tip reason={reason} takesFocus={Boolean(reason)}>
      {() => (
        <span class={`state state-${state}`} title={reason ? undefined : `${words.invites.timesSent(invite.times_sent)}, ${format.moment(at)}`}>
          {words.invites.delivery[state] ?? state}
        </span>
      )}
    </Tip>
  );
}

/** The most addresses of a request, and how often one is sent that ended before all were tried. */
const BATCH = 100;
const ATTEMPTS = 3;

/** @typedef {{ email: string, problem: string | null }} Result */

/** What is wrong with an address. @param {InvitedView["items"][number]} row */
function problemOf({ code, detail }) {
  const known = words.inviteForm.refused[code ?? ""];
  if (known) return known;
  const field = code === "invalid_request" ? { field: "email" } : {};
  const problem = detail === null ? {} : { detail, ...field };
  return told(new Refusal(0, problem), { email: words.inviteForm.email });
}

/**
 * What is being typed into the form: it outlives the dialog.
 *
 * @param {string} path
 */
function useDraft(path) {
  const [chips, setChips] = useTyped(`${path} addresses`, /** @type {string[]} */ ([]));
  const [rest, setRest] = useTyped(`${path} address`, "");
  const [role, setRole] = useTyped(`${path} role`, /** @type {Role} */ ("user"));
  const [billing, setBilling] = useTyped(`${path} billing emails`, false);
  return { chips, setChips, rest, setRest, role, setRole, billing, setBilling };
}

/**
 * @param {object} props
 * @param {SettingsState} props.page
 * @param {SettingsView} props.settings
 * @param {ReturnType<typeof useDraft>} props.draft
 * @param {() => void} props.onClose
 * @param {() => void} props.onDone
 */
function InviteForm({ page, settings, draft, onClose, onDone }) {
  const { chips, rest, role, billing } = draft;
  const [results, setResults] = useState(/** @type {Result[]} */ ([]));
  const [progress, setProgress] = useState(/** @type {[number, number] | null} */ (null));
  const [problem, setProblem] = useState("");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const key = useRef(crypto.randomUUID());
  const emails = allOf(chips, rest);
  const focus = () => form.current?.querySelector("input")?.focus();
  useEffect(focus, []);
  const busy = progress !== null;
  // The rest would not be sent.
  useEffect(() => {
    if (!busy) return undefined;
    const stay = (/** @type {Event} */ event) => event.preventDefault();
    addEventListener("beforeunload", stay);
    return () => removeEventListener("beforeunload", stay);
  }, [busy]);
  const failedWith = new Map(results.map((result) => [result.email.toLowerCase(), result.problem]));
  const members = new Set(settings.members.items.map((member) => member.email.toLowerCase()));
  const pending = new Set(settings.invites.items.map((invite) => invite.email.toLowerCase()));
  /** @param {string} email */
  const problemOfChip = (email) => {
    const plain = email.toLowerCase();
    if (members.has(plain)) return words.inviteForm.refused["already_member"] ?? null;
    if (pending.has(plain)) return words.inviteForm.refused["invite_outstanding"] ?? null;
    return failedWith.get(plain) ?? null;
  };

  /**
   * Invites up to 100 addresses, again until each was tried.
   *
   * @param {string[]} some
   */
  const invite = async (some) => {
    const invites = some.map((email) => ({ email, role, receives_billing_emails: billing }));
    for (let attempt = 1; ; attempt++) {
      /** @type {InvitedView} */
      const { items } = await ask("POST", `${page.path}/invites/batch`, { body: { invites }, idempotencyKey: key.current });
      if (attempt === ATTEMPTS || items.every((row) => row.outcome !== "not_tried")) {
        return items;
      }
    }
  };

  const send = async () => {
    if (progress) {
      return;
    }
    if (emails.length === 0) {
      setProblem(words.inviteForm.empty);
      focus();
      return;
    }
    setProblem("");
    setResults([]);
    /** @type {Result[]} */
    const outcome = [];
    try {
      for (let at = 0; at < emails.length; at += BATCH) {
        setProgress([at, emails.length]);
        const rows = await invite(emails.slice(at, at + BATCH));
        const made = rows.flatMap((row) => row.invite ?? []);
        page.update((settings) => {
          const { items, next_cursor } = settings.invites;
          const others = items.filter((one) => made.every((invite) => invite.id !== one.id));
          return { ...settings, invites: { items: [...others, ...made], next_cursor } };
        });
        outcome.push(...rows.map((row) => ({ email: row.email, problem: row.outcome === "created" ? null : problemOf(row) })));
        setResults([...outcome]);
      }
      key.current = crypto.randomUUID();
    } catch (error) {
      // The same key: the invites that were made are not made again.
      setProgress(null);
      setProblem(told(error));
      void page.refresh();
      return;
    }
    setProgress(null);
    const failed = outcome.filter((result) => result.problem !== null);
    const done = outcome.length - failed.length;
    // What could not be invited stays, to be mended.
    draft.setChips(failed.map((result) => result.email));
    draft.setRest("");
    if (done > 0) {
      notify.done(words.inviteForm.invitedCount(done));
    }
    if (failed.length > 0) {
      setProblem(words.inviteForm.failedCount(failed.length));
      void page.refresh();
      focus();
    } else {
      draft.setRole("user");
      draft.setBilling(false);
      onDone();
    }
  };

  return (
    <form
      ref={form}
      class="dialog-form invite-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div class="field">
        <label class="label" for="invite-emails">
          {words.inviteForm.emails}
        </label>
        <Chips
          chips={chips}
          rest={rest}
          invalid={problem !== ""}
          describedBy="invite-hint invite-problem"
          problemOf={problemOfChip}
          onChange={(chips, rest) => {
            draft.setChips(chips);
            draft.setRest(rest);
          }}
          onSubmit={send}
        />
        <p class="hint" id="invite-hint">
          {words.inviteForm.hint}
        </p>
        <Problem id="invite-problem" text={problem} />
        {results.some((result) => result.problem !== null) && (
          <ul class="plain-list results" aria-label={words.inviteForm.results}>
            {results.map(
              (result) =>
                result.problem !== null && (
                  <li key={result.email} class="result result-failed">
                    <bdi class="strong">{result.email}</bdi> <span>{result.problem}</span>
                  </li>
                ),
            )}
          </ul>
        )}
      </div>
      <RoleField role={role} roles={rolesOf(settings.may.invite)} onChange={draft.setRole} />
      <label class="check">
        <input type="checkbox" checked={billing} onChange={(event) => draft.setBilling(event.currentTarget.checked)} />
        {words.inviteForm.billing}
      </label>
      <div class="dialog-actions">
        <Button onPress={onClose}>{words.cancel}</Button>
        <Button look="main" submits busy={busy}>
          {progress ? words.inviteForm.sending(progress[0] + 1, progress[1]) : words.inviteForm.send(emails.length)}
        </Button>
      </div>
    </form>
  );
}
