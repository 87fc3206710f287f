import { z } from "zod";
import type { ServeOptions } from "../control-plane/serve-options.ts";
import { GreenroomError } from "../shared/errors.ts";

/** The options for how the server serves, and how it shuts down. All times are in milliseconds. */
export interface RunnerOptions extends ServeOptions {
  /**
   * The time after SIGTERM for which starts are still accepted while `/ready` and `/serving` tell balancers to look
   * elsewhere, in milliseconds. Default 5,000; 0 on loopback while there is no call. Raise it to what your balancer
   * needs to notice; 0 where there is none.
   */
  readonly drainAnnounceMs?: number;
  /**
   * Then, how long running calls may go on before they are closed as `drained`. Default 15,000: together with the
   * announcement (5 s) and the grace of a close (5 s) that leaves 5 s of the 30 s that Kubernetes waits by default; the
   * last webhooks may take 10 s, and a last scrape of metrics with a port of their own 20 s more. Raise it, and
   * `terminationGracePeriodSeconds` with it, where calls should be heard to their end.
   */
  readonly drainTimeoutMs?: number;
}

export const drainDefaults = {
  drainAnnounceMs: 5_000,
  drainTimeoutMs: 15_000,
} as const satisfies RunnerOptions;

/** Timers of Node overflow beyond this and fire at once. */
const duration = z
  .int()
  .nonnegative()
  .max(2 ** 31 - 1);

const drainOptions = z.object({
  drainAnnounceMs: duration.default(drainDefaults.drainAnnounceMs),
  drainTimeoutMs: duration.default(drainDefaults.drainTimeoutMs),
});

export type DrainOptions = z.output<typeof drainOptions>;

/** The control plane knows only its own options, and refuses others. Throws INVALID_OPTIONS. */
export function splitOptions(options: RunnerOptions): {
  readonly http: ServeOptions;
  readonly drain: DrainOptions;
} {
  const { drainAnnounceMs, drainTimeoutMs, ...http } = options;
  const result = drainOptions.safeParse({ drainAnnounceMs, drainTimeoutMs });
  if (result.success) return { http, drain: result.data };
  const complaints = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new GreenroomError("INVALID_OPTIONS", complaints.join("; "));
}
