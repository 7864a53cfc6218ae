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
