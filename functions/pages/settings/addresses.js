/**
 * Email addresses out of whatever was pasted.
 */

/**
 * `Ada <ada@example.com>`, `"Lovelace, Ada" <ada@example.com>`: a name is words
 * without `@`, so that an address before it is not taken for a part of it.
 */
const NAMED = /(?:"[^"\n]*"\s*|(?<![^\s,;])(?:[^\s,;<>@"]+[^\S\n]+)*)<\s*([^<>\s]+)\s*>/g;

/**
 * The addresses, each once, in their order. Whether they are any good, the
 * server says.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function addresses(text) {
  const bare = text.replaceAll(NAMED, " $1 ");
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const word of bare.split(/[\s,;]+/)) {
    const address = word.replace(/^mailto:/i, "");
    if (address !== "" && !found.has(address.toLowerCase())) {
      found.set(address.toLowerCase(), address);
    }
  }
  return [...found.values()];
}
