/** The audit log as a table for other programs: RFC 4180, in UTF-8. */

import { told } from "../words.js";

/** @import { AuditEventView } from "../api-types.d.ts" */

const COLUMNS = ["time", "kind", "actor", "actor_email", "subject_kind", "subject", "subject_email", "changes", "text", "id"];

/**
 * A cell. A text that a spreadsheet would take for a formula is quoted as text: names come
 * from anybody.
 *
 * @param {string | null | undefined} text
 */
export function cell(text) {
  const plain = text ?? "";
  const safe = /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {AuditEventView[]} events */
export function csv(events) {
  const rows = events.map((event) => {
    const { actor, subject } = event;
    const person = actor.kind === "person" ? actor : null;
    const text = told(event).map((part) => (typeof part === "string" ? part : part.name));
    return [
      event.at,
      event.kind,
      person ? (person.name ?? person.user_id) : actor.kind,
      person?.email,
      subject.kind,
      subject.name ?? subject.id,
      subject.email,
      event.changes.length > 0 ? JSON.stringify(event.changes) : "",
      text.join(""),
      event.id,
    ];
  });
  // With the mark, spreadsheets read it as UTF-8.
  return `\uFEFF${[COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
