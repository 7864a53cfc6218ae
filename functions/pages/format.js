/**
 * Dates and numbers, as the reader's language writes them.
 */

const language = document.documentElement.lang || "en";
/** The texts are English; how dates and numbers look is the reader's own business. */
const locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const longDay = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const number = new Intl.NumberFormat(locale);
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const list = new Intl.ListFormat(locale, { type: "conjunction" });
const plurals = new Intl.PluralRules(language);

export const format = {
  /** @param {string | Date} at */
  day: (at) => day.format(new Date(at)),
  /** @param {string} date such as 2026-03-01, a day in UTC */
  shortDay: (date) => shortDay.format(new Date(date)),
  /** @param {string} at */
  moment: (at) => moment.format(new Date(at)),
  /** @param {string} at */
  time: (at) => time.format(new Date(at)),
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
  dayOf(at) {
    const then = new Date(at);
    const midnight = (/** @type {Date} */ date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
    const days = Math.round((midnight(then) - midnight(new Date())) / DAY);
    if (days > -2 && days < 1) {
      const word = relative.format(days, "day");
      return word.charAt(0).toUpperCase() + word.slice(1);
    }
    return longDay.format(then);
  },

  /**
   * "in 3 days", "2 hours ago".
   *
   * @param {string} at
   */
  relative(at) {
    const left = new Date(at).getTime() - Date.now();
    const size = Math.abs(left);
    if (size >= DAY) return relative.format(Math.round(left / DAY), "day");
    if (size >= HOUR) return relative.format(Math.round(left / HOUR), "hour");
    return relative.format(Math.round(left / MINUTE), "minute");
  },

  /**
   * @param {number} count
   * @param {{ one: string, other: string }} forms with `#` where the number goes
   */
  count(count, forms) {
    const form = plurals.select(count) === "one" ? forms.one : forms.other;
    return form.replace("#", number.format(count));
  },
};
