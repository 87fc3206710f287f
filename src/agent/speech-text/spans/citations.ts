import type { MappedText } from "../mapped-text.ts";
import { beginOfMark, endOfMark } from "../markup-tokens.ts";
import { afterBracket, before } from "./scan.ts";
import type { SpanRule } from "./span-rewriter.ts";

const numbers = String.raw`\d{1,3}(?: ?[,;–-] ?\d{1,3}){0,20}`;
/** The texts that models write between square brackets for a source. */
const source = new RegExp(
  String.raw`^(?:\^[^\]\s]{1,40}|(?:cite|citations?|sources?|refs?|references?|docs?|documents?|turn\d{0,3}\w{0,20}):? ?#?${numbers}|cite(?:_start|_end)?|citation|source|${numbers} ?†[^\]]{0,80}|\[?${numbers}\]?)$`,
  "i",
);
/**
 * The text that is left of a source until the sentence is whole: a number stands in brackets, whichever way it was written.
 */
const mark = "[0]";

/** `[1]`, `[[1]](https://example.com)`, `[cite: 2]`, `【4†source】`: sources, in one form that no sentence ends in. */
const bracketed: SpanRule = {
  start: "[[【]",
  match(text, at, { final }) {
    const western = text[at] === "[";
    if (!western && text[at] !== "【") return null;
    const close = afterBracket(text, at, western ? "]" : "】", { longest: 160, without: /[\n\u2028\u2029]/ });
    if (close === "more" && !final) return "more";
    if (typeof close !== "number") return null;
    const inner = text.slice(at + 1, close - 1);
    if (!western) return /[\d†]/.test(inner) ? { length: close - at, put: mark } : null;
    if (!source.test(inner)) return null;
    if (text[close] === ":" && !inner.startsWith("^")) return null;
    const linked = text[close] === "(" ? before(text, close, ")", { longest: 2_000, without: /\s/ }) : null;
    if (!final && (close === text.length || linked === "more")) return "more";
    const end = typeof linked === "number" ? linked + 1 : close;
    if (end > close || !/^[\d\s,;–-]+$/.test(inner)) {
      // The colon of a footnote belongs to its mark.
      const colon = inner.startsWith("^") && text[end] === ":" ? 1 : 0;
      return { length: end + colon - at, put: mark };
    }
    return { length: end - at, put: text.slice(at, end) };
  },
};

/** Marks that the interface of a model would have shown as a link. */
const privateUse: SpanRule = {
  start: beginOfMark,
  match(text, at, { final }) {
    if (text[at] !== beginOfMark) return null;
    const end = before(text, at, endOfMark, { longest: 300 });
    if (end === "more" && !final) return "more";
    return { length: typeof end === "number" ? end + 1 - at : 1, put: typeof end === "number" ? mark : "" };
  },
};

export const citationRules: readonly SpanRule[] = [privateUse, bracketed];

/** Numbers in brackets that are no sources: what can be pressed, typed or chosen. */
const choice =
  /(?:press|type|enter|dial|select|choose|option|key|button|step|say|number|item|drücken Sie|taste|wählen Sie|tapez|appuyez sur|touche|pulse|marque|tecla|opción|premi|tasto|digiti|prima|digite|toets|kies|naciśnij|wybierz|нажмите|наберите)\s*$/iu;

const marks = new RegExp(String.raw`[ \t]*\[${numbers}\]`, "g");

/** Leaves out the sources of a sentence, with the space before them. */
export function dropCitations(text: MappedText): void {
  text.drop(marks, ({ index, input }) => !choice.test(input.slice(Math.max(0, index - 24), index)));
}
