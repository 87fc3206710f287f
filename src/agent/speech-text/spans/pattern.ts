import type { PatternTransform } from "../text-transform.ts";
import { before, untilMatch } from "./scan.ts";
import type { SpanRule } from "./span-rewriter.ts";

/** The longest text between two marks that is held back, in UTF-16 units. */
const longestContent = 4_000;

const escaped = (text: string): string => RegExp.escape(text);

/** Returns the rule for text between two marks of the user's own. */
export function patternRule({ start, end, replace }: PatternTransform): SpanRule {
  const beginnings = Array.from({ length: start.length }, (_, index) => escaped(start.slice(0, index + 1)));
  return {
    start: `${escaped(start)}|(?:${beginnings.toReversed().join("|")})$`,
    match(text, at, { final }) {
      if (!text.startsWith(start, at)) {
        return start.startsWith(text.slice(at)) && !final ? "more" : null;
      }
      const begin = at + start.length;
      if (replace === undefined) {
        return { length: start.length, block: untilMatch(new RegExp(escaped(end)), end.length) };
      }
      const found = before(text, begin, end, { longest: longestContent });
      if (found === "more" && !final) return "more";
      const until = typeof found === "number" ? found : final ? text.length : null;
      if (until === null) return null;
      const length = Math.min(text.length, until + end.length) - at;
      return { length, put: replace(text.slice(begin, until)) };
    },
  };
}
