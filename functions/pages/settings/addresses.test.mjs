import assert from "node:assert/strict";
import { test } from "node:test";
import { addresses } from "./addresses.js";

test("addresses are told apart by commas, semicolons, spaces and lines", () => {
  assert.deepEqual(addresses("a@example.com, b@example.com;c@example.com\nd@example.com  e@example.com\t"), [
    "a@example.com",
    "b@example.com",
    "c@example.com",
    "d@example.com",
    "e@example.com",
  ]);
  assert.deepEqual(addresses(" ,;\n "), []);
});

test("the names around addresses are left out", () => {
  for (const text of [
    "Ada <ada@example.com>",
    "Ada King Lovelace <ada@example.com>",
    '"Lovelace, Ada" <ada@example.com>',
    '"ada@home" <ada@example.com>',
    "<ada@example.com>",
    "< ada@example.com >",
    "mailto:ada@example.com",
  ]) {
    assert.deepEqual(addresses(text), ["ada@example.com"], text);
  }
});

test("an address before a name is not a part of it", () => {
  assert.deepEqual(addresses("ben@example.com Ada Lovelace <ada@example.com> cleo@example.com"), [
    "ben@example.com",
    "ada@example.com",
    "cleo@example.com",
  ]);
});

test("an address is there once, as it was typed first", () => {
  assert.deepEqual(addresses("Ada@Example.com ada@example.com <ADA@example.com>"), ["Ada@Example.com"]);
});

test("what is no address stays, for the server to say so", () => {
  assert.deepEqual(addresses("nobody, @example.com"), ["nobody", "@example.com"]);
});
