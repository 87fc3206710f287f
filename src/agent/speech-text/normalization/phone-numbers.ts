import type { TransformRules } from "../text-transform.ts";
import { canonical, ofLanguage } from "./language.ts";

const plus = {
  en: "plus",
  pl: "plus",
  ru: "плюс",
  es: "más",
  it: "più",
  pt: "mais",
  ja: "プラス",
  zh: "加",
} as const;

const international = /(?<![\p{L}\p{N}])\+\d(?:[ ()./\u00a0-]{0,3}\d){6,16}(?![\p{N}])/gu;
const date = /^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$/;
/**
 * National numbers, which have brackets, a zero in front, or parts as in North America; four groups at the most are no
 * date and no sum.
 */
const national =
  /(?<![\p{L}\p{N}.,+$€£-])(?:\(\d{2,5}\)[ \u00a0]?\d{2,4}(?:[ ./-]?\d{2,4}){1,3}|0\d{1,4}[ /-]\d{2,8}(?:[ /-]?\d{2,4}){0,4}|(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4})(?![\p{N}]|[.,]\d)/gu;

/**
 * Makes the transform by which phone numbers are said digit by digit, in the groups in which they are
 * written.
 * @param language Default `en`: for the word "plus". Throws a `RangeError` for what is none.
 */
export function phoneNumbers(language = "en"): TransformRules {
  const locale = canonical(language);
  const sign: string = ofLanguage(locale, plus);
  const said = ([number]: RegExpExecArray): string | null => {
    const groups = number.match(/\d+/g) ?? [];
    if (groups.join("").length < 7 || date.test(number)) return null;
    const spaced = groups.flatMap(short).map((group) => [...group].join(" "));
    return `${number.startsWith("+") ? `${sign} ` : ""}${spaced.join(", ")}`;
  };
  return {
    name: "phone numbers",
    sentence: (text) => void text.put(international, said).put(national, said),
  };
}

/** Splits a group of digits into groups of at most four, since nobody remembers more at once. */
function short(group: string): string[] {
  if (group.length <= 4) return [group];
  const size = group.length % 4 === 1 ? 3 : group.length % 3 === 0 ? 3 : 4;
  return group.match(new RegExp(`\\d{1,${size}}`, "g")) ?? [group];
}
