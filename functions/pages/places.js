/** Where things are. */

import { person } from "./sign-in.js";

/** This page, for coming back to it. */
export function hereNow() {
  return location.pathname + location.search + location.hash;
}

/** The parts of the settings that are pages of their own, by the names of their sections. */
export const SUB_PAGES = /** @type {const} */ ({ keys: "api-keys", billing: "billing", log: "audit-log" });

/** @typedef {keyof typeof SUB_PAGES} SubPage */

/** @param {string} organizationId @param {SubPage | null} [page] */
export function settingsPath(organizationId, page = null) {
  const path = page ? `/dashboard/organization-settings/${SUB_PAGES[page]}` : "/dashboard/organization-settings";
  return `${path}?organization=${encodeURIComponent(organizationId)}`;
}

/** The part of the settings that the address names; earlier links named it behind the `#`. @returns {SubPage | null} */
export function subPage() {
  const last = location.pathname.replace(/\/$/, "").split("/").at(-1);
  const pages = /** @type {SubPage[]} */ (Object.keys(SUB_PAGES));
  return pages.find((page) => SUB_PAGES[page] === last || location.hash === `#${page}`) ?? null;
}

/** Whether a click on a link goes to it here, not in another tab or window. @param {MouseEvent} event */
export function isPlainClick(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

const WELCOME = "welcome";

/** Has the settings page greet the person, once. @param {string} text */
export function rememberWelcome(text) {
  try {
    sessionStorage.setItem(WELCOME, text);
  } catch {
    // Without storage the page opens without a word.
  }
}

/** The greeting, if there is one. @returns {string | null} */
export function takeWelcome() {
  try {
    const text = sessionStorage.getItem(WELCOME);
    sessionStorage.removeItem(WELCOME);
    return text;
  } catch {
    return null;
  }
}

/** Kept for each person: two may share a browser. */
function key() {
  return `last-organization.${person()?.sub ?? ""}`;
}

/** The organization whose settings this person saw last in this browser. */
export function lastOrganization() {
  try {
    return localStorage.getItem(key());
  } catch {
    return null;
  }
}

/** @param {string | null} organizationId */
export function rememberOrganization(organizationId) {
  try {
    if (organizationId) {
      localStorage.setItem(key(), organizationId);
    } else {
      localStorage.removeItem(key());
    }
  } catch {
    // Without storage the page asks which organization is the current one.
  }
}

/** @param {string} organizationId */
function checklistKey(organizationId) {
  return `checklist-dismissed.${organizationId}`;
}

/** @param {string} organizationId */
export function isChecklistDismissed(organizationId) {
  try {
    return localStorage.getItem(checklistKey(organizationId)) !== null;
  } catch {
    return false;
  }
}

/** @param {string} organizationId */
export function rememberDismissedChecklist(organizationId) {
  try {
    localStorage.setItem(checklistKey(organizationId), "yes");
  } catch {
    // Without storage it is back at the next visit.
  }
}
