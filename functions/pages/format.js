/**
 * Dates and numbers, as the reader's language writes them.
 */

const language = document.documentElement.lang || "en";
/** The texts are English; how dates and numbers look is the reader's own business. */
const locale = navigator.languages.find((tag) => tag.startsWith(language) && isKnown(tag)) ?? language;

/** Some browsers give tags that no formatter takes. @param {string} tag */
function isKnown(tag) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const dayInUtc = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const longDay = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const number = new Intl.NumberFormat(locale);
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const list = new Intl.ListFormat(locale, { type: "conjunction" });
const plurals = new Intl.PluralRules(language);

/**
 * A time as written by `how`; as it came, where this browser cannot read it: one such
 * time must not take the page along.
 *
 * @param {string | Date} at
 * @param {(date: Date) => string} how
 */
function readable(at, how) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : how(date);
}

export const format = {
  /** @param {string | Date} at */
  day: (at) => readable(at, (date) => day.format(date)),
  /** A day at whose beginning in UTC something starts. @param {string} at */
  dayInUtc: (at) => readable(at, (date) => dayInUtc.format(date)),
  /** The last day of what ends at that time in UTC. @param {string} end */
  lastDay: (end) => readable(end, (date) => dayInUtc.format(date.getTime() - 1)),
  /** @param {string} date such as 2026-03-01, a day in UTC */
  shortDay: (date) => readable(date, (date) => shortDay.format(date)),
  /** @param {string} at */
  moment: (at) => readable(at, (date) => moment.format(date)),
  /** @param {string} at */
  time: (at) => readable(at, (date) => time.format(date)),
  /** @param {number} value */
  number: (value) => number.format(value),
  /** @param {number} share */
  percent: (share) => percent.format(share),
  /** @param {string[]} items */
  list: (items) => list.format(items),

  /**
   * "today", "yesterday", or the date.
   *
   * @param {string} at
   */
  dayOf: (at) =>
    readable(at, (then) => {
      const midnight = (/** @type {Date} */ date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
      const days = Math.round((midnight(then) - midnight(new Date())) / DAY);
      if (days > -2 && days < 1) {
        const word = relative.format(days, "day");
        return word.charAt(0).toUpperCase() + word.slice(1);
      }
      return longDay.format(then);
    }),

  /**
   * "in 3 days", "2 hours ago".
   *
   * @param {string} at
   */
  relative: (at) =>
    readable(at, (date) => {
      const left = date.getTime() - Date.now();
      const size = Math.abs(left);
      if (size >= DAY) return relative.format(Math.round(left / DAY), "day");
      if (size >= HOUR) return relative.format(Math.round(left / HOUR), "hour");
      return relative.format(Math.round(left / MINUTE), "minute");
    }),

  /** How many a list has; with a plus if not all are loaded. @param {{ items: unknown[], next_cursor: string | null }} list */
  counted: ({ items, next_cursor }) => number.format(items.length) + (next_cursor === null ? "" : "+"),

  /** Orders names as the reader's language does. @param {string} one @param {string} other */
  compare: (one, other) => collator.compare(one, other),

  /**
   * @param {number} count
   * @param {{ one: string, other: string }} forms with `#` where the number goes
   */
  count(count, forms) {
    const form = plurals.select(count) === "one" ? forms.one : forms.other;
    return form.replace("#", number.format(count));
  },
};
