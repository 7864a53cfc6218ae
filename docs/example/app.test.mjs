// Plays the app against a local stack: LOCAL is the binary `local`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { after, before, test } from "node:test";

const SERVER_KEY = `oss_${"k".repeat(40)}`;
const processes = [];
let api, app, owner, member, organization, apiKey;

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Starts a process, and waits for the line that says that it is ready.
function start(command, args, ready, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  processes.push(child);
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.includes(ready)) resolve();
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${command} ended with ${code}: ${text}`)));
  });
}

async function signIn(email) {
  const form = new URLSearchParams({ email, name: email.split("@")[0], verified: "true" });
  const response = await fetch(`${api}/local/sign-in`, { method: "POST", body: form });
  return (await response.json()).token;
}

async function call(base, token, method, path, body, headers = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body: json };
}

const image = (token, html, headers) => call(app, token, "POST", "/images", { html }, headers);
const asMember = () => ({ "x-organization": organization });

async function used() {
  const settings = await call(api, owner, "GET", `/v1/organizations/${organization}/settings`);
  return settings.body.usage.used;
}

before(async () => {
  const [stackPort, appPort] = [await freePort(), await freePort()];
  [api, app] = [`http://127.0.0.1:${stackPort}`, `http://127.0.0.1:${appPort}`];
  const options = ["--ephemeral", "--port", `${stackPort}`, "--server-key", SERVER_KEY];
  await start(process.env.LOCAL, options, "Ctrl-C stops");
  const env = { ORGANIZATIONS_URL: api, SERVER_KEY, PORT: `${appPort}` };
  await start(process.execPath, [new URL("app.mjs", import.meta.url).pathname], "listening", env);

  [owner, member] = [await signIn("ada@example.com"), await signIn("ben@example.com")];
  const made = await call(api, owner, "POST", "/v1/organizations", { name: "Acme" });
  organization = made.body.id;
  const account = await call(api, member, "GET", "/v1/account");
  const row = { user_id: account.body.user_id, email: "ben@example.com", role: "user" };
  const path = `/v1/server/organizations/${organization}/members`;
  const added = await call(api, SERVER_KEY, "POST", path, { members: [row] });
  assert.equal(added.body.items[0].outcome, "added");
  const key = await call(api, owner, "POST", `/v1/organizations/${organization}/api-keys`, { name: "Shop" });
  apiKey = key.body.secret;
});

after(() => processes.forEach((child) => child.removeAllListeners("exit").kill()));

test("an API key and a member's token use a credit for an image", async () => {
  const byKey = await image(apiKey, "<p>Hello</p>", { "idempotency-key": "one" });
  assert.deepEqual([byKey.status, byKey.headers.get("x-remaining")], [200, "49"]);
  const again = await image(apiKey, "<p>Hello</p>", { "idempotency-key": "one" });
  assert.equal(again.headers.get("x-remaining"), "49");
  const byMember = await image(member, "<p>Hello</p>", asMember());
  assert.deepEqual([byMember.status, byMember.headers.get("x-remaining")], [200, "48"]);
});

test("a failed render gives the credit back", async () => {
  const before = await used();
  for (const [token, headers] of [[apiKey], [member, asMember()]]) {
    const failed = await image(token, "<broken>", headers);
    assert.deepEqual([failed.status, failed.body.error], [502, "the renderer crashed"]);
  }
  assert.equal(await used(), before);
});

test("strangers and unknown keys are refused", async () => {
  const stranger = await signIn("sten@example.com");
  assert.equal((await image(stranger, "x", asMember())).status, 404);
  assert.equal((await image("not-a-token", "x", asMember())).status, 401);
  assert.equal((await image(`${apiKey.slice(0, -1)}`, "x")).status, 401);
});

test("a role decides who deletes a template", async () => {
  const remove = (token, headers) => call(app, token, "DELETE", "/templates/card", undefined, headers);
  assert.equal((await remove(owner, asMember())).status, 204);
  assert.equal((await remove(member, asMember())).status, 403);
  assert.equal((await remove(apiKey)).status, 403);
});

test("used-up credits are passed on with the wait", async () => {
  const path = `/v1/server/organizations/${organization}/usage`;
  const left = 50 - (await used());
  const rest = await call(api, SERVER_KEY, "POST", path, { credits: left }, { "idempotency-key": "rest" });
  assert.equal(rest.status, 200);
  const refused = await image(apiKey, "x");
  assert.equal(refused.status, 429);
  assert.match(refused.body.error, /You've used 50 of your 50 image credits/);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
});
