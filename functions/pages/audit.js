/** The parts of an audit event, of which each language makes a sentence. */

/** @import { AuditEventView } from "./api-types.d.ts" */

/** @typedef {{ name: string, email?: string | null }} Name a name in a sentence */

/**
 * @param {AuditEventView} event
 * @param {{ formerMember: string, formerInvitee: string, linkHolder: string, server: string, system: string }} words
 */
export function partsOf(event, words) {
  const { actor, subject } = event;
  const change = (/** @type {string} */ field) => event.changes.find((change) => change.field === field);
  const unknown = subject.kind === "invite" ? words.formerInvitee : words.formerMember;
  return {
    actor: actorOf(actor, words),
    /** @type {Name} */
    subject: { name: subject.name ?? subject.email ?? unknown, email: subject.email ?? null },
    /** Whether members changed something of their own. */
    own: actor.kind === "person" && subject.kind === "member" && actor.user_id === subject.id,
    change,
    role: change("role"),
    name: change("name"),
    billing: change("receives_billing_emails"),
  };
}

/**
 * @param {AuditEventView["actor"]} actor
 * @param {Parameters<typeof partsOf>[1]} words
 * @returns {Name | string}
 */
function actorOf(actor, words) {
  switch (actor.kind) {
    case "person":
      return { name: actor.name ?? actor.email ?? words.formerMember, email: actor.email ?? null };
    case "link_holder":
      return words.linkHolder;
    case "server":
      return words.server;
    default:
      return words.system;
  }
}

/** @param {string} field */
export function fieldName(field) {
  return field.replaceAll(/[._]/g, " ");
}
