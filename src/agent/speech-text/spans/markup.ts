import { performsTag, type SpeechMarkup } from "../voice-markup.ts";
import { before, untilEnd, untilMatch } from "./scan.ts";
import type { Rewritten, Span, SpanContext, SpanRule } from "./span-rewriter.ts";
import { isTypeArgument, longestTag, openTag, wholeTag } from "./tags.ts";

const names = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Tags whose content is not meant for listeners: thoughts of the model, calls of tools, code. */
const unspoken = names(`
  think thinking thought thoughts reasoning scratchpad reflection internal_monologue
  tool_call tool_calls tool_code tool_use tool_response tool_result tool_output tool_outputs function function_call
  function_calls function_results invoke execute_tool script style svg
`);
/** Tags that part their words as lines do. */
const lines = names(`
  address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer form h1 h2
  h3 h4 h5 h6 header hr html li main nav ol option p paragraph pre s section select summary table tbody td tfoot th thead
  title tr ul speak
`);
/** Tags that stand within words: "H<sub>2</sub>O". */
const inline = names(
  "a abbr b bdi bdo big cite code del dfn em font i ins kbd mark q rp rt ruby samp small span strike strong sub sup tt u var wbr",
);

const comment: SpanRule = {
  start: "<",
  match(text, at, { final }) {
    const seen = text.slice(at, at + 4);
    if (seen === "<!--") return { length: 4, block: untilMatch(/-->/, 3) };
    if (/^<![a-z]/i.test(seen)) {
      const end = before(text, at, ">", { longest: longestTag, without: /\n/ });
      if (typeof end === "number") return { length: end + 1 - at, put: "\n" };
      return end;
    }
    return seen.length < 4 && "<!--".startsWith(seen) && seen.length > 1 && !final ? "more" : null;
  },
};

/** Control tokens of models that came through as text: `<|im_end|>`. */
const controlToken: SpanRule = {
  start: "<[|｜]",
  match(text, at) {
    if (!/^<[|｜]/.test(text.slice(at, at + 2))) return null;
    const end = before(text, at + 2, ">", { longest: 60, without: /\s/ });
    if (typeof end !== "number") return end;
    if (!/[|｜]/.test(text[end - 1]!)) return null;
    const name = text.slice(at + 2, end - 1);
    const length = end + 1 - at;
    if (/python_tag/.test(name)) return { length, block: untilEnd() };
    if (/tool|function/i.test(name) && !/end/i.test(name)) {
      return { length, block: untilMatch(/<[|｜][^\s>]{0,40}end[^\s>]{0,10}[|｜]>/i, 60) };
    }
    return { length, put: " " };
  },
};

/** `<https://example.com>` and `<a@example.com>`: what stands in it is said. */
const autolink: SpanRule = {
  start: "<",
  match(text, at, { final, rewrite }) {
    const seen = text.slice(at, at + 2_050);
    const whole =
      /^<((?:(?:https?|ftp):\/\/|mailto:|tel:)[^<>\s]{1,2000}|[^<>\s@]{1,64}@[^<>\s@]{1,200})>/i.exec(seen);
    if (whole) return { length: whole[0].length, put: inside(rewrite(whole[1]!), 1) };
    const begun =
      /^<(?:[a-z]{0,6}|(?:(?:https?|ftp):\/?|(?:https?|ftp):\/\/[^<>\s]*|mailto:[^<>\s]*|tel:[^<>\s]*)|[^<>\s@"'=]{1,64}@[^<>\s@]{0,200})$/i;
    return begun.test(seen) && seen.length < 2_050 && !final ? "more" : null;
  },
};

/** Returns a text that was rewritten by itself, where it begins this much later. */
export const inside = ({ text, ends }: Rewritten, by: number): Rewritten => ({
  text,
  ends: ends.map((end) => end + by),
});

function tagRule(voice: SpeechMarkup): SpanRule {
  return {
    start: "<",
    match(text, at, context) {
      const seen = text.slice(at, at + longestTag);
      const tag = wholeTag.exec(seen);
      if (tag === null) {
        return text.length < at + longestTag && openTag.test(seen) && !context.final ? "more" : null;
      }
      return spanOf(text, at, tag, voice, context);
    },
  };
}

function spanOf(
  text: string,
  at: number,
  [whole, slash = "", name = ""]: RegExpExecArray,
  voice: SpeechMarkup,
  { final, tokens }: SpanContext,
): Span | "more" | null {
  const known = name.toLowerCase();
  const { length } = whole;
  const selfClosing = whole.endsWith("/>");
  if (performsTag(known, voice)) {
    if (slash !== "") return { length, put: "" };
    if (selfClosing || known === "break") return { length, put: tokens.add(whole) };
    const end = before(text, at, `</${name}>`, { longest: longestTag });
    if (end === "more" && !final) return "more";
    if (typeof end !== "number") return { length, put: "" };
    const until = end + name.length + 3;
    return { length: until - at, put: tokens.add(text.slice(at, until)) };
  }
  if (unspoken.has(known.split("=")[0]!)) {
    if (slash !== "" || selfClosing) return { length, put: "\n" };
    return { length, block: untilMatch(new RegExp(`</${name}\\s{0,5}>`, "i"), name.length + 8) };
  }
  if (lines.has(known)) return { length, put: "\n" };
  if (inline.has(known) && slash === "") return { length, put: "" };
  // Words to its left and to its right are two, unless the tag stands within one.
  const next = text.slice(at + length, at + length + 2);
  if (!final && (next === "" || next === "<")) return "more";
  if (isTypeArgument(whole, text[at - 1], next)) return null;
  const glued = inline.has(known) ? /^<[A-Za-z]/.test(next) : /^[\p{L}\p{N}<]/u.test(next);
  return { length, put: glued ? " " : "" };
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ensp: " ",
  emsp: " ",
  thinsp: " ",
  ndash: "–",
  mdash: "—",
  hellip: "…",
  lsquo: "‘",
  rsquo: "’",
  ldquo: "“",
  rdquo: "”",
  laquo: "«",
  raquo: "»",
  euro: "€",
  pound: "£",
  yen: "¥",
  cent: "¢",
  deg: "°",
  times: "×",
  divide: "÷",
  plusmn: "±",
  frac12: "½",
  frac14: "¼",
  frac34: "¾",
  sup2: "²",
  sup3: "³",
  micro: "µ",
  copy: "©",
  reg: "®",
  trade: "™",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  szlig: "ß",
  eacute: "é",
  egrave: "è",
  agrave: "à",
  ccedil: "ç",
  ntilde: "ñ",
};

const entity: SpanRule = {
  start: "&(?=[A-Za-z#]|$)",
  match(text, at, { final }) {
    if (text[at] !== "&") return null;
    const seen = text.slice(at, at + 12);
    const [whole, name = ""] = /^&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]{2,8}\d{0,2});/.exec(seen) ?? [];
    if (whole === undefined) {
      return /^&(?:#?|#\d{1,7}|#[xX][\da-fA-F]{0,6}|[A-Za-z]{1,8}\d{0,2})$/.test(seen) && !final
        ? "more"
        : null;
    }
    const put = name.startsWith("#") ? ofCode(name.slice(1)) : (entities[name] ?? " ");
    return { length: whole.length, put };
  },
};

function ofCode(digits: string): string {
  const code = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number(digits);
  const character = code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : " ";
  return /[\p{Cc}\p{Cs}\p{Co}]/u.test(character) ? " " : character;
}

/**
 * Returns the rules for tags, comments, entities and control tokens. Text between tags that are not for listeners is
 * left out.
 */
export const markupRules = (voice: SpeechMarkup): readonly SpanRule[] => [
  comment,
  controlToken,
  autolink,
  tagRule(voice),
  entity,
];
