// Plays the story with openapi-typescript's types and openapi-fetch. URL is a local stack.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const baseUrl = process.env.URL ?? "";

async function signIn(email: string) {
  const body = JSON.stringify({ email, name: email.split("@")[0] });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${baseUrl}/local/sign-in`, { method: "POST", headers, body });
  const { token, user_id } = await response.json();
  const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });
  return { client, user_id: user_id as string };
}

const [ada, ben] = [await signIn("ada@example.com"), await signIn("ben@example.com")];
const made = await ada.client.POST("/v1/organizations", { body: { name: "Acme" } });
assert.ok(made.data);
const role: components["schemas"]["Role"] | undefined = made.data.role;
assert.equal(role, "owner");
const path = { organization_id: made.data.id };

const invite = { email: "ben@example.com", role: "admin" as const, receives_billing_emails: true };
const invited = await ada.client.POST("/v1/organizations/{organization_id}/invites", { params: { path }, body: invite });
assert.equal(invited.data?.role, "admin");
const again = await ada.client.POST("/v1/organizations/{organization_id}/invites", { params: { path }, body: invite });
assert.equal(again.response.status, 409);
assert.ok(again.error && "code" in again.error);
assert.equal(again.error.code, "invite_outstanding");

const accept = { params: { path: { invite_id: invited.data.id } } };
const accepted = await ben.client.POST("/v1/account/invites/{invite_id}/accept", accept);
assert.equal(accepted.response.status, 200);
const member = { params: { path: { ...path, user_id: ben.user_id } }, body: { role: "owner" as const } };
const changed = await ada.client.PATCH("/v1/organizations/{organization_id}/members/{user_id}", member);
assert.equal(changed.data?.role, "owner");

const stranger = createClient<paths>({ baseUrl, headers: { authorization: "Bearer x" } });
const refused = await stranger.GET("/v1/account");
assert.equal(refused.response.status, 401);
assert.ok(refused.error && "message" in refused.error);
