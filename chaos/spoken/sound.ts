/**
 * Words as sound that anybody who gets a piece of it can read: a word of a caller is one value for some frames; a sentence of an agent
 * has two values by turns, of which one tells the words, and the other one who says them. Sound goes over a WebSocket unchanged.
 */

export const rates = { heard: 16_000, spoken: 24_000 } as const;
export const frameMs = 20;

/** The lowest value that is sound, and not silence. */
const base = 1_000;
/** The sentences that an answer may have, each with a number of its own. */
const mostParts = 8;
const callerWordMs = 160;
const callerPauseMs = 80;

/** The words of a sentence of an agent: the number of what it answers, and which sentence of the answer it is. */
export interface Saying {
  readonly word: number;
  readonly part: number;
}

/** The parts of an answer that are no sentence of a story. */
export const parts = { answer: 0, rest: 6, line: 7 } as const;

/** The wishes of a caller, by the remainder of their number: all numbers so far, a story of several sentences, or a short answer. */
export const wishes = ["list", "story", "short"] as const;
export type Wish = (typeof wishes)[number];

export const wishIn = (word: number): Wish => wishes[word % wishes.length]!;

/** Returns the sound of a caller's word, with the pause that ends it. */
export function wordSound(word: number): Int16Array {
  const length = (ms: number) => (ms * rates.heard) / 1_000;
  const sound = new Int16Array(length(callerWordMs + callerPauseMs));
  return sound.fill(base + word, 0, length(callerWordMs));
}

/** Returns the word that is said in a frame; null for silence. */
export function wordIn(frame: Int16Array): number | null {
  const value = frame.reduce((most, sample) => Math.max(most, sample), 0);
  return value < base ? null : value - base;
}

/** Returns the time that a sentence sounds, in milliseconds. */
export const soundMs = ({ part }: Saying): number => (part > parts.answer && part < parts.rest ? 2_400 : 400);

/** Returns the sound of a sentence, said by the agent of this number. */
export function sentenceSound({ word, part }: Saying, life: number, ms: number): Int16Array {
  const sound = new Int16Array((ms * rates.spoken) / 1_000);
  for (let at = 0; at < sound.length; at += 2) {
    sound[at] = base + word * mostParts + part;
    sound[at + 1] = life;
  }
  return sound;
}

/** Returns what is said in a piece of sound of an agent, and by whom; null for silence. */
export function sentenceIn(bytes: Buffer): (Saying & { readonly life: number }) | null {
  const code = bytes.length < 4 ? 0 : bytes.readInt16LE(0) - base;
  if (code < 0) return null;
  return { word: Math.floor(code / mostParts), part: code % mostParts, life: bytes.readInt16LE(2) };
}

/** Returns the number of a thread of a process, as its agent's sound tells it. Two threads of one run hardly ever have the same. */
export const lifeOf = (pid: number, thread: number): number => 1 + ((pid * 31 + thread) % 30_000);

/** Returns the words of a sentence as its text says them. */
export function sayingOf(text: string): Saying {
  const [, part, ofStory] = /Part (\d) of (\d+)/.exec(text) ?? [];
  if (part !== undefined) return { word: Number(ofStory), part: Number(part) };
  const [, answered] = /(?:You said|Known) (\d+)/.exec(text) ?? [];
  if (answered !== undefined) return { word: Number(answered), part: parts.answer };
  // Of a sentence that is said from its middle on only the end is there.
  const [, rest] = /(\d+)\D*$/.exec(text) ?? [];
  return rest === undefined ? { word: 0, part: parts.line } : { word: Number(rest), part: parts.rest };
}
