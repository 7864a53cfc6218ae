/**
 * Signing in at the OpenID provider: authorization code flow with PKCE.
 *
 * Tokens live in this tab alone (sessionStorage). What they allow is decided by
 * the API; here they only say whose pages to show.
 */

import * as oauth from "oauth4webapi";

/**
 * @typedef {object} Person
 * @property {string} sub
 * @property {string | null} email
 * @property {boolean} email_verified
 * @property {string | null} name
 */

/**
 * Whoever is signed in. Times are in milliseconds of this machine's clock,
 * whatever it shows: only how long a token lives is taken from the provider.
 *
 * @typedef {object} Session
 * @property {string} id_token
 * @property {string | null} refresh_token
 * @property {number} ends_at
 * @property {number} kept_at when it came from the provider
 * @property {Person} person
 */

/**
 * What has to be remembered while the person is at the provider.
 *
 * @typedef {object} Pending
 * @property {string} state
 * @property {string} nonce
 * @property {string} verifier
 * @property {string} return_to
 */

/**
 * Why signing in did not work:
 * - `not_set_up`: this deployment has no provider for its pages.
 * - `unreachable`: the provider does not answer; trying again may help.
 * - `cancelled`: the person, or the provider, said no.
 * - `stale`: the answer belongs to no sign-in of this tab, or to an older one.
 * - `refused`: the provider's answer is not one that can be trusted.
 * - `blocked`: the browser lets this site store nothing.
 * - `not_accepted`: the API refuses a token that has just been made.
 *
 * @typedef {"not_set_up" | "unreachable" | "cancelled" | "stale" | "refused" | "blocked" | "not_accepted"} Reason
 */

/** @type {Record<Reason, string>} */
const WORDS = {
  not_set_up: "Sign-in isn’t configured. Contact your administrator.",
  unreachable: "The sign-in service isn’t responding. Check your connection and try again.",
  cancelled: "Sign-in was cancelled.",
  stale: "This sign-in has expired. Sign in again.",
  refused: "We couldn’t verify the sign-in. Try again.",
  blocked: "Your browser blocks storage for this site, which signing in needs. Allow it, then sign in again.",
  not_accepted:
    "You are signed in, but the server does not accept this sign-in. Its issuer or audience may be set up differently. Try again, or sign out.",
};

/** A sign-in that did not work. `message` is a sentence to show. */
export class SignInError extends Error {
  /**
   * @param {Reason} reason
   * @param {unknown} [cause]
   */
  constructor(reason, cause) {
    super(WORDS[reason], { cause });
    this.name = "SignInError";
    this.reason = reason;
  }
}

const SESSION = "sign-in.session";
const PENDING = "sign-in.pending";
const CALLBACK = "/auth/callback";
const SCOPE = "openid email profile";
/** A token that is over so soon is not used any more: a request takes a moment. */
const MARGIN = 30_000;
/** A token as young as that is not over: another one would be refused just the same. */
const FRESH = 60_000;
/** Leaving does not wait longer for the provider. */
const PATIENCE = 2_000;
/** Tells the other tabs who has signed out. */
const SIGNED_OUT = "sign-in.signed-out";

/** The page's `<html>` element says who signs people in. */
const settings = document.documentElement.dataset;

/** @returns {{ issuer: URL, client: oauth.Client }} */
function provider() {
  const { issuer, clientId } = settings;
  if (!issuer || !clientId) {
    throw new SignInError("not_set_up");
  }
  return { issuer: new URL(issuer), client: { client_id: clientId } };
}

/** Plain HTTP is for a provider on this very machine. */
function transport() {
  const { protocol, hostname } = provider().issuer;
  const here = hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
  return { [oauth.allowInsecureRequests]: protocol === "http:" && here };
}

/** @returns {Promise<oauth.AuthorizationServer>} */
async function discover() {
  const { issuer } = provider();
  const response = await oauth.discoveryRequest(issuer, transport());
  return oauth.processDiscoveryResponse(issuer, response);
}

/**
 * Runs a step at the provider; what goes wrong there gets one of our reasons.
 *
 * @template T
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
async function explained(step) {
  try {
    return await step();
  } catch (error) {
    if (error instanceof SignInError) {
      throw error;
    }
    if (error instanceof oauth.AuthorizationResponseError) {
      throw new SignInError("cancelled", error);
    }
    if (error instanceof oauth.ResponseBodyError) {
      throw new SignInError(error.error === "invalid_grant" ? "stale" : "refused", error);
    }
    // No answer at all is a TypeError of `fetch`, which has no code; the library's have one.
    const unanswered = error instanceof TypeError && !("code" in error);
    const status = error instanceof Error && error.cause instanceof Response ? error.cause.status : 0;
    throw new SignInError(unanswered || status >= 500 ? "unreachable" : "refused", error);
  }
}

/**
 * @template T
 * @param {string} key
 * @returns {T | null}
 */
function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {Session | Pending} value
 */
function remember(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch (error) {
    throw new SignInError("blocked", error);
  }
}

/** @param {string} key */
function forget(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Where nothing can be stored, nothing is.
  }
}

/**
 * The path to come back to, if it is one of ours; `/` for everything else.
 *
 * @param {string} path
 */
function ours(path) {
  const url = new URL(path, location.origin);
  const isOurs = url.origin === location.origin && url.pathname !== CALLBACK;
  return isOurs ? url.pathname + url.search + url.hash : "/";
}

/**
 * Leads to the provider, and back to that path once signed in. The page is left:
 * the promise settles only when that cannot be.
 *
 * @param {string} returnTo a path of these pages
 * @param {{ anew?: boolean }} [options] `anew` has the provider ask even somebody it knows: for another account
 * @returns {Promise<never>}
 */
export async function signIn(returnTo, options = {}) {
  const { client } = provider();
  const pending = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    return_to: ours(returnTo),
  };
  const url = await explained(async () => {
    const server = await discover();
    if (!server.authorization_endpoint) {
      throw new SignInError("refused");
    }
    const url = new URL(server.authorization_endpoint);
    const parameters = {
      client_id: client.client_id,
      redirect_uri: location.origin + CALLBACK,
      response_type: "code",
      scope: SCOPE,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: "S256",
      ...(options.anew ? { prompt: "login" } : {}),
    };
    for (const [name, value] of Object.entries(parameters)) {
      url.searchParams.set(name, value);
    }
    return url;
  });
  remember(PENDING, pending);
  return leave(url);
}

/**
 * Leaves the page: what would come after it never does.
 *
 * @param {URL | string} url
 * @returns {Promise<never>}
 */
export function leave(url) {
  location.assign(url);
  return new Promise(() => {});
}

/**
 * Takes the provider's answer from the address of the callback page, which it
 * takes out of the history too. Gives the path where the person was.
 *
 * @returns {Promise<string>}
 */
export async function completeSignIn() {
  const { client } = provider();
  const answer = new URL(location.href);
  history.replaceState(null, "", CALLBACK);
  /** @type {Pending | null} */
  const pending = recall(PENDING);
  // An answer counts once.
  forget(PENDING);
  if (!pending || answer.searchParams.get("state") !== pending.state) {
    // Back, or a reload, after a sign-in that has worked.
    if (idToken()) {
      return pending?.return_to ?? "/dashboard/organization-settings";
    }
    throw new SignInError("stale");
  }
  await explained(async () => {
    const server = await discover();
    const parameters = oauth.validateAuthResponse(server, client, answer, pending.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      location.origin + CALLBACK,
      pending.verifier,
      transport(),
    );
    const tokens = await oauth.processAuthorizationCodeResponse(
      server,
      { ...client, ...(await skew(response)) },
      response,
      { expectedNonce: pending.nonce, requireIdToken: true },
    );
    keep(tokens, null);
  });
  return pending.return_to;
}

/**
 * How far the provider's clock is from this machine's. The token has just been
 * made for us, so its time of issue is the provider's now: people whose clock is
 * wrong can sign in, too.
 *
 * @param {Response} response
 */
async function skew(response) {
  if (!response.ok) {
    return {};
  }
  const { id_token } = await response.clone().json();
  const issued = typeof id_token === "string" ? decoded(id_token)["iat"] : undefined;
  const now = Math.floor(Date.now() / 1000);
  return typeof issued === "number" ? { [oauth.clockSkew]: issued - now } : {};
}

/**
 * A token's claims, not validated.
 *
 * @param {string} token
 * @returns {Record<string, unknown>}
 */
function decoded(token) {
  const payload = token.split(".")[1] ?? "";
  const bytes = Uint8Array.from(
    atob(payload.replaceAll("-", "+").replaceAll("_", "/")),
    (character) => character.charCodeAt(0),
  );
  return JSON.parse(new TextDecoder().decode(bytes));
}

/**
 * @param {oauth.TokenEndpointResponse} tokens
 * @param {Session | null} before
 */
function keep(tokens, before) {
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (!claims || !tokens.id_token || (before && claims.sub !== before.person.sub)) {
    throw new SignInError("refused");
  }
  const { sub, email, email_verified, name } = claims;
  remember(SESSION, {
    id_token: tokens.id_token,
    refresh_token: tokens.refresh_token ?? before?.refresh_token ?? null,
    ends_at: Date.now() + (claims.exp - claims.iat) * 1000,
    kept_at: Date.now(),
    person: {
      sub,
      email: typeof email === "string" ? email : null,
      email_verified: email_verified === true || email_verified === "true",
      name: typeof name === "string" ? name : null,
    },
  });
}

/**
 * The token to send to the API; `null` when nobody is signed in or its time is
 * over: then `renew`, and if that gives none, `signIn`.
 *
 * @returns {string | null}
 */
export function idToken() {
  /** @type {Session | null} */
  const session = recall(SESSION);
  return session && Date.now() < session.ends_at - MARGIN ? session.id_token : null;
}

/**
 * Who is signed in. It stays known while a token is renewed.
 *
 * @returns {Person | null}
 */
export function person() {
  /** @type {Session | null} */
  const session = recall(SESSION);
  return session?.person ?? null;
}

/** Whether the token has just come from the provider. */
export function isFresh() {
  /** @type {Session | null} */
  const session = recall(SESSION);
  return session !== null && Date.now() - session.kept_at < FRESH;
}

/** @type {Promise<string | null> | null} */
let renewal = null;

/**
 * A fresh token without leaving the page, where the provider allows that: for
 * when the old one is over, or the API no longer takes it (401). `null` means
 * that only `signIn` helps. One renewal at a time, whoever asks.
 *
 * @returns {Promise<string | null>}
 * @throws {SignInError} `unreachable`: the session is still there, so it can be tried again
 */
export function renew() {
  renewal ??= renewed().finally(() => {
    renewal = null;
  });
  return renewal;
}

async function renewed() {
  /** @type {Session | null} */
  const session = recall(SESSION);
  const token = session?.refresh_token;
  if (!token) {
    return null;
  }
  const { client } = provider();
  try {
    await explained(async () => {
      const server = await discover();
      const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, transport());
      const tokens = await oauth.processRefreshTokenResponse(
        server,
        { ...client, ...(await skew(response)) },
        response,
      );
      keep(tokens, session);
    });
  } catch (error) {
    if (error instanceof SignInError && error.reason !== "unreachable") {
      forget(SESSION);
      return null;
    }
    throw error;
  }
  return idToken();
}

/**
 * Forgets who is signed in, in every tab, and has the provider forget it, too. The
 * page is left, and shows nothing to somebody who comes back to it.
 *
 * @returns {Promise<never>}
 */
export async function signOut() {
  /** @type {Session | null} */
  const session = recall(SESSION);
  forget(SESSION);
  document.getElementById("page")?.replaceChildren();
  if (session) {
    channel?.postMessage(session.person.sub);
  }
  const home = `${location.origin}/`;
  const server = await atMost(discovered());
  await atMost(revoke(server, session));
  // For providers whose sign-out is not the standard's, such as Cognito.
  const { signOutUrl } = settings;
  if (signOutUrl) {
    const url = signOutUrl
      .replaceAll("{return_to}", encodeURIComponent(home))
      .replaceAll("{id_token}", encodeURIComponent(session?.id_token ?? ""));
    return leave(url);
  }
  if (!server?.end_session_endpoint) {
    return leave(home);
  }
  const url = new URL(server.end_session_endpoint);
  url.searchParams.set("client_id", provider().client.client_id);
  url.searchParams.set("post_logout_redirect_uri", home);
  return leave(url);
}

/** The provider's document, or nothing. @returns {Promise<oauth.AuthorizationServer | null>} */
async function discovered() {
  try {
    return await discover();
  } catch {
    return null;
  }
}

/**
 * Ends a session's refresh token, where the provider can. A token that it does not
 * end is over in its own time.
 *
 * @param {oauth.AuthorizationServer | null} server
 * @param {Session | null} session
 */
async function revoke(server, session) {
  if (!server?.revocation_endpoint || !session?.refresh_token) {
    return null;
  }
  try {
    const { client } = provider();
    await oauth.revocationRequest(server, client, oauth.None(), session.refresh_token, transport());
  } catch {
    // The person wants to leave, and can do nothing about it.
  }
  return null;
}

/**
 * An answer, or `null` if it takes too long.
 *
 * @template T
 * @param {Promise<T | null>} answer
 * @returns {Promise<T | null>}
 */
function atMost(answer) {
  return Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE))]);
}

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(SIGNED_OUT) : null;

/**
 * Ends this tab's session when the same person signs out in another tab, or is no
 * longer the one whom a page shows that comes back out of the browser's memory.
 *
 * @param {boolean} needsSignIn whether the page is for signed-in people only
 */
export function endWithOthers(needsSignIn) {
  const shownTo = person()?.sub ?? null;
  const go = () => {
    document.getElementById("page")?.replaceChildren();
    if (needsSignIn) {
      location.replace("/");
    } else {
      location.reload();
    }
  };
  channel?.addEventListener("message", async ({ data }) => {
    /** @type {Session | null} */
    const session = recall(SESSION);
    if (session && session.person.sub === data) {
      forget(SESSION);
      await atMost(discovered().then((server) => revoke(server, session)));
      go();
    }
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted && (person()?.sub ?? null) !== shownTo) {
      go();
    }
  });
}
