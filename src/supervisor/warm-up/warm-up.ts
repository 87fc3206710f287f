import type { ServerLog } from "../../log/log.ts";
import { pause } from "../../shared/back-off.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { AgentReport } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import { loggedError } from "../log-error.ts";
import { FailureRecord } from "../threads/failure-record.ts";
import type { Pool } from "../threads/pool.ts";
import { describeAgent } from "./agent-report.ts";
import { rehearse } from "./rehearsal.ts";

export interface WarmUpOptions {
  readonly pool: Pool;
  readonly createTimeoutMs: number;
  /** The longest wait for a thread, in milliseconds. */
  readonly threadWaitMs: number;
  /** The providers whose requests at a time are limited. */
  readonly limitedProviders: readonly string[];
  readonly log: ServerLog;
  /** Called with every measurement of any try. */
  readonly measured: (measurement: Measurement) => void;
}

/** Rehearses the agent, with growing pauses, until it succeeds. */
export class WarmUp {
  readonly #options: WarmUpOptions;
  readonly #stopping = new AbortController();
  readonly #reportListeners = new Set<(report: AgentReport) => void>();
  readonly #firstTry = Promise.withResolvers<void>();
  #failure: unknown;

  constructor(options: WarmUpOptions) {
    this.#options = options;
    // A rejection must not count as unhandled where nobody waits for it.
    this.#firstTry.promise.catch(() => undefined);
  }

  /** Returns the agent's own error of the last try that failed. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves where the first try succeeds. Rejects with the agent's own error where it does not, or with DRAINING. */
  get firstTry(): Promise<void> {
    return this.#firstTry.promise;
  }

  /**
   * Calls `listener` with the report of the rehearsal. Without a listener the log tells it. Returns a function that
   * removes the listener.
   */
  onRehearsed(listener: (report: AgentReport) => void): () => void {
    this.#reportListeners.add(listener);
    return () => this.#reportListeners.delete(listener);
  }

  /** Resolves with true once a try has succeeded, and with false where it was stopped. */
  async run(): Promise<boolean> {
    const done = await this.#rehearseUntilDone();
    if (done) this.#firstTry.resolve();
    else this.#firstTry.reject(new GreenroomError("DRAINING"));
    return done;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #rehearseUntilDone(): Promise<boolean> {
    const { pool, threadWaitMs, createTimeoutMs, log, measured } = this.#options;
    const { signal } = this.#stopping;
    const failureRecord = new FailureRecord();
    while (!signal.aborted) {
      try {
        const slot = await pool.wait(threadWaitMs);
        const report = await rehearse(slot, createTimeoutMs, measured);
        if (signal.aborted) return false;
        this.#rehearsed(report);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        // The pool rejects at once while the agent module cannot be imported, and makes its own pauses between tries.
        if (GreenroomError.is(error) && error.code === "AGENT_UNAVAILABLE") {
          this.#failed(error.cause);
          continue;
        }
        this.#failed(error);
        failureRecord.fail(error as Error);
        log.error(
          {
            event: "agent_warm_up_failed",
            err: loggedError(error),
            retry_in_ms: Math.round(failureRecord.pauseMs),
          },
          "The rehearsal of the agent failed",
        );
        await pause(failureRecord.pauseMs, { signal }).catch(() => undefined);
      }
    }
    return false;
  }

  #failed(error: unknown): void {
    this.#failure = error;
    this.#firstTry.reject(error);
  }

  #rehearsed(report: AgentReport): void {
    for (const listener of this.#reportListeners) listener(report);
    if (this.#reportListeners.size > 0) return;
    const { limitedProviders, log } = this.#options;
    for (const { level, fields, text } of describeAgent(report, limitedProviders))
      log[level]({ event: "agent_reported", ...fields }, text);
  }
}
