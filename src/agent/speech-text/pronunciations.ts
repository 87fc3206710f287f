import { type Check, isObject } from "../options/option-checks.ts";
import type { MappedText } from "./mapped-text.ts";

/** A list of pronunciations: how a word is written, and what the voice says for it, such as `{ Nginx: "engine x" }`. */
export type Pronunciations = Readonly<Record<string, string>>;

/**
 * Puts words as they are to be said. Whole words alone, whatever their case; a word that is written just so in the list comes
 * first, so that "US" need not be "us". In scripts without spaces every occurrence counts.
 */
export function pronounce(pronunciations: Pronunciations): (text: MappedText) => void {
  const written = Object.keys(pronunciations).toSorted((a, b) => b.length - a.length);
  if (written.length === 0) return () => {};
  const lower = new Map<string, string>();
  for (const word of written) {
    const key = word.toLowerCase();
    // In capitals it is an abbreviation, and another word in small letters.
    if (word !== word.toUpperCase() || word === key) lower.set(key, pronunciations[word]!);
  }
  const pattern = new RegExp(written.map(wholeWord).join("|"), "giu");
  return (text) => {
    text.put(pattern, ([word]) =>
      Object.hasOwn(pronunciations, word) ? pronunciations[word]! : (lower.get(word.toLowerCase()) ?? null),
    );
  };
}

const spaced = /[\p{L}\p{N}]/u;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const needsBorder = (character: string): boolean => spaced.test(character) && !unspaced.test(character);

function wholeWord(word: string): string {
  const characters = [...word];
  const begin = needsBorder(characters[0] ?? "") ? String.raw`(?<![\p{L}\p{M}\p{N}])` : "";
  const end = needsBorder(characters.at(-1) ?? "") ? String.raw`(?![\p{L}\p{M}\p{N}])` : "";
  return begin + RegExp.escape(word) + end;
}

export const pronunciationsCheck: Check = {
  fits: (value) =>
    isObject(value) &&
    Object.entries(value).every(([word, said]) => word.trim() !== "" && typeof said === "string"),
  expected: "an object of words and how they are said",
};
