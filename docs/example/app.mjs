// A product that sells rendered images. Organizations, roles, API keys and credits are the
// bundle's; this app only asks for them.
//
//   ORGANIZATIONS_URL=http://127.0.0.1:3000 SERVER_KEY=oss_... PORT=8080 npm start

import { serve } from "@hono/node-server";
import { Hono } from "hono";

const { ORGANIZATIONS_URL, SERVER_KEY, PORT = "8080" } = process.env;

async function call(token, method, path, body, headers = {}) {
  const response = await fetch(ORGANIZATIONS_URL + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

// Lets in a member of the organization in `x-organization`, by the id token, or an API key.
// Either way, the bundle decides.
async function authorize(c, next) {
  const token = (c.req.header("authorization") ?? "").replace(/^Bearer +/i, "");
  if (token.startsWith("osk_")) {
    const key = await call(token, "GET", "/v1/api-key");
    if (key.status !== 200) return c.json({ error: "unknown API key" }, 401);
    c.set("caller", { role: "api_key", token, usage: "/v1/usage" });
  } else {
    const path = `organizations/${encodeURIComponent(c.req.header("x-organization") ?? "")}`;
    const membership = await call(token, "GET", `/v1/${path}`);
    if (membership.status !== 200) return c.json({ error: "sign in" }, membership.status === 404 ? 404 : 401);
    // The server uses credits for a member's click.
    c.set("caller", { role: membership.body.role, token: SERVER_KEY, usage: `/v1/server/${path}/usage` });
  }
  await next();
}

const allow = (...roles) => async (c, next) =>
  roles.includes(c.get("caller").role) ? next() : c.json({ error: `only for ${roles.join(", ")}` }, 403);

// Stands for the renderer.
async function render(html) {
  if (html.includes("<broken")) throw new Error("the renderer crashed");
  return `<svg xmlns="http://www.w3.org/2000/svg"><!-- ${html.length} characters --></svg>`;
}

const app = new Hono();

app.post("/images", authorize, async (c) => {
  const { token, usage } = c.get("caller");
  const { html } = await c.req.json();
  // The customer's key makes a repeated request render for the same credit.
  const key = c.req.header("idempotency-key") ?? crypto.randomUUID();
  const used = await call(token, "POST", usage, { credits: 1 }, { "idempotency-key": key });
  if (used.status !== 200) {
    const wait = used.headers.get("retry-after");
    return c.json({ error: used.body.detail ?? used.body.message }, used.status, wait ? { "retry-after": wait } : {});
  }
  try {
    return c.body(await render(html), 200, { "content-type": "image/svg+xml", "x-remaining": `${used.body.remaining}` });
  } catch (error) {
    await call(token, "POST", `${usage}/refunds`, { idempotency_key: key });
    return c.json({ error: error.message }, 502);
  }
});

app.delete("/templates/:name", authorize, allow("owner", "admin"), (c) => c.body(null, 204));

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) }, ({ port }) => console.log(`listening on ${port}`));
