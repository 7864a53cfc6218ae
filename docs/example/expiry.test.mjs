import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";

let stack, url;
const send = async (path, body, headers = {}) =>
  (await fetch(url + path, { method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers })).json();
const signIn = async (person) => ({ authorization: `Bearer ${(await send("/local/sign-in", person, json)).token}` });
const json = { "content-type": "application/json" };

before(() => new Promise((resolve, reject) => {
  stack = spawn(process.env.LOCAL, ["--ephemeral", "--port", "0"]).on("exit", reject);
  stack.stdout.on("data", (text) => (url ??= /^Ready at (\S+)/m.exec(text)?.[1]) && resolve());
}));
after(() => stack.removeAllListeners("exit").kill());

test("an invite expires after 14 days", async () => {
  const person = { user_id: "auth0|ada", email: "ada@example.com", name: "Ada" };
  const { id } = await send("/v1/organizations", { name: "Acme" }, await signIn(person));
  await send(`/v1/organizations/${id}/invites`, { email: "ben@example.com", role: "user" }, await signIn(person));
  const [{ links }] = await send("/local/emails?to=ben@example.com");
  const invite = `/v1/invites/${links[0].split("/").pop()}`;
  assert.equal((await send(invite)).inviter_name, "Ada");
  await send("/local/clock", { advance_seconds: 14 * 24 * 3600 });
  assert.equal((await send(invite)).code, "invite_expired");
});
