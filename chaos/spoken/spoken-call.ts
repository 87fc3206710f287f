import { machineNow } from "../clock.ts";
import { frameMs, type Saying, sayingOf, sentenceIn } from "./sound.ts";

/** One sentence, or the part of it that was heard at a stretch. */
export interface Stretch extends Saying {
  /** The number of the agent's thread. */
  readonly life: number;
  /** The times of its first and its last frame. */
  readonly from: number;
  to: number;
  frames: number;
}

/** Sound of one sentence after a longer pause is another stretch, in milliseconds. */
const longestPauseMs = 300;

/** The sound and the words of one call, as its caller got them over all connections. */
export class SpokenCall {
  readonly sessionId: string;
  readonly stretches: Stretch[] = [];
  /** The words that the call has taken as said, and when. */
  readonly taken = new Map<number, number>();
  /** The words that the agent has answered by what it is told to have said. */
  readonly #answered = new Set<number>();
  /** The list of all words, as the agent told it last, and the word that asked for it. */
  list: { readonly at: number; readonly asked: number; readonly words: readonly number[] } | null = null;
  /** The time since which the caller waited in vain, where they gave up; else null. */
  unansweredSince: number | null = null;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  /** Takes a piece of sound. */
  hear(bytes: Buffer): void {
    const heard = sentenceIn(bytes);
    if (heard === null) return;
    const at = machineNow();
    const last = this.stretches.findLast(({ life }) => life === heard.life);
    const goesOn =
      last !== undefined &&
      last.word === heard.word &&
      last.part === heard.part &&
      at - last.to < longestPauseMs;
    if (goesOn) {
      last.to = at;
      last.frames += 1;
    } else this.stretches.push({ ...heard, from: at, to: at, frames: 1 });
  }

  /** Takes the words of a transcript that are final. */
  read(role: unknown, text: string): void {
    const at = machineNow();
    const [, list, words = ""] = /^Known (\d+):([\d ]*)/.exec(text) ?? [];
    if (role === "agent" && list !== undefined)
      this.list = { at, asked: Number(list), words: words.trim().split(" ").map(Number) };
    if (role === "agent") this.#answered.add(sayingOf(text).word);
    if (role !== "user") return;
    for (const [, word] of text.matchAll(/word (\d+)/g))
      if (!this.taken.has(Number(word))) this.taken.set(Number(word), at);
  }

  /** Returns the number of agents that were heard. */
  get voices(): number {
    return new Set(this.stretches.map(({ life }) => life)).size;
  }

  /** Returns whether anything of an answer was heard, or was told as said where nobody could hear it. */
  isAnswered(word: number): boolean {
    return this.#answered.has(word) || this.stretches.some((one) => one.word === word);
  }

  /** Returns the time for which each sentence was heard in all, in milliseconds. */
  heardOf({ word, part }: Saying): number {
    const same = this.stretches.filter((one) => one.word === word && one.part === part);
    return same.reduce((ms, { frames }) => ms + frames * frameMs, 0);
  }

  /** Returns the time since the agent was last heard, in milliseconds. */
  get quietMs(): number {
    return machineNow() - Math.max(0, ...this.stretches.map(({ to }) => to));
  }
}
