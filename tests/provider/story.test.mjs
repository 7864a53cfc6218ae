// Signs a person in at oidc-provider with its default settings, as the pages do, and calls
// the API with the id token. LOCAL is the binary of the local stack.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import Provider from "oidc-provider";

const CLIENT = "pages";
const REDIRECT_URI = "https://app.example.com/callback";

/** Starts the provider on a free port. */
async function startProvider() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        redirect_uris: [REDIRECT_URI],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "none",
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    // OpenID Connect Core 1.0, section 5.4, has the claims in the UserInfo response. The API reads the id token.
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: "Ada" }),
    }),
  });
  server.on("request", provider.callback());
  return { issuer, server };
}

/** Starts a local stack that accepts the provider's tokens. */
async function startStack(issuer) {
  const stack = spawn(process.env.LOCAL, ["--ephemeral", "--port", "0", "--issuer", issuer, "--audience", CLIENT]);
  let output = "";
  for await (const text of stack.stdout) {
    output += text;
    const ready = /Ready at (\S+)/.exec(output);
    if (ready) {
      return { stack, api: ready[1] };
    }
  }
  throw new Error(output);
}

/** A browser without a window: it keeps cookies and follows redirects until the app's. */
class Browser {
  cookies = new Map();

  async open(url, form) {
    for (let hops = 0; hops < 10; hops += 1) {
      const response = await fetch(url, {
        method: form ? "POST" : "GET",
        body: form && new URLSearchParams(form),
        headers: { cookie: [...this.cookies].map((pair) => pair.join("=")).join("; ") },
        redirect: "manual",
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
        this.cookies.set(name, value);
      }
      const location = response.headers.get("location");
      if (!location) {
        return { url, html: await response.text() };
      }
      url = new URL(location, url).href;
      form = undefined;
      if (url.startsWith(REDIRECT_URI)) {
        return { url, html: "" };
      }
    }
    throw new Error(`too many redirects: ${url}`);
  }

  /** Submits the only form of a page. */
  submit({ url, html }, values) {
    const action = /<form[^>]+action="([^"]+)"/.exec(html)[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(html)[1];
    return this.open(new URL(action, url).href, { prompt, ...values });
  }
}

async function tokens(endpoint, parameters) {
  const response = await fetch(endpoint, { method: "POST", body: new URLSearchParams({ client_id: CLIENT, ...parameters }) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

test("a person signs in at oidc-provider and creates an organization", async (t) => {
  const { issuer, server } = await startProvider();
  t.after(() => server.close());
  const { stack, api } = await startStack(issuer);
  t.after(() => stack.kill());

  const discovered = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    client_id: CLIENT,
    response_type: "code",
    redirect_uri: REDIRECT_URI,
    scope: "openid email profile offline_access",
    prompt: "consent",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const browser = new Browser();
  const login = await browser.open(`${discovered.authorization_endpoint}?${query}`);
  const consent = await browser.submit(login, { login: "ada", password: "any" });
  const back = await browser.submit(consent, {});
  const code = new URL(back.url).searchParams.get("code");

  const redirect = { redirect_uri: REDIRECT_URI, code, code_verifier: verifier };
  const first = await tokens(discovered.token_endpoint, { grant_type: "authorization_code", ...redirect });
  const call = (token, path, init = {}) =>
    fetch(`${api}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
  const created = await call(first.id_token, "/v1/organizations", { method: "POST", body: '{"name":"Acme"}' });
  assert.equal(created.status, 201, await created.clone().text());

  const renewed = await tokens(discovered.token_endpoint, { grant_type: "refresh_token", refresh_token: first.refresh_token });
  const account = await call(renewed.id_token, "/v1/account");
  assert.equal(account.status, 200);
  const { email, user_id: id, current_organization: current } = await account.json();
  assert.deepEqual([id, email, current.name], ["ada", "ada@example.com", "Acme"]);

  // An access token is for the provider's own UserInfo, and another key signs nothing.
  assert.equal((await call(first.access_token, "/v1/account")).status, 401);
  const [head, body] = renewed.id_token.split(".");
  assert.equal((await call(`${head}.${body}.AAAA`, "/v1/account")).status, 401);
});
