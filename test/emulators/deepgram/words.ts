/** A word as Deepgram sends it. Times in seconds. */
export interface Word {
  readonly word: string;
  readonly confidence: number;
  readonly start?: number;
  readonly end?: number;
}

export const wordsIn = (text: string): string[] => text.match(/\S+/g) ?? [];

/** The words of a text, spread evenly over the time in which they were spoken; without times where there is none. */
export function timedWords(text: string, spoken: { from: number; to: number } | null): Word[] {
  const words = wordsIn(text);
  if (spoken === null) return words.map((word) => ({ word, confidence: 0.9834 }));
  const each = (spoken.to - spoken.from) / words.length;
  return words.map((word, index) => ({
    word,
    confidence: 0.9834,
    start: Math.fround(spoken.from + index * each),
    end: Math.fround(spoken.from + (index + 1) * each),
  }));
}

/** Times as Deepgram writes them: numbers of 32 bits, in as few digits as tell them apart, such as 1.6800001. */
export const shortTime = (seconds: number): number => Number(Math.fround(seconds).toPrecision(8));

/**
 * Returns the part of a text that is known while it is spoken: the first words, one more for each quarter of a second. The
 * last of them is a guess, which the next message rewrites: its end is still to be heard.
 */
export function spokenPart(text: string, known: string, spokenMs: number): string {
  const whole = wordsIn(text);
  const count = wordsIn(known).length + 1 + Math.floor(spokenMs / 250);
  if (count >= whole.length) return whole.join(" ");
  const words = whole.slice(0, count);
  return [...words.slice(0, -1), guess(words.at(-1) ?? "")].join(" ");
}

/** The first two thirds of a long word, without what stands behind it. */
function guess(word: string): string {
  const bare = word.replace(/[^\p{L}\p{N}]+$/u, "");
  const characters = Array.from(bare);
  return characters.length < 6 ? bare : characters.slice(0, Math.ceil((characters.length * 2) / 3)).join("");
}
