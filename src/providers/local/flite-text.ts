import { SentenceSplitter } from "../../agent/speech-text/sentences/sentence-splitter.ts";

/** Letters that Unicode decomposition does not turn into ASCII. */
const letters: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ı: "i",
  "‘": "'",
  "’": "'",
  "“": '"',
  "”": '"',
  "–": ", ",
  "—": ", ",
  "…": "...",
  "€": " euros ",
  "£": " pounds ",
  "°": " degrees ",
};

/** The longest piece for one synthesis, in characters: about 10 s of sound, which takes 150 ms to make. */
export const longestPiece = 160;
const eachSentence = { maxLength: longestPiece, minLength: 0, firstClauseWords: Number.POSITIVE_INFINITY };

export interface FliteText {
  /** The text that Flite can speak, in sentences; long ones in parts. */
  readonly pieces: readonly string[];
  /** Says whether some of the text is in letters that Flite does not know, and would omit. */
  readonly unknown: boolean;
}

/** Returns a text as Flite can speak it: in ASCII, and as English. */
export function fliteText(text: string): FliteText {
  const folded = text
    .replaceAll(/[\u00a0-\uffff]/gu, (character) => letters[character] ?? capital(character) ?? character)
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll("\u2044", "/");
  const unknown = /[^a-z0-9]/i.test(folded.replaceAll(/[^\p{L}\p{N}]/gu, ""));
  const spoken = folded
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .replaceAll(/\s+/g, " ")
    .replace(/^[\s,;:.!?]+/, "")
    .trim();
  const splitter = new SentenceSplitter(eachSentence);
  const pieces = [...splitter.push(spoken), ...splitter.flush()]
    .map((piece) => piece.text.trim())
    .filter((piece) => /[a-z0-9]/i.test(piece));
  return { pieces, unknown };
}

function capital(character: string): string | undefined {
  const letter = letters[character.toLowerCase()];
  return letter === undefined ? undefined : letter[0]!.toUpperCase() + letter.slice(1);
}
