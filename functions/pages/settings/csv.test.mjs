import assert from "node:assert/strict";
import { test } from "node:test";

Object.defineProperty(globalThis, "document", { value: { documentElement: { lang: "en" } } });
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"] } });
const { cell, csv } = await import("./csv.js");

test("a cell keeps its text, and is no formula", () => {
  for (const [text, written] of [
    ["Ada", "Ada"],
    [null, ""],
    ["Lovelace, Ada", '"Lovelace, Ada"'],
    ['Ada "the first"', '"Ada ""the first"""'],
    ["a\nb", '"a\nb"'],
    ["=1+1", "'=1+1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["-1", "'-1"],
    ["a=1", "a=1"],
  ]) {
    assert.equal(cell(text), written);
  }
});

test("an event is a row with its sentence", () => {
  const text = csv([
    /** @type {any} */ ({
      id: "1",
      at: "2026-11-27T00:00:00Z",
      kind: "member.role_changed",
      actor: { kind: "person", user_id: "auth0|ada", name: "Ada", email: "ada@example.com" },
      subject: { kind: "member", id: "auth0|ben", name: "Ben", email: "ben@example.com" },
      changes: [{ field: "role", from: "user", to: "admin" }],
    }),
  ]);
  const [head, row, end] = text.split("\r\n");
  assert.equal(head, "\uFEFFtime,kind,actor,actor_email,subject_kind,subject,subject_email,changes,text,id");
  assert.match(row ?? "", /^2026-11-27T00:00:00Z,member.role_changed,Ada,ada@example.com,member,Ben,ben@example.com,/);
  assert.match(row ?? "", /Ada changed the role of Ben from user to admin,1$/);
  assert.equal(end, "");
});
