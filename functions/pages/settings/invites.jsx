/** Who is invited and has not answered; and inviting. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask, told } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Confirm } from "../parts/dialog.jsx";
import { focusNear } from "../parts/focus.js";
import { Problem } from "../parts/form.jsx";
import { notify } from "../parts/notices.jsx";
import { PersonLine } from "../parts/person.jsx";
import { RoleChoice } from "../parts/role-choice.jsx";
import { Select } from "../parts/select.jsx";
import { Switch } from "../parts/switch.jsx";
import { Tip } from "../parts/tip.jsx";
import { LoadMore } from "../parts/waiting.jsx";
import { useTyped } from "../typed.js";
import { words } from "../words.js";
import { addresses } from "./addresses.js";
import { Section } from "./section.jsx";
import { withItem } from "./state.js";

/** @import { InviteView, InvitedView, MemberView, SettingsView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

/** How long a mail takes to leave, and how often it is looked for. */
const LOOK_AFTER = 1_500;
const LOOKS = 4;

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Invites({ page, settings }) {
  const { invites, invites_paused: paused } = settings;
  const [cancelling, setCancelling] = useState(/** @type {InviteView | null} */ (null));
  const [resending, setResending] = useState("");
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));

  // A mail leaves within seconds; then the page says so.
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

  return (
    <Section id="invites" title={words.settings.invites} count={format.counted(invites)} text={words.invites.text} heading={heading}>
      {paused && settings.may.invite.roles.length > 0 && (
        <div class="callout callout-warn" data-testid="invites-paused">
          <h2>{words.invites.pausedTitle}</h2>
          <p>{words.invites.paused(paused.reason, format.day(paused.since))}</p>
        </div>
      )}
      <InviteForm page={page} settings={settings} />
      <div class="card">
        {invites.items.length === 0 && invites.next_cursor === null ? (
          <p class="empty muted">{words.invites.none}</p>
        ) : (
          <div class="row row-invites row-head" aria-hidden="true">
            <span>{words.invites.person}</span>
            <span>{words.members.role}</span>
            <span>{words.members.billing}</span>
            <span>{words.invites.sent}</span>
            <span />
          </div>
        )}
        <ul ref={list} class="plain-list rows" aria-label={words.settings.invites} data-testid="invites">
          {invites.items.map((invite) => (
            <li key={invite.id} class="row row-invites" data-testid="invite">
              <PersonLine
                name={invite.email}
                id={invite.id}
                detail={
                  <>
                    <Expiry at={invite.expires_at} /> · <bdi>{words.invites.by(invite.invited_by?.name ?? null)}</bdi>
                  </>
                }
              />
              <RoleChoice
                role={invite.role}
                may={invite.may.update}
                label={words.invites.roleOf(invite.email)}
                onChange={(role) => patch(invite, { role })}
              />
              <Switch
                on={invite.receives_billing_emails}
                label={words.invites.billingOf(invite.email)}
                shownLabel={words.members.billing}
                // To change the flag is to update the invite to the role that it has.
                may={{ allowed: invite.may.update.roles.includes(invite.role), reason: invite.may.update.reason ?? null }}
                onChange={(on) => patch(invite, { receives_billing_emails: on })}
              />
              <Delivery invite={invite} lapsed={hasLapsed(invite, settings)} />
              <span class="row-end">
                <Button
                  look="quiet"
                  label={words.invites.resendTo(invite.email)}
                  may={invite.may.resend}
                  busy={resending === invite.id}
                  onPress={() => resend(invite)}
                >
                  {words.invites.resend}
                </Button>
                <Button
                  look="quiet-danger"
                  label={words.invites.cancelTo(invite.email)}
                  may={invite.may.cancel}
                  onPress={() => setCancelling(invite)}
                >
                  {words.cancel}
                </Button>
              </span>
            </li>
          ))}
        </ul>
        {invites.next_cursor !== null && <LoadMore onPress={() => page.more("invites")} />}
      </div>
      {cancelling && (
        <Confirm
          title={words.invites.cancelTitle(cancelling.email)}
          action={words.invites.cancel}
          keep={words.invites.keep}
          onClose={() => setCancelling(null)}
          onConfirm={async () => {
            await ask("DELETE", invitePath(cancelling));
            const index = invites.items.indexOf(cancelling);
            setCancelling(null);
            page.update((settings) => withItem(settings, "invites", (one) => one.id === cancelling.id, null));
            notify.done(words.invites.cancelled(cancelling.email));
            focusNear(list.current, index, heading.current);
          }}
        >
          <p>{words.invites.cancelText}</p>
        </Confirm>
      )}
    </Section>
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
      <Tip reason={words.invites.needsResendHint(invite.invited_by?.name ?? "")} takesFocus class="row-date">
        {() => <span class="state state-failed">{words.invites.needsResend}</span>}
      </Tip>
    );
  }
  return (
    <Tip reason={reason} takesFocus={Boolean(reason)} class="row-date">
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

/** @param {{ page: SettingsState, settings: SettingsView }} props */
function InviteForm({ page, settings }) {
  const { roles, reason } = settings.may.invite;
  const [text, setText] = useTyped(`${page.path} addresses`, "");
  const [role, setRole] = useTyped(`${page.path} role`, /** @type {MemberView["role"]} */ ("user"));
  const [billing, setBilling] = useTyped(`${page.path} billing emails`, false);
  const [results, setResults] = useState(/** @type {Result[]} */ ([]));
  const [progress, setProgress] = useState(/** @type {[number, number] | null} */ (null));
  const [problem, setProblem] = useState("");
  const input = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const key = useRef(crypto.randomUUID());
  const emails = addresses(text);
  const strongestFirst = ["owner", "admin", "user"].filter((one) => roles.some((allowed) => allowed === one));

  if (roles.length === 0) {
    return (
      <div class="card form-card">
        <Button look="main" may={{ allowed: false, reason: reason ?? null }}>
          {words.inviteForm.title}
        </Button>
      </div>
    );
  }

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
      input.current?.focus();
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
    setText(failed.map((result) => result.email).join("\n"));
    if (done > 0) {
      notify.done(words.inviteForm.invitedCount(done));
    }
    if (failed.length > 0) {
      setProblem(words.inviteForm.failedCount(failed.length));
      void page.refresh();
    }
    input.current?.focus();
  };

  return (
    <form
      class="card form-card invite-form"
      aria-label={words.inviteForm.title}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label class="field form-wide">
        <span class="label">{words.inviteForm.emails}</span>
        <textarea
          ref={input}
          class="input"
          rows={Math.min(6, Math.max(2, text.split("\n").length))}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          aria-describedby="invite-hint invite-problem"
          aria-invalid={problem !== ""}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              void send();
            }
          }}
        />
      </label>
      <p class="hint form-wide" id="invite-hint">
        {words.inviteForm.hint}
      </p>
      <div class="form-line form-wide">
        <label class="field field-inline">
          <span class="label">{words.inviteForm.role}</span>
          <Select
            value={role}
            options={strongestFirst.map((one) => [one, words.roles[one] ?? one])}
            onChoose={(chosen) => setRole(/** @type {MemberView["role"]} */ (chosen))}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={billing} onChange={(event) => setBilling(event.currentTarget.checked)} />
          {words.inviteForm.billing}
        </label>
        <span class="form-space" />
        <Button look="main" submits busy={progress !== null}>
          {progress ? words.inviteForm.sending(progress[0] + 1, progress[1]) : words.inviteForm.send(emails.length)}
        </Button>
      </div>
      <div class="form-wide">
        <Problem id="invite-problem" text={problem} />
        {results.length > 0 && (
          <ul class="plain-list results" aria-label={words.inviteForm.results}>
            {results.map((result) => (
              <li key={result.email} class={result.problem === null ? "result result-done" : "result result-failed"}>
                <bdi class="strong">{result.email}</bdi> <span>{result.problem ?? words.inviteForm.invited}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </form>
  );
}
