import {
  anyFunction,
  type Check,
  type Checks,
  checkOptions,
  duration,
  oneOf,
  text,
  textOrEmpty,
} from "../options/option-checks.ts";

/** The decision of a guard that something is not to be answered, or not to be said. */
export interface Block {
  /** The reason, for events and the log, such as `payment_card`. Participants do not hear it. */
  readonly reason: string;
  /** The words that the agent says instead; an empty text says nothing. Default: the `line` of the guard. */
  readonly say?: string;
}

/** The verdict of a guard: nothing where it has no objection. */
export type Verdict = Block | null | undefined;

/** The words of a participant that a guard judges. */
export interface HeardWords {
  readonly text: string;
  readonly participantId: string;
}

/** The words of the agent that a guard judges, before they are spoken. */
export interface WordsToSay {
  /** The next sentence, or the next part of a long one. */
  readonly text: string;
  /** The words of the same answer before it. */
  readonly before: string;
}

/**
 * A check on the words that the agent hears, and on those that it is about to say. It never delays the model: an answer is begun while
 * its question is judged, and the model writes on while a sentence is.
 */
export interface Guard {
  /** The name of the guard, in events and the log. */
  readonly name: string;
  /**
   * Judges the words of a participant. Nothing of the answer is heard, and no tool runs, before it has no objection. Words that are
   * blocked are not part of the conversation; the model was asked meanwhile, and events have them. Words whose turn is cut short before
   * the verdict are judged together with the next ones. Those that a speech-to-speech model tells only after their turn are not judged.
   */
  readonly heard?: (words: HeardWords, signal: AbortSignal) => Verdict | Promise<Verdict>;
  /**
   * Judges each sentence of a text model's answer before it is spoken. Where it is blocked nothing more of the answer is said, and tools
   * that it calls behind the sentence do not run. The sound of a speech-to-speech model, and the words of `agent.say`, are not judged.
   */
  readonly say?: (words: WordsToSay, signal: AbortSignal) => Verdict | Promise<Verdict>;
  /**
   * The words that the agent says instead of what is blocked; an empty text says nothing.
   * @default "I'm sorry, I can't help with that."
   */
  readonly line?: string;
  /**
   * The longest time that a verdict may take, in milliseconds.
   * @default 1000
   */
  readonly timeoutMs?: number;
  /**
   * The verdict of a guard that throws, takes too long, or returns what is no verdict.
   * @default "block"
   */
  readonly otherwise?: "block" | "allow";
}

const checks: Checks<Guard> = {
  name: text,
  heard: anyFunction,
  say: anyFunction,
  line: textOrEmpty,
  timeoutMs: duration(),
  otherwise: oneOf(["block", "allow"]),
};

/** The rule for the option `guards`. */
export const guardsCheck: Check = { fits: Array.isArray, expected: "a list of guards" };

/** Throws a `TypeError` that names what is wrong with a guard. */
export function checkGuards(guards: readonly Guard[]): void {
  for (const [index, guard] of guards.entries()) {
    const owner = `new Agent: guards[${index}]`;
    checkOptions(owner, guard, checks);
    if (guard.name === undefined) throw new TypeError(`${owner}: name is missing`);
    if (guard.heard === undefined && guard.say === undefined)
      throw new TypeError(`${owner}: heard or say is missing: it would judge nothing`);
  }
}
