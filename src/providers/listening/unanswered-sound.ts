import { now } from "../../shared/protocol.ts";

/**
 * The unanswered sound after which a connection may be stalled, in milliseconds; less may end without an
 * answer.
 */
const stalledSoundMs = 1_000;

/** The sound that was sent over a connection without an answer. */
export class UnansweredSound {
  readonly #stallTimeoutMs: number;
  #since = 0;
  #ms = 0;

  /** @param stallTimeoutMs The time without any answer after which the connection is stalled, in milliseconds. */
  constructor(stallTimeoutMs: number) {
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /** Returns how much of it there is, in milliseconds of sound. */
  get ms(): number {
    return this.#ms;
  }

  /** Returns whether the connection is stalled. */
  get stalled(): boolean {
    return this.#ms >= stalledSoundMs && now() - this.#since >= this.#stallTimeoutMs;
  }

  sent(ms: number): void {
    if (this.#ms === 0) this.#since = now();
    this.#ms += ms;
  }

  answered(): void {
    this.#ms = 0;
  }
}
