/** Where things are. */

import { person } from "./sign-in.js";

/** This page, for coming back to it. */
export function hereNow() {
  return location.pathname + location.search + location.hash;
}

/** @param {string} organizationId */
export function settingsPath(organizationId) {
  return `/dashboard/organization-settings?organization=${encodeURIComponent(organizationId)}`;
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

/** An organization that this person deleted in this browser. @typedef {{ name: string, until: string | null }} Deleted */

/** @param {string} organizationId */
function deletedKey(organizationId) {
  return `deleted-organization.${organizationId}.${person()?.sub ?? ""}`;
}

/** @param {string} organizationId @returns {Deleted | null} */
export function deletedOrganization(organizationId) {
  try {
    const deleted = JSON.parse(localStorage.getItem(deletedKey(organizationId)) ?? "null");
    return deleted && new Date(deleted.until) > new Date() ? deleted : null;
  } catch {
    return null;
  }
}

/** @param {string} organizationId @param {Deleted | null} deleted */
export function rememberDeleted(organizationId, deleted) {
  try {
    if (deleted) {
      localStorage.setItem(deletedKey(organizationId), JSON.stringify(deleted));
    } else {
      localStorage.removeItem(deletedKey(organizationId));
    }
  } catch {
    // Without storage it can be restored until the page is left.
  }
}
