import type { CloseReason, EndReason, KillReason } from "../../shared/end-reasons.ts";
import { type PlainError, plainError, withoutStacks } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import type { ThreadKill } from "../threads/slot.ts";

/** The kills of a thread that took too long. Lack of memory may be the cause of that. */
const slow: ReadonlySet<KillReason> = new Set(["killed", "unresponsive"]);

/** The decision of why a session ends. */
export interface EndDecision {
  readonly reason: EndReason;
  readonly error: PlainError | null;
}

/** The end of a session: the request for it, the decision, and the result. The first of each counts. */
export class SessionEnd {
  closeReason: CloseReason | null = null;
  closeRequestedBy: string | null = null;
  /** The error that it ended of, or will end of; null where there is none. */
  error: PlainError | null = null;
  reason: EndReason | null = null;
  /** The time of its end, in epoch milliseconds. */
  at: number | null = null;
  /** The error that nothing caught in its thread, as the thread itself told it. */
  uncaught: PlainError | null = null;
  #decision: EndDecision | null = null;
  #isShown = false;
  #isWithheld = false;
  readonly #shown = Promise.withResolvers<void>();
  /** Resolves when it is shown to those who look at the session, or withheld from them. */
  readonly shown = this.#shown.promise;

  get isShown(): boolean {
    return this.#isShown;
  }

  /** Returns whether nobody knows here whether this is the end that counts. */
  get isWithheld(): boolean {
    return this.#isWithheld;
  }

  /** Notes that nobody knows here, for now, whether this is the end that counts. */
  withhold(): void {
    this.#isWithheld = true;
    this.#shown.resolve();
  }

  /** Notes that it is shown. Returns whether it was not before. */
  show(): boolean {
    const isFirst = !this.#isShown;
    this.#isShown = true;
    this.#isWithheld = false;
    this.#shown.resolve();
    return isFirst;
  }

  get decided(): boolean {
    return this.#decision !== null;
  }

  decide(decision: EndDecision): EndDecision {
    this.#decision ??= decision;
    return this.#decision;
  }

  /** Decides that it ends since its thread is ended by force. */
  decideKill({ reason, ...told }: ThreadKill): void {
    this.decide({ reason: this.killReason(reason), error: { name: "Error", ...told } });
  }

  /**
   * Returns the reason for which its thread is ended by force. A session that was asked to close for its memory, and
   * then does not close or stands still in garbage collection, ends as `out_of_memory`.
   */
  killReason(found: KillReason): KillReason {
    return this.closeReason === "out_of_memory" && slow.has(found) ? "out_of_memory" : found;
  }

  /** Returns the decision for a thread that ended unexpectedly: the one that was made before, or else one by this error. */
  ofDeath(error: Error): EndDecision {
    const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    if (outOfMemory) return this.#decision ?? { reason: "out_of_memory", error: plainError(error) };
    return this.#decision ?? { reason: "crashed", error: this.uncaught ?? plainError(error) };
  }

  /** Takes back the decision: the session goes on in another thread. */
  forgive(): void {
    this.#decision = this.error = this.uncaught = null;
  }

  /** Ends now. Returns the time, in epoch milliseconds. */
  complete(decision: EndDecision): number {
    const at = now();
    this.supersede(decision, at);
    return at;
  }

  /** Replaces the end by another one that had been reported before. */
  supersede({ reason, error }: EndDecision, at: number): void {
    this.reason = reason;
    this.error = error;
    this.at = at;
  }

  /** Forgets the stacks of the error that it ended of. */
  shrink(): void {
    if (this.error) this.error = withoutStacks(this.error);
    this.uncaught = null;
    if (this.#decision) this.#decision = { reason: this.#decision.reason, error: this.error };
  }
}
