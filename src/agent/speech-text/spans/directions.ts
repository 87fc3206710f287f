import { directionIn, type SpeechMarkup } from "../voice-markup.ts";
import { afterBracket } from "./scan.ts";
import type { SpanRule } from "./span-rewriter.ts";

/** Directions such as `[laughs]`: for the voice, or left out where it performs none. */
export const directionRule = (voice: SpeechMarkup): SpanRule => ({
  start: "\\[",
  match(text, at, { final, tokens }) {
    if (text[at] !== "[") return null;
    const close = afterBracket(text, at, "]", { longest: 64, without: /[^\p{L}\p{M}'’ ,[\]-]/u });
    if (typeof close !== "number") return close;
    const next = text[close];
    if (next === undefined && !final) return "more";
    // The label of a link is none.
    if (next === "(" || next === "[" || next === ":") return null;
    const direction = directionIn(text.slice(at + 1, close - 1), voice);
    if (direction === null) return null;
    return { length: close - at, put: direction === "performed" ? tokens.add(text.slice(at, close)) : "" };
  },
});
