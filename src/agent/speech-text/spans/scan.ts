import type { Block } from "./span-rewriter.ts";

export interface ScanLimits {
  /** The longest span, in UTF-16 units. */
  readonly longest: number;
  /** Characters that cannot stand in it. */
  readonly without?: RegExp;
}

/** Returns the place after the bracket that closes the one at `at`; `more`: it may be to come; null: there is none. */
export function afterBracket(
  text: string,
  at: number,
  close: string,
  { longest, without }: ScanLimits,
): number | "more" | null {
  const open = text[at]!;
  let depth = 0;
  const until = Math.min(text.length, at + longest);
  for (let index = at; index < until; index++) {
    const character = text[index]!;
    if (without?.test(character)) return null;
    if (character === "\\") index += 1;
    else if (character === open) depth += 1;
    else if (character === close && --depth === 0) return index + 1;
  }
  return until < at + longest ? "more" : null;
}

/** Returns the place where `end` begins, from `at` on; `more`: it may be to come; null: there is none. */
export function before(
  text: string,
  at: number,
  end: string,
  { longest, without }: ScanLimits,
): number | "more" | null {
  const window = text.slice(at, at + longest);
  const found = window.indexOf(end);
  const wrong = without === undefined ? -1 : window.search(without);
  if (found >= 0 && (wrong < 0 || found <= wrong)) return at + found;
  if (wrong >= 0) return null;
  return text.length < at + longest ? "more" : null;
}

/**
 * Returns a block up to and including what matches.
 * @param longestEnd Longest match, in UTF-16 units.
 */
export function untilMatch(pattern: RegExp, longestEnd: number): Block {
  return {
    take(text, from) {
      const found = pattern.exec(text.slice(from));
      if (found !== null) return { until: from + found.index + found[0].length, ended: true };
      return { until: Math.max(from, text.length - longestEnd + 1), ended: false };
    },
  };
}

/** Returns a block up to the end of the text. */
export const untilEnd = (): Block => ({ take: (text) => ({ until: text.length, ended: false }) });

const closing = /[)\]}]/;
const opening = /[([{]/;

/**
 * Returns a block of code or JSON up to the bracket that closes it, or an empty line.
 * @param depth Brackets that are open already.
 */
export function untilBalanced(depth: number): Block {
  let quote = "";
  let escaped = false;
  let emptyLine = false;
  return {
    take(text, from) {
      for (let index = from; index < text.length; index++) {
        const character = text[index]!;
        if (character === "\n") {
          if (emptyLine) return { until: index, ended: true };
          emptyLine = true;
          quote = "";
        } else if (!/\s/.test(character)) emptyLine = false;
        if (escaped) escaped = false;
        else if (character === "\\") escaped = true;
        else if (quote !== "") quote = character === quote ? "" : quote;
        else if (character === '"' || character === "'") quote = character;
        else if (opening.test(character)) depth += 1;
        else if (closing.test(character) && --depth === 0) return { until: index + 1, ended: true };
      }
      return { until: text.length, ended: false };
    },
  };
}
