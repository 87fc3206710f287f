import { unspaced, wide } from "./sentence-end.ts";
import { conjunctions } from "./words.ts";

/** Ends of clauses: not a comma between numbers, as in "January 1, 1980". */
const clauseEnd = /(?:[;:—–]|(?<!\p{N}),)(?=\s)|,(?=\s+[^\s\p{N}])|[、，：،؛၊]/gu;

let words: Intl.Segmenter | undefined;

/**
 * Returns where a piece that is too long is cut: after a clause, else before a conjunction, between words, or between
 * characters.
 */
export function forcedLength(text: string, maxLength: number): number {
  const piece = text.slice(0, maxLength);
  const begin = piece.length - piece.trimStart().length;
  const middle = begin + (maxLength - begin) / 2;
  const clause = last(piece, clauseEnd);
  if (clause !== null && clause >= middle) return clause + 1;
  const conjunction = last(piece, /\s+(?=(?<word>[\p{L}\p{M}]+)\s)/gu, (word) => conjunctions.has(word));
  if (conjunction !== null && conjunction >= middle) return conjunction;
  const gap = last(piece.slice(begin), /\s+/g);
  const border = wide.test(piece) || unspaced.test(piece) ? wordBorder(text, maxLength) : null;
  if (gap !== null && (border === null || begin + gap >= middle)) return begin + gap;
  if (border !== null && border > begin) return border;
  // Neither half a character nor a mark begins a piece, where there is room for the whole.
  for (let length = maxLength; length > 0; length--) {
    const joined =
      text[length - 1] === "\u200D" ||
      /^[\uDC00-\uDFFF\p{M}\p{Emoji_Modifier}\u200D]/u.test(text.slice(length));
    if (!joined) return length;
  }
  return /^[\uDC00-\uDFFF]/.test(text.slice(maxLength)) ? maxLength - 1 : maxLength;
}

/** Returns the last border between words of a script without spaces. */
function wordBorder(text: string, maxLength: number): number | null {
  words ??= new Intl.Segmenter("th", { granularity: "word" });
  let border: number | null = null;
  for (const { index } of words.segment(text)) {
    if (index > 0 && index <= maxLength) border = index;
  }
  return border;
}

function last(text: string, pattern: RegExp, wanted = (_word: string) => true): number | null {
  return (
    [...text.matchAll(pattern)].findLast(({ groups }) => wanted(groups?.word?.toLowerCase() ?? ""))?.index ??
    null
  );
}
