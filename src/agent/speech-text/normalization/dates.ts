import type { TransformRules } from "../text-transform.ts";
import { canonical, notAfterWord, notBeforeWord } from "./language.ts";

const iso = new RegExp(
  String.raw`${notAfterWord}(?<!-)(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:T(?<time>\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?${notBeforeWord}(?!-\d)`,
  "gu",
);
const parted = new RegExp(
  String.raw`${notAfterWord}(?<![./-])(?<first>\d{1,2})(?<part>[./])(?<second>\d{1,2})\k<part>(?<year>\d{4}|\d{2})${notBeforeWord}(?!/|\.\d)`,
  "gu",
);

/**
 * Dates in digits are said with the name of their month: "2027-03-01" as "March 1, 2027".
 * @param language Default `en`; any that `Intl` knows. The order of "3/4/2027" goes by it: the month comes first in `en` and
 *   `en-US`, and the day in all others, such as `en-GB`. Throws a `RangeError` for what is none.
 */
export function dates(language = "en"): TransformRules {
  const locale = canonical(language);
  const long = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC", calendar: "gregory" });
  const said = (year: number, month: number, day: number): string | null => {
    const date = new Date(Date.UTC(year, month - 1, day));
    const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
    return real ? long.format(date) : null;
  };
  const monthFirst = locale === "en" || locale === "en-US";
  return {
    name: "dates",
    sentence: (text) =>
      void text
        .put(iso, ({ groups = {} }) => {
          const { year, month, day, time } = groups;
          const date = said(Number(year), Number(month), Number(day));
          return date === null || time === undefined ? date : `${date}, ${time}`;
        })
        .put(parted, ({ groups = {} }) => {
          const { first, second, part, year = "" } = groups;
          const full = year.length === 2 ? 2000 + Number(year) : Number(year);
          return monthFirst && part === "/"
            ? said(full, Number(first), Number(second))
            : said(full, Number(second), Number(first));
        }),
  };
}
