import type { TransformRules } from "../text-transform.ts";
import {
  canonical,
  notAfterWord,
  notBeforeWord,
  ofLanguage,
  parseNumber,
  writtenNumber,
} from "./language.ts";

/** Signs of units, and what `Intl` calls them. */
const unitNames: Readonly<Record<string, string>> = {
  km: "kilometer",
  m: "meter",
  cm: "centimeter",
  mm: "millimeter",
  mi: "mile",
  ft: "foot",
  in: "inch",
  yd: "yard",
  kg: "kilogram",
  g: "gram",
  lb: "pound",
  lbs: "pound",
  oz: "ounce",
  l: "liter",
  L: "liter",
  ml: "milliliter",
  mL: "milliliter",
  "°C": "celsius",
  "℃": "celsius",
  "°F": "fahrenheit",
  "℉": "fahrenheit",
  "°": "degree",
  "%": "percent",
  KB: "kilobyte",
  kB: "kilobyte",
  MB: "megabyte",
  GB: "gigabyte",
  TB: "terabyte",
  ms: "millisecond",
  s: "second",
  sec: "second",
  min: "minute",
  h: "hour",
  hrs: "hour",
  "km/h": "kilometer-per-hour",
  kmh: "kilometer-per-hour",
  kph: "kilometer-per-hour",
  mph: "mile-per-hour",
  "m/s": "meter-per-second",
  ha: "hectare",
};

/** The units that are not among those of `Intl`: one, and several. */
const milligrams: Readonly<Record<string, readonly [string, string]>> & {
  readonly en: readonly [string, string];
} = {
  en: ["milligram", "milligrams"],
  de: ["Milligramm", "Milligramm"],
  fr: ["milligramme", "milligrammes"],
  es: ["miligramo", "miligramos"],
  it: ["milligrammo", "milligrammi"],
  pt: ["miligrama", "miligramas"],
  nl: ["milligram", "milligram"],
  pl: ["miligram", "miligramów"],
};

const signs = ["mg", ...Object.keys(unitNames)]
  .toSorted((a, b) => b.length - a.length)
  .map((unit) => RegExp.escape(unit));
const pattern = new RegExp(
  `${notAfterWord}(?<![.,])(?<number>[-−]?(?:${writtenNumber}))(?<gap>[ \\u00a0\\u202f]?)(?<unit>${signs.join("|")})${notBeforeWord}(?![/²³])`,
  "gu",
);

/**
 * Measures are said with the name of their unit: "20 °C" as "20 degrees Celsius".
 * @param language Default `en`; any that `Intl` knows. Throws a `RangeError` for what is none.
 */
export function units(language = "en"): TransformRules {
  const locale = canonical(language);
  return {
    name: "units",
    sentence: (text) =>
      void text.put(pattern, ({ groups = {}, index, input }) => {
        const { number = "", gap = "", unit = "" } = groups;
        // "5 in the box" is no length.
        if (
          unit === "in" &&
          gap !== "" &&
          /^[ ]+[\p{L}]/u.test(input.slice(index + number.length + gap.length + unit.length))
        )
          return null;
        // "the 1990s".
        if (unit === "s" && gap === "") return null;
        const { value } = parseNumber(number.replace(/^[-−]/, ""));
        return said(locale, number, unit, value);
      }),
  };
}

const formats = new Map<string, Intl.NumberFormat>();

function said(locale: string, number: string, unit: string, value: number): string {
  if (unit === "mg") {
    const [one, several] = ofLanguage(locale, milligrams);
    return `${number} ${value === 1 ? one : several}`;
  }
  const name = unitNames[unit]!;
  const key = `${locale} ${name}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "long" });
    formats.set(key, format);
  }
  let placed = false;
  return format
    .formatToParts(value)
    .map(({ type, value: part }) => {
      if (type === "unit" || type === "literal") return part;
      if (placed) return "";
      placed = true;
      return number;
    })
    .join("");
}
