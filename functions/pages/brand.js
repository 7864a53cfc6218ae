/**
 * The deploying company's name and links. The page's `<html>` element has them; its
 * colors are in a style of their own.
 */

import { words } from "./words.js";

const { product, logo, home, support, terms, privacy, afterAccept } = document.documentElement.dataset;

export const brand = {
  /** The product, by name. */
  product: product ?? null,
  /** The URL of its logo. */
  logo: logo ?? null,
  /** The URL of the product itself. */
  home: home ?? null,
};

/** What the pages are called. */
export const productName = product ?? words.product;

/** Sets the title of the page, with the product's name. @param {string} title */
export function setTitle(title) {
  document.title = title === productName || !product ? title : `${title} · ${product}`;
}

/** The links at the foot of each page. */
export const footLinks = [
  { label: words.foot.back(productName), url: home },
  { label: words.foot.help, url: support },
  { label: words.foot.terms, url: terms },
  { label: words.foot.privacy, url: privacy },
].flatMap(({ label, url }) => (url ? [{ label, url }] : []));

/** Where a person goes who has accepted an invite; `null` for the settings. @param {string} organizationId */
export function afterAccepting(organizationId) {
  if (!afterAccept) {
    return null;
  }
  const url = new URL(afterAccept);
  url.searchParams.set("organization_id", organizationId);
  return url.href;
}
