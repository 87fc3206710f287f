import { inside } from "./markup.ts";
import { afterBracket, before, untilMatch } from "./scan.ts";
import { type Span, type SpanContext, type SpanRule, wordStart } from "./span-rewriter.ts";

/** The longest label and the longest address, in UTF-16 units. */
const longestLabel = 400;
const longestAddress = 4_096;
const lineBreak = /[\n\u2028\u2029]/;

/** `[label](address)`, `![alternative text](address)` and `[label][reference]`: the label is said. */
const link: SpanRule = {
  start: "!?\\[|!$",
  match(text, at, context) {
    const open = text[at] === "!" ? at + 1 : at;
    if (text[open] !== "[") return open === text.length && !context.final ? "more" : null;
    const close = afterBracket(text, open, "]", { longest: longestLabel, without: lineBreak });
    if (typeof close !== "number") return close;
    if (close === text.length) return context.final ? null : "more";
    if (text[close] === "(") return inlineLink(text, { at, open, close }, context);
    if (text[close] === "[") return referenceLink(text, { at, open, close }, context);
    if (text[close] === ":") return definition(text, { at, open, close }, context);
    return null;
  },
};

/** The places where the brackets of a label open and close, and where the link begins. */
interface Label {
  readonly at: number;
  readonly open: number;
  readonly close: number;
}

function labelled(text: string, { at, open, close }: Label, length: number, { rewrite }: SpanContext): Span {
  return { length, put: inside(rewrite(text.slice(open + 1, close - 1)), open + 1 - at) };
}

const address = /^\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'))?[ \t]*\)/;
const addressBegun = /^\((?:[^()\s]|\([^()\s]*\))*(?:\([^()\s]*|[ \t]+(?:"[^"\n]*"?|'[^'\n]*'?)?[ \t]*)?$/;

function inlineLink(text: string, label: Label, context: SpanContext): Span | "more" | null {
  const { at, close } = label;
  const seen = text.slice(close, close + longestAddress);
  const whole = address.exec(seen);
  if (whole) return labelled(text, label, close + whole[0].length - at, context);
  if (seen.length === longestAddress || !addressBegun.test(seen)) return null;
  // The text ends within the address.
  return context.final ? labelled(text, label, text.length - at, context) : "more";
}

const number = /^[\d\s,–-]+$/;

function referenceLink(text: string, label: Label, context: SpanContext): Span | "more" | null {
  const { at, open, close } = label;
  if (number.test(text.slice(open + 1, close - 1))) return null;
  const end = afterBracket(text, close, "]", { longest: 100, without: lineBreak });
  if (typeof end !== "number") return end;
  return labelled(text, label, end - at, context);
}

/** Leaves out `[reference]: https://example.com` on a line of its own. */
function definition(text: string, { at, open, close }: Label, { final }: SpanContext): Span | "more" | null {
  if (open !== at || !/(?<=^|[\n\u2028\u2029])[ \t]{0,20}$/.test(text.slice(Math.max(0, at - 64), at)))
    return null;
  const rest = text.slice(close, close + 40);
  if (/^:[ \t]{0,20}(?:https?:|www\.|[/#<])/.test(rest)) {
    return { length: close + 1 - at, block: untilMatch(/(?=[\n\u2028\u2029])/, 1) };
  }
  const begun = /^:[ \t]{0,20}(?:h|ht|htt|https?|w|ww|www)?$/;
  return begun.test(rest) && !final ? "more" : null;
}

const scheme = /^(?:https?|ftp):\/\//i;
/** Characters that an address cannot hold. */
const outside = /[\s<>"`\u3000-\u303F\uFF00-\uFFEF\u4E00-\u9FFF\u3040-\u30FF\uAC00-\uD7AF]/;
const trailing = /[.,;:!?)\]}'*_~’”»]+$/;

/** An address in a text: its host is said. */
const url: SpanRule = {
  start: `${wordStart}(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp]):|${wordStart}[Ww][Ww][Ww]\\.|${wordStart}(?:H(?:[Tt](?:[Tt](?:[Pp][Ss]?)?)?)?|W[Ww]{0,2}|F(?:[Tt][Pp]?)?)$`,
  match(text, at, { final }) {
    const head = text.slice(at, at + 9);
    if (/^(?:h(?:t(?:t(?:ps?)?)?)?|w{1,3}|f(?:tp?)?)$/i.test(head) && !final) return "more";
    const prefix = /^www\./i.test(head) ? "" : scheme.exec(head)?.[0];
    if (prefix === undefined) return /^(?:https?|ftp):\/?$/i.test(head) && !final ? "more" : null;
    const window = text.slice(at, at + longestAddress);
    const end = window.search(outside);
    if (end < 0 && window.length < longestAddress && !final) return "more";
    let whole = end < 0 ? window : window.slice(0, end);
    whole = whole.replace(trailing, (marks) => closingOf(whole, marks));
    const rest = whole.slice(prefix.length);
    const host = /^[^/?#\\|^]*/.exec(rest)![0];
    const name = host.replace(/^[^@]*@/, "").replace(/^www\./i, "");
    if (name === "") return null;
    if (prefix === "" && !/^[\w-]+\.[\w.-]+$/.test(name)) return null;
    return { length: whole.length, put: name.replace(/:\d+$/, "").replaceAll(/[[\](){}*_~]/g, "") };
  },
};

/** Returns the marks behind an address that belong to it: brackets that it opened. */
function closingOf(whole: string, marks: string): string {
  const bare = whole.slice(0, whole.length - marks.length);
  return marks.startsWith(")") && bare.includes("(") && !bare.includes(")") ? ")" : "";
}

/** `mailto:` and `tel:` are not said; data in an address is left out. */
const otherScheme: SpanRule = {
  start: `${wordStart}(?:mailto|tel|data):`,
  match(text, at, { final }) {
    const seen = text.slice(at, at + 120);
    const spoken = /^(?:mailto|tel):(?=\S)/i.exec(seen)?.[0];
    if (spoken !== undefined) return { length: spoken.length, put: "" };
    const data = /^data:[\w/+.;=-]{0,80};base64,/.exec(seen)?.[0];
    if (data !== undefined) return { length: data.length, block: untilMatch(/(?=[^A-Za-z0-9+/=_-])/, 1) };
    return /^(?:mailto:|tel:|data:[\w/+.;=-]{0,80})$/i.test(seen) && !final ? "more" : null;
  },
};

/** The end of a link whose beginning is not there: `](https://example.com)`. */
const tail: SpanRule = {
  start: "\\]\\(|\\]$",
  match(text, at, { final }) {
    if (text[at] !== "]") return null;
    const seen = text.slice(at + 1, at + 12);
    if (!/^\((?:https?:|www\.|mailto:|tel:|[/#])/.test(seen)) {
      return seen.length < 9 && /^(?:\([a-z:.]{0,8})?$/.test(seen) && !final ? "more" : null;
    }
    const end = before(text, at + 2, ")", { longest: longestAddress, without: /\s/ });
    if (end === "more") return final ? { length: text.length - at, put: "" } : "more";
    return end === null ? { length: 2, put: "" } : { length: end + 1 - at, put: "" };
  },
};

/** Links are said by their label, addresses by their host. */
export const linkRules: readonly SpanRule[] = [link, url, otherScheme, tail];
