import { type Checks, duration, texts, whole } from "./option-checks.ts";

/** When words of a participant stop the agent that speaks. */
export interface BargeInOptions {
  /** Words that make an interruption. Default 1: any that is not a backchannel. Raise it in noisy places. */
  readonly minWords: number;
  /** What listeners say without wanting the floor: alone they do not interrupt. */
  readonly backchannels: readonly string[];
  /** Without words for this long, a sound was no interruption: the agent goes on where it stopped. In milliseconds. */
  readonly falseInterruptionMs: number;
}

export const defaultBargeIn = {
  minWords: 1,
  backchannels: [
    "ah",
    "aha",
    "alright",
    "hm",
    "hmm",
    "huh",
    "mhm",
    "mm",
    "mmhm",
    "mmm",
    "oh",
    "ok",
    "okay",
    "right",
    "sure",
    "uh",
    "uh huh",
    "uhhuh",
    "um",
    "wow",
    "yeah",
    "yep",
    "yes",
  ],
  falseInterruptionMs: 2_000,
} as const satisfies BargeInOptions;

export const bargeInChecks: Checks<BargeInOptions> = {
  minWords: whole(1),
  backchannels: texts,
  falseInterruptionMs: duration(),
};

/** Do these words take the floor from the agent? */
export function interrupts(text: string, { minWords, backchannels }: BargeInOptions): boolean {
  const words = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s]/gu, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return false;
  const known = new Set(backchannels.map((entry) => entry.toLowerCase().replaceAll(/[^\p{L}\p{N}\s]/gu, "")));
  if (known.has(words.join(" ")) || words.every((word) => known.has(word))) return false;
  return words.length >= minWords;
}
