import type { TransformRules } from "../text-transform.ts";
import {
  canonical,
  notAfterWord,
  notBeforeWord,
  ofLanguage,
  parseNumber,
  rangeWords,
  writtenNumber,
} from "./language.ts";

const currencies: Readonly<Record<string, string>> = {
  $: "USD",
  US$: "USD",
  A$: "AUD",
  C$: "CAD",
  R$: "BRL",
  "€": "EUR",
  "£": "GBP",
  "¥": "JPY",
  "₹": "INR",
  "₩": "KRW",
  "₽": "RUB",
  "₺": "TRY",
  "₪": "ILS",
  "฿": "THB",
  "₫": "VND",
  "₴": "UAH",
  zł: "PLN",
};
const codes =
  "USD|EUR|GBP|CHF|JPY|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|INR|CNY|KRW|RUB|TRY|ZAR|SGD|HKD";

/** Names that `Intl` would say in full: "US dollars". */
const usual: Readonly<Record<string, (name: string) => string>> = {
  en: (name) => name.replace(/^(?:US |British )/, ""),
  de: (name) => name.replace(/^(?:US-|Britische[sr]? )/, ""),
  fr: (name) => name.replace(/ (?:des États-Unis|américains?|sterling)$/, ""),
  es: (name) => name.replace(/ (?:estadounidenses?|esterlinas?)$/, ""),
  it: (name) => name.replace(/ (?:statunitensi?|sterlina britannica)$/, ""),
  pt: (name) => name.replace(/ (?:americanos?|dos Estados Unidos)$/, ""),
  pl: (name) => name.replace(/ (?:polsk|amerykańsk|bryt)\p{L}*$/u, ""),
  nl: (name) => name.replace(/^(?:Amerikaanse |Britse )/, ""),
};

/** The ways in which hundredths follow: "12 dollars and 50 cents", "12 Euro 50". */
const hundredths = {
  en: (count: number, currency: string) =>
    `and ${count} ${currency === "GBP" ? (count === 1 ? "penny" : "pence") : count === 1 ? "cent" : "cents"}`,
  de: (count: number) => String(count),
  fr: (count: number) => String(count),
  nl: (count: number) => String(count),
  es: (count: number) => `con ${count}`,
  it: (count: number) => `e ${count}`,
  pt: (count: number) => `e ${count}`,
  pl: (count: number) => `i ${count}`,
};

const shortMagnitudes: Readonly<Record<string, string>> = {
  k: "000",
  m: "million",
  mm: "million",
  bn: "billion",
  b: "billion",
  t: "trillion",
};
const magnitude =
  "(?:[ \\u00a0]?(?:[kKmMbBtT]|[mM]{2}|[bB]n)(?![\\p{L}\\p{N}])|[ \\u00a0](?:thousand|million|billion|trillion|Tausend|Millionen?|Milliarden?|Mio\\.?|Mrd\\.?|milliers?|millions?|milliards?|mil|millones|millón|milioni|milione|miliardi|miliardo|milhões|milhão|miljoen|miljard|tys\\.|mln|mld)(?![\\p{L}]))";

const sign = String.raw`(?:US|[ACR])?\$|[€£¥₹₩₽₺₪฿₫₴]`;
const amount = `(?:${writtenNumber})`;
const before = new RegExp(
  `${notAfterWord}(?<currency>${sign}|(?:${codes})(?=[ \\u00a0]?\\d))[ \\u00a0]?(?<first>${amount})(?:[ ]?[-–][ ]?(?:${sign})?(?<last>${amount}))?(?<magnitude>${magnitude})?(?![\\p{N}])`,
  "gu",
);
const after = new RegExp(
  `${notAfterWord}(?<![.,])(?<first>${amount})(?:[ ]?[-–][ ]?(?<last>${amount}))?(?<magnitude>${magnitude})?[ \\u00a0\\u202f]?(?<currency>${sign}|zł|(?:${codes}))${notBeforeWord}`,
  "gu",
);

/**
 * Amounts of money are said with the name of their currency: "$12.50" as "12 dollars and 50 cents".
 * @param language Default `en`; any that `Intl` knows, such as `de` or `pt-BR`. Throws a `RangeError` for what is none.
 */
export function money(language = "en"): TransformRules {
  const locale = canonical(language);
  const said = ({ groups = {} }: RegExpExecArray): string | null => {
    const currency = currencies[groups.currency!] ?? groups.currency!;
    const first = groups.first!;
    if (groups.last !== undefined) {
      const name = nameOf(locale, currency, parseNumber(groups.last).value);
      const range = ofLanguage(locale, rangeWords);
      return `${first} ${range} ${groups.last}${magnitudeOf(groups.magnitude)} ${name}`;
    }
    const { value, whole, fraction } = parseNumber(first);
    if (groups.magnitude !== undefined) {
      return `${first}${magnitudeOf(groups.magnitude)} ${nameOf(locale, currency, 1_000_000)}`;
    }
    if (fraction.length !== 2) return `${first} ${nameOf(locale, currency, value)}`;
    const cents = Number(fraction);
    const name = nameOf(locale, currency, Math.floor(value));
    if (cents === 0) return `${whole} ${name}`;
    return `${whole} ${name} ${ofLanguage(locale, hundredths)(cents, currency)}`;
  };
  return { name: "money", sentence: (text) => void text.put(before, said).put(after, said) };
}

function magnitudeOf(written = ""): string {
  const short = shortMagnitudes[written.trim().toLowerCase()];
  if (short === undefined) return written === "" ? "" : ` ${written.trim()}`;
  return short === "000" ? " thousand" : ` ${short}`;
}

const formats = new Map<string, Intl.NumberFormat>();

function nameOf(locale: string, currency: string, value: number): string {
  const key = `${locale} ${currency}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      style: "currency",
      currency,
      currencyDisplay: "name",
      minimumFractionDigits: 0,
    });
    formats.set(key, format);
  }
  const name = format.formatToParts(value).find(({ type }) => type === "currency")?.value ?? currency;
  return usual[locale.split("-", 1)[0]!]?.(name) ?? name;
}
