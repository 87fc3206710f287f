/** Returns the tag of a language as `Intl` takes it. Throws a `RangeError` where it is none. */
export function canonical(language: string): string {
  const [tag] = Intl.getCanonicalLocales(language);
  if (tag === undefined)
    throw new RangeError(`${JSON.stringify(language)} is no tag of a language, such as de or en-GB`);
  return tag;
}

/** Returns the entry of the language without its region; else that of English. */
export function ofLanguage<Value>(
  language: string,
  values: Readonly<Record<string, Value>> & { readonly en: Value },
): Value {
  return values[language.split("-", 1)[0]!] ?? values.en;
}

/** "5 to 10", by language. */
export const rangeWords = {
  en: "to",
  de: "bis",
  fr: "à",
  es: "a",
  it: "a",
  pt: "a",
  nl: "tot",
  pl: "do",
  ru: "до",
  sv: "till",
  da: "til",
  nb: "til",
  no: "til",
} as const;

/** A number as it is written, in any of the ways that languages group and part it: "1,234.50", "1.234,50", "1 234". */
export const writtenNumber = String.raw`\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?`;

/** Returns the value of a written number, and its digits behind the point. A separator before three digits groups them. */
export function parseNumber(written: string): {
  readonly value: number;
  readonly whole: string;
  readonly fraction: string;
} {
  const decimal = /[.,](\d+)$/.exec(written);
  const groups = decimal !== null && decimal[1]!.length === 3 && !/^0[.,]/.test(written);
  const fraction = decimal === null || groups ? "" : decimal[1]!;
  const whole = fraction === "" ? written : written.slice(0, -fraction.length - 1);
  return { value: Number(`${whole.replaceAll(/\D/g, "")}.${fraction || "0"}`), whole, fraction };
}

const spacedLetters = String.raw`\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Devanagari}`;
/** No word, in a script that has spaces, and no number runs on here. */
export const notAfterWord = `(?<![${spacedLetters}\\p{N}])`;
export const notBeforeWord = `(?![${spacedLetters}\\p{N}])`;
