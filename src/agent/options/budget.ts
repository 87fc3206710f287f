import type { Measurement } from "../../shared/session/measurement.ts";
import { type Checks, orNull, whole } from "./option-checks.ts";

/** The most that one session may consume; null is no limit. */
export interface BudgetOptions {
  /**
   * Tokens of the model, in and out, over the whole session.
   * @default null
   */
  readonly maxTokens: number | null;
  /**
   * Characters given to text to speech, over the whole session.
   * @default null
   */
  readonly maxSpokenCharacters: number | null;
}

export const defaultBudget = { maxTokens: null, maxSpokenCharacters: null } as const satisfies BudgetOptions;

export const budgetChecks: Checks<BudgetOptions> = {
  maxTokens: orNull(whole(1)),
  maxSpokenCharacters: orNull(whole(1)),
};

/** The consumption of a session so far. */
export interface Spent {
  readonly tokens: number;
  readonly characters: number;
}

/** Adds up what a session consumes. A session over its budget finishes the turn, and takes no other. */
export class Budget {
  readonly #options: BudgetOptions;
  #tokens = 0;
  #characters = 0;

  /** @param spent The consumption of the agents that were in the call before. */
  constructor(options: BudgetOptions, spent: Spent = { tokens: 0, characters: 0 }) {
    this.#options = options;
    this.#tokens = spent.tokens;
    this.#characters = spent.characters;
  }

  get spent(): Spent {
    return { tokens: this.#tokens, characters: this.#characters };
  }

  /** Takes another consumption in the place of the one so far. */
  restore({ tokens, characters }: Spent): void {
    this.#tokens = tokens;
    this.#characters = characters;
  }

  add(measurement: Measurement): void {
    if (measurement.kind === "llm") this.#tokens += measurement.inputTokens + measurement.outputTokens;
    if (measurement.kind === "tts") this.#characters += measurement.characters;
  }

  /** Returns the name of the limit that is used up, or null. */
  get exhausted(): string | null {
    const { maxTokens, maxSpokenCharacters } = this.#options;
    if (maxTokens !== null && this.#tokens >= maxTokens) return `${maxTokens} tokens`;
    if (maxSpokenCharacters !== null && this.#characters >= maxSpokenCharacters) {
      return `${maxSpokenCharacters} spoken characters`;
    }
    return null;
  }
}
