/**
 * Where the link in a mail leads.
 *
 * The link's token is a secret. It is taken out of the address, and so out of
 * the history, before anything else; this tab remembers it while its owner signs
 * in. Nothing here changes anything before a button is pressed.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, ask, told } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Confirm } from "../parts/dialog.jsx";
import { notify } from "../parts/notices.jsx";
import { Initials } from "../parts/person.jsx";
import { TopBar } from "../parts/top-bar.jsx";
import { Failed, Skeleton } from "../parts/waiting.jsx";
import { afterAccepting } from "../brand.js";
import { rememberOrganization, rememberWelcome, settingsPath } from "../places.js";
import { person, signIn } from "../sign-in.js";
import { words } from "../words.js";

/** @import { ComponentChildren } from "preact" */
/** @import { AcceptedView, ListOfMyInviteView, PreviewView } from "../api-types.d.ts" */

/** Stands in the address where the token was. */
const OPENED = "/invites/opened";
const KEPT = "invite.token";

/** The token, where this tab's memory is shut. @type {string | null} */
let taken = null;

/** The token, taken from the address or from this tab's memory. */
function takeToken() {
  if (location.pathname !== OPENED) {
    taken = tokenOf(location.pathname);
    history.replaceState(null, "", OPENED);
    remember(taken);
  }
  return recalled() ?? taken;
}

/**
 * The token in a path; `null` for one that is none. What a sentence around a link has
 * added to its end is not part of it.
 *
 * @param {string} path
 */
function tokenOf(path) {
  const [token = null] = /^[\w-]+/.exec(path.split("/")[2] ?? "") ?? [];
  return token;
}

/** @param {string | null} token */
function remember(token) {
  try {
    if (token) {
      sessionStorage.setItem(KEPT, token);
    } else {
      sessionStorage.removeItem(KEPT);
    }
  } catch {
    // Then it lives as long as this page.
  }
}

function recalled() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/**
 * - `mine`: it is for whoever is signed in, or nobody is, or it cannot be told
 * - `not_mine`: it is for another address than the one signed in
 * - `unverified`: the provider does not vouch for the address that is signed in
 *
 * @typedef {"mine" | "not_mine" | "unverified"} Fit
 */

/**
 * @typedef {{ is: "loading" }
 *   | { is: "open", preview: PreviewView, fit: Fit }
 *   | { is: "declined" }
 *   | { is: "lost" }
 *   | { is: "member", words: string }
 *   | { is: "needs_resend", words: string }
 *   | { is: "ended", code: string }
 *   | { is: "failed", error: unknown }} State
 */

/** @param {unknown} error @returns {State} */
function ended(error) {
  if (error instanceof Refusal && error.code in words.invite.ended) {
    return { is: "ended", code: error.code };
  }
  return { is: "failed", error };
}

/**
 * Whose the invite is, asked of the server: the link's holder sees only a masked address.
 *
 * @param {PreviewView} preview
 * @returns {Promise<Fit>}
 */
async function fitOf(preview) {
  if (!person()) {
    return "mine";
  }
  try {
    /** @type {ListOfMyInviteView} */
    const page = await ask("GET", "/v1/account/invites?limit=50");
    const found = page.items.some((invite) => invite.id === preview.invite_id);
    return found || page.next_cursor !== null ? "mine" : "not_mine";
  } catch (error) {
    if (error instanceof Refusal && error.code === "email_not_verified") {
      return "unverified";
    }
    if (error instanceof Refusal && error.code === "email_required") {
      return "not_mine";
    }
    throw error;
  }
}

export function InvitePage() {
  const [token] = useState(takeToken);
  const [state, setState] = useState(/** @type {State} */ ({ is: "loading" }));
  const path = `/v1/invites/${encodeURIComponent(token ?? "")}`;
  const load = async () => {
    if (!token) {
      setState({ is: "lost" });
      return;
    }
    setState({ is: "loading" });
    try {
      /** @type {PreviewView} */
      const preview = await ask("GET", path, { anonymous: true });
      setState({ is: "open", preview, fit: await fitOf(preview) });
    } catch (error) {
      setState(ended(error));
    }
  };
  useEffect(() => void load(), []);
  return (
    <>
      <TopBar />
      <main id="content" class="page page-card" tabIndex={-1}>
        <div class="card invite-card" data-testid={`invite-${state.is}`}>
          <Shown state={state} path={path} onState={setState} onRetry={load} />
        </div>
      </main>
    </>
  );
}

/**
 * @param {object} props
 * @param {State} props.state
 * @param {string} props.path
 * @param {(state: State) => void} props.onState
 * @param {() => Promise<void>} props.onRetry
 */
function Shown({ state, path, onState, onRetry }) {
  const account = (
    <a class="button button-main" href={person() ? "/account/settings" : "/"}>
      {person() ? words.invite.toAccount : words.invite.home}
    </a>
  );
  switch (state.is) {
    case "loading":
      return <Skeleton lines={6} />;
    case "failed":
      return <Failed error={state.error} onRetry={onRetry} />;
    case "lost":
      return <Told title={words.invite.lostTitle} text={words.invite.lost} action={account} />;
    case "declined":
      return <Told title={words.invite.declinedTitle} text={words.invite.declined} action={account} />;
    case "member":
      return <Told title={words.invite.memberTitle} text={state.words} action={account} />;
    case "needs_resend":
      return <Told title={words.invite.needsResend} text={state.words} action={account} />;
    case "ended": {
      const [title = "", text = ""] = words.invite.ended[state.code] ?? [];
      return <Told title={title} text={text} action={account} />;
    }
    case "open":
      return <Open preview={state.preview} fit={state.fit} path={path} onState={onState} />;
  }
}

/**
 * A state's heading takes focus when it comes: whoever cannot see that the page
 * has changed hears it.
 *
 * @param {{ title: string, text: string, action: ComponentChildren }} props
 */
function Told({ title, text, action }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => heading.current?.focus(), [title]);
  return (
    <div class="told">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p class="muted">{text}</p>
      <p>{action}</p>
    </div>
  );
}

/**
 * @param {object} props
 * @param {PreviewView} props.preview
 * @param {Fit} props.fit
 * @param {string} props.path
 * @param {(state: State) => void} props.onState
 */
function Open({ preview, fit, path, onState }) {
  const [busy, setBusy] = useState(false);
  const [declining, setDeclining] = useState(false);
  const who = person();
  const mine = who?.email ?? who?.name ?? who?.sub ?? "";

  const leaveToSignIn = async (anew = false) => {
    setBusy(true);
    try {
      await signIn(OPENED, { anew });
    } catch (error) {
      notify.failed(error);
      setBusy(false);
    }
  };
  const accept = async () => {
    setBusy(true);
    try {
      /** @type {AcceptedView} */
      const { organization } = await ask("POST", `/v1/account/invites/${preview.invite_id}/accept`);
      remember(null);
      rememberOrganization(organization.id);
      rememberWelcome(words.welcome.joined(organization.name, organization.role));
      location.replace(afterAccepting(organization.id) ?? settingsPath(organization.id));
      return;
    } catch (error) {
      setBusy(false);
      const code = error instanceof Refusal ? error.code : "";
      if (code === "email_not_verified") {
        onState({ is: "open", preview, fit: "unverified" });
      } else if (code === "email_required" || code === "invite_not_found") {
        onState({ is: "open", preview, fit: "not_mine" });
      } else if (code === "already_member") {
        onState({ is: "member", words: told(error) });
      } else if (code === "invite_needs_resend") {
        onState({ is: "needs_resend", words: told(error) });
      } else if (code in words.invite.ended) {
        onState(ended(error));
      } else {
        notify.failed(error);
      }
    }
  };

  return (
    <>
      <div class="invite-head">
        <Initials name={preview.organization_name} seed={preview.organization_name} square />
        <div>
          <h1>
            <bdi>{words.invite.join(preview.organization_name)}</bdi>
          </h1>
          <p class="muted">
            <bdi>{words.invite.lead(preview.inviter_name)}</bdi>
          </p>
        </div>
      </div>
      <dl class="facts facts-tight">
        <div class="fact">
          <dt>{words.invite.to}</dt>
          <dd>
            <bdi>{preview.masked_email}</bdi>
          </dd>
        </div>
        <div class="fact">
          <dt>{words.invite.role}</dt>
          <dd>
            {words.roles[preview.role]} <span class="muted">· {words.roleMeanings[preview.role]}</span>
          </dd>
        </div>
        <div class="fact">
          <dt>{words.invite.billing}</dt>
          <dd>{preview.receives_billing_emails ? words.invite.billingYes : words.invite.billingNo}</dd>
        </div>
        <div class="fact">
          <dt>{words.invite.until}</dt>
          <dd>
            <time dateTime={preview.expires_at}>{format.moment(preview.expires_at)}</time>
          </dd>
        </div>
      </dl>
      {who && fit === "not_mine" && (
        <div class="callout callout-warn" role="alert" data-testid="wrong-account">
          <h2>{words.invite.wrongTitle}</h2>
          <p>
            <bdi>{words.invite.wrong(mine, preview.masked_email)}</bdi>
          </p>
        </div>
      )}
      {who && fit === "unverified" && (
        <div class="callout callout-warn" role="alert" data-testid="unverified">
          <h2>{words.invite.unverifiedTitle}</h2>
          <p>
            <bdi>{words.invite.unverified(mine)}</bdi>
          </p>
        </div>
      )}
      <div class="invite-actions">
        {!who && (
          <Button look="main" busy={busy} onPress={() => leaveToSignIn()}>
            {words.invite.signIn}
          </Button>
        )}
        {who && fit === "mine" && (
          <Button look="main" busy={busy} onPress={accept}>
            {words.invite.accept}
          </Button>
        )}
        {who && fit === "not_mine" && (
          <Button look="main" busy={busy} onPress={() => leaveToSignIn(true)}>
            {words.invite.other}
          </Button>
        )}
        {who && fit === "unverified" && (
          <Button look="main" busy={busy} onPress={() => leaveToSignIn(true)}>
            {words.invite.again}
          </Button>
        )}
        <Button onPress={() => setDeclining(true)}>{words.invite.decline}</Button>
      </div>
      <p class="hint">{who ? fit === "mine" && <bdi>{words.invite.signedInAs(mine)}</bdi> : words.invite.signInHint}</p>
      {declining && (
        <Confirm
          title={words.invite.declineTitle}
          action={words.invite.decline}
          keep={words.invite.keep}
          onClose={() => setDeclining(false)}
          onConfirm={async () => {
            try {
              await ask("POST", `${path}/decline`, { anonymous: true });
              remember(null);
              onState({ is: "declined" });
            } catch (error) {
              const state = ended(error);
              if (state.is === "failed") {
                throw error;
              }
              onState(state);
            }
          }}
        >
          <p>{words.invite.declineText}</p>
        </Confirm>
      )}
    </>
  );
}
