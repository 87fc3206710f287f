/** Letters with no ASCII letter inside them that decomposition finds. */
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

/** Longest piece for one synthesis: about 10 s of sound, which takes 150 ms to make. */
const longestPiece = 160;

export interface FliteText {
  /** What Flite can speak, sentence by sentence; long ones in their parts. */
  readonly pieces: readonly string[];
  /** Some of the text is in letters that Flite does not know: it would be silent about them. */
  readonly unknown: boolean;
}

/** Makes of a text what Flite speaks: it knows ASCII, and English. */
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
  const pieces = sentences(spoken)
    .flatMap(parts)
    .filter((piece) => /[a-z0-9]/i.test(piece));
  return { pieces, unknown };
}

function capital(character: string): string | undefined {
  const letter = letters[character.toLowerCase()];
  return letter === undefined ? undefined : letter[0]!.toUpperCase() + letter.slice(1);
}

/** Where a sentence ends: not after an abbreviation, and not before a small letter. */
const sentenceEnd =
  /(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|[A-Za-z]\.[A-Za-z]))[.!?]["')\]]*\s+(?=["'([]?[A-Z0-9])/g;

function sentences(text: string): string[] {
  const ends = [...text.matchAll(sentenceEnd)].map((end) => end.index + end[0].length);
  return [0, ...ends].map((begin, index) => text.slice(begin, ends[index]).trim());
}

/** A long sentence at its commas, or failing those between words. */
function parts(sentence: string): string[] {
  if (sentence.length <= longestPiece) return [sentence];
  const head = sentence.slice(0, longestPiece);
  const comma = Math.max(head.lastIndexOf(", "), head.lastIndexOf("; "), head.lastIndexOf(": "));
  const space = head.lastIndexOf(" ");
  const end = comma > 40 ? comma + 1 : space > 0 ? space : longestPiece;
  return [sentence.slice(0, end), ...parts(sentence.slice(end).trim())];
}
