import { type Checks, duration, number, texts, whole } from "../options/option-checks.ts";
import { Backchannels, backchannelsOf, wordsOf } from "./backchannels.ts";

/** The rules for when a participant's words stop an agent that speaks. */
export interface BargeInOptions {
  /**
   * Words that make an interruption. Raise it in noisy places.
   * @default 1: any that is not a backchannel
   */
  readonly minWords: number;
  /**
   * The words that listeners say without wanting the floor, such as "mhm" or "okay". Alone they do not stop an agent
   * that goes on speaking. In reply to a question, or as the agent comes to its end, they are an answer like any other.
   * @default those of the recogniser's language, or of all languages where that is not known
   */
  readonly backchannels?: readonly string[];
  /**
   * The number of decibels by which the agent becomes quieter while it is not known whether a sound interrupts it. With
   * 0 it stays as loud as before.
   * @default 12
   */
  readonly duckingDb: number;
  /**
   * The time without words after which a sound was no interruption: the agent goes on as before. In milliseconds.
   * @default 2000
   */
  readonly falseInterruptionMs: number;
}

export const defaultBargeIn = {
  minWords: 1,
  duckingDb: 12,
  falseInterruptionMs: 2_000,
} as const satisfies BargeInOptions;

export const bargeInChecks: Checks<BargeInOptions> = {
  minWords: whole(1),
  backchannels: texts,
  duckingDb: number(0, 60),
  falseInterruptionMs: duration(),
};

/** Judges what is heard while the agent speaks. */
export class BargeIn {
  /** The share of its loudness that the agent keeps while it is not known whether a sound interrupts it. */
  readonly duckedGain: number;
  readonly falseInterruptionMs: number;
  readonly #minWords: number;
  readonly #backchannels: Backchannels;

  /** @param language Of the recogniser, where it is known. */
  constructor({ minWords, backchannels, duckingDb, falseInterruptionMs }: BargeInOptions, language?: string) {
    this.duckedGain = 10 ** (-duckingDb / 20);
    this.falseInterruptionMs = falseInterruptionMs;
    this.#minWords = minWords;
    this.#backchannels = new Backchannels(backchannels ?? backchannelsOf(language));
  }

  /** Returns whether these words take the floor from the agent, whatever it is saying. */
  interrupts(text: string): boolean {
    const count = wordsOf(text).length;
    return count > 0 && count >= this.#minWords && !this.#backchannels.covers(text);
  }
}
