import { type PlainError, plainError, withoutStacks } from "../errors.ts";
import type { KillReason } from "../metrics/catalogue.ts";
import type { CloseReason, EndReason } from "../protocol.ts";

const slow: ReadonlySet<KillReason> = new Set(["killed", "unresponsive"]);

/** Why a session ends. */
export interface Verdict {
  readonly reason: EndReason;
  readonly error: PlainError | null;
}

/** How a session comes to its end: who asked for it, what was decided, what it came to. The first of each counts. */
export class Ending {
  closeReason: CloseReason | null = null;
  closeRequestedBy: string | null = null;
  /** What it ended of, or will. */
  error: PlainError | null = null;
  reason: EndReason | null = null;
  /** Epoch milliseconds. */
  at: number | null = null;
  /** What nobody caught in its thread, as the thread itself told it. */
  uncaught: PlainError | null = null;
  #verdict: Verdict | null = null;

  get decided(): boolean {
    return this.#verdict !== null;
  }

  decide(verdict: Verdict): Verdict {
    this.#verdict ??= verdict;
    return this.#verdict;
  }

  /**
   * Why its thread is ended by force. One that was asked to close since it held too much memory has no time to spare: that it did not
   * close, or stood still while it collected garbage, comes of the memory.
   */
  killReason(found: KillReason): KillReason {
    return this.closeReason === "out_of_memory" && slow.has(found) ? "out_of_memory" : found;
  }

  /** Its thread died: of what was decided, or else of this. */
  ofDeath(error: Error): Verdict {
    const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    if (outOfMemory) return this.#verdict ?? { reason: "out_of_memory", error: plainError(error) };
    return this.#verdict ?? { reason: "crashed", error: this.uncaught ?? plainError(error) };
  }

  complete({ reason, error }: Verdict, at: number): void {
    this.reason = reason;
    this.error = error;
    this.at = at;
  }

  /** Another end had been reported before this one. */
  supersede({ reason, error }: Verdict): void {
    this.reason = reason;
    this.error = error;
  }

  /** Forgets the stacks of what it ended of. */
  shrink(): void {
    if (this.error) this.error = withoutStacks(this.error);
    this.uncaught = null;
    if (this.#verdict) this.#verdict = { reason: this.#verdict.reason, error: this.error };
  }
}
