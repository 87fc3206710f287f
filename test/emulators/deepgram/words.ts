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
  if (spoken === null) return words.map((word) => ({ word, confidence: 0.98 }));
  const each = (spoken.to - spoken.from) / words.length;
  return words.map((word, index) => ({
    word,
    confidence: 0.98,
    start: hundredths(spoken.from + index * each),
    end: hundredths(spoken.from + (index + 1) * each),
  }));
}

/** As Deepgram writes times. */
export const hundredths = (seconds: number): number => Math.round(seconds * 100) / 100;

/** What is known of a text while it is spoken: the first words, one more for each quarter of a second. */
export function spokenPart(text: string, known: string, spokenMs: number): string {
  const count = wordsIn(known).length + 1 + Math.floor(spokenMs / 250);
  return wordsIn(text).slice(0, count).join(" ");
}
