// The rate at which a peer creates invitations: from a request through Better Auth's
// organization plugin to SQLite in memory, and back to the response.
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { organization } from "better-auth/plugins";
import Database from "better-sqlite3";

const wanted = Number(process.argv[2] ?? 2000);
const perOrganization = 100;
const base = "http://localhost:3000";

const options = {
  database: new Database(":memory:"),
  secret: "for this run only, and of no worth",
  baseURL: base,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [
    organization({
      organizationLimit: 1e9,
      invitationLimit: 1e9,
      sendInvitationEmail: async () => {},
    }),
  ],
};
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();

const headers = { "content-type": "application/json", origin: base };
async function call(path, body) {
  const request = new Request(`${base}/api/auth${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const answer = await auth.handler(request);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
  return { answer, body: JSON.parse(text) };
}

const ada = { email: "ada@example.com", password: "only-for-this-run", name: "Ada" };
const { answer } = await call("/sign-up/email", ada);
headers.cookie = answer.headers
  .getSetCookie()
  .map((cookie) => cookie.split(";")[0])
  .join("; ");

let organizations = 0;
async function create(count) {
  organizations += 1;
  const wish = { name: "Acme", slug: `acme-${organizations}` };
  const { body: made } = await call("/organization/create", wish);
  const times = [];
  for (let n = 0; n < count; n++) {
    const invite = { email: `guest${n}@example.com`, role: "member", organizationId: made.id };
    const began = performance.now();
    await call("/organization/invite-member", invite);
    times.push(performance.now() - began);
  }
  return times;
}

// The first invitations warm up and are not counted.
await create(perOrganization);
const times = [];
while (times.length < wanted) times.push(...(await create(perOrganization)));
const total = times.reduce((sum, time) => sum + time, 0);
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    rate: (times.length / total) * 1000,
    p50_us: Math.round(times[times.length >> 1] * 1000),
    p99_us: Math.round(times[Math.floor(times.length * 0.99)] * 1000),
  }),
);
