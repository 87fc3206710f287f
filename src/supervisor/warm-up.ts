import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { GreenroomError } from "../errors.ts";
import type { AgentReport, Measurement } from "../protocol.ts";
import { BackOff } from "./back-off.ts";
import { loggedError } from "./log-error.ts";
import type { Pool } from "./pool.ts";
import { rehearse } from "./rehearsal.ts";

export interface WarmUpOptions {
  readonly pool: Pool;
  readonly createTimeoutMs: number;
  /** Longest wait for a thread, in milliseconds. */
  readonly threadWaitMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called for every try that failed, with the agent's own error. */
  readonly failed: (error: unknown) => void;
  /** Called for what is measured in any try. */
  readonly measured: (measurement: Measurement) => void;
  /** Called once, for the try that succeeded. */
  readonly rehearsed: (report: AgentReport) => void;
}

/** Rehearses the agent, with growing pauses, until it succeeds. False: it was aborted. */
export async function warmUp(options: WarmUpOptions): Promise<boolean> {
  const { pool, log, signal } = options;
  const backOff = new BackOff();
  while (!signal.aborted) {
    try {
      const slot = await pool.wait(options.threadWaitMs);
      const report = await rehearse(slot, options.createTimeoutMs, options.measured);
      if (signal.aborted) return false;
      options.rehearsed(report);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      // The pool refuses who waits when the agent module cannot be imported, and pauses by itself.
      if (GreenroomError.is(error) && error.code === "AGENT_UNAVAILABLE") {
        options.failed(error.cause);
        continue;
      }
      options.failed(error);
      backOff.fail(error as Error);
      log.error(
        { err: loggedError(error), retryInMs: Math.round(backOff.pauseMs) },
        "the agent failed its warm-up",
      );
      await sleep(backOff.pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return false;
}
