import assert from "node:assert/strict";
import { test } from "node:test";

process.env["TZ"] = "America/New_York";
Object.defineProperty(globalThis, "document", { value: { documentElement: { lang: "en" } } });
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-not_a_tag", "en-US"] } });
const { format } = await import("./format.js");

test("the days of a period are those of UTC, in every time zone", () => {
  assert.equal(format.dayInUtc("2026-11-25T00:00:00Z"), "Nov 25, 2026");
  assert.equal(format.lastDay("2026-12-25T00:00:00Z"), "Dec 24, 2026");
  assert.equal(format.day("2026-11-25T00:00:00Z"), "Nov 24, 2026");
});

test("a time that cannot be read is shown as it came", () => {
  for (const at of ["+10000-01-01T11:59:59Z", "2027-06-30T23:59:60Z", ""]) {
    for (const how of ["day", "dayInUtc", "lastDay", "shortDay", "moment", "time", "dayOf", "relative"]) {
      assert.equal(/** @type {Record<string, any>} */ (format)[how](at), at, how);
    }
  }
});
