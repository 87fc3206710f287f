import { type SpanRule, wordStart } from "../spans/span-rewriter.ts";
import type { TransformRules } from "../text-transform.ts";
import { canonical, ofLanguage } from "./language.ts";

interface Signs {
  readonly at: string;
  readonly dot: string;
  readonly dash: string;
  readonly underscore: string;
  readonly plus: string;
}

const signs: Readonly<Record<string, Signs>> & { readonly en: Signs } = {
  en: { at: "at", dot: "dot", dash: "dash", underscore: "underscore", plus: "plus" },
  de: { at: "ät", dot: "Punkt", dash: "Minus", underscore: "Unterstrich", plus: "Plus" },
  fr: { at: "arobase", dot: "point", dash: "tiret", underscore: "tiret bas", plus: "plus" },
  es: { at: "arroba", dot: "punto", dash: "guion", underscore: "guion bajo", plus: "más" },
  it: { at: "chiocciola", dot: "punto", dash: "trattino", underscore: "trattino basso", plus: "più" },
  pt: { at: "arroba", dot: "ponto", dash: "hífen", underscore: "sublinhado", plus: "mais" },
  nl: { at: "apenstaartje", dot: "punt", dash: "streepje", underscore: "laag streepje", plus: "plus" },
  pl: { at: "małpa", dot: "kropka", dash: "myślnik", underscore: "podkreślnik", plus: "plus" },
  ru: { at: "собака", dot: "точка", dash: "дефис", underscore: "подчёркивание", plus: "плюс" },
  ja: { at: "アットマーク", dot: "ドット", dash: "ハイフン", underscore: "アンダースコア", plus: "プラス" },
};

/** The longest address, in UTF-16 units. */
const longest = 320;
const local = String.raw`[A-Za-z0-9][\w.+-]{0,63}`;
const whole = new RegExp(String.raw`^(${local})@((?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24})(?![\w-])`);
const begun = new RegExp(String.raw`^${local}(?:@(?:[A-Za-z0-9-]{1,63}\.){0,5}[A-Za-z0-9-]{0,63})?$`);
const mayGoOn = /^[A-Za-z0-9.-]$/;

/**
 * Makes the transform by which e-mail addresses are said in words: "jo.doe@example.com" as "jo dot doe at example dot
 * com".
 * @param language Default `en`; `de`, `fr`, `es`, `it`, `pt`, `nl`, `pl`, `ru` and `ja` have words of their own. Throws a
 * `RangeError` for what is none.
 */
export function emailAddresses(language = "en"): TransformRules {
  const words = ofLanguage(canonical(language), signs);
  const rule: SpanRule = {
    start: `${wordStart}${local}(?:@|$)`,
    match(text, at, { final }) {
      const seen = text.slice(at, at + longest);
      if (begun.test(seen) && !final) return "more";
      const address = whole.exec(seen);
      if (address === null) return null;
      const after = text[at + address[0].length];
      // "a@example.com." may go on as "a@example.com.au".
      if (after === "." && !final) {
        const next = text[at + address[0].length + 1];
        if (next === undefined) return "more";
        if (mayGoOn.test(next)) return null;
      }
      const [, name = "", host = ""] = address;
      return { length: address[0].length, put: `${said(name, words)} ${words.at} ${said(host, words)}` };
    },
  };
  return { name: "e-mail addresses", spans: () => [rule] };
}

const said = (part: string, { dot, dash, underscore, plus }: Signs): string =>
  part
    .replaceAll(
      /[._+-]/g,
      (sign) => ` ${sign === "." ? dot : sign === "-" ? dash : sign === "_" ? underscore : plus} `,
    )
    .replaceAll(/ {2,}/g, " ")
    .trim();
