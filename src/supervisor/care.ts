import type { Logger } from "pino";
import type { Metrics } from "../metrics/prometheus.ts";
import { type Measurement, now } from "../protocol.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";
import { PacingGauge, systemGauges } from "./load-gauges.ts";
import { LoadGuard } from "./load-guard.ts";
import type { Pool } from "./pool.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { Vitals } from "./vitals.ts";
import { Watchdog } from "./watchdog.ts";

export interface CareOptions {
  readonly options: FilledLauncherOptions;
  readonly sessions: Sessions;
  readonly pool: Pool;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** All that looks after running sessions and threads by the clock: heartbeat, memory, load, idle time, duration. */
export class Care {
  readonly loadGuard: LoadGuard;
  readonly #options: FilledLauncherOptions;
  readonly #sessions: Sessions;
  readonly #log: Logger;
  readonly #watchdog: Watchdog;
  readonly #vitals: Vitals;
  readonly #pacing = new PacingGauge();
  #maintenance: NodeJS.Timeout | undefined;

  constructor({ options, sessions, pool, metrics, log }: CareOptions) {
    this.#options = options;
    this.#sessions = sessions;
    this.#log = log;
    this.#watchdog = new Watchdog({
      slots: pool.slots,
      unresponsiveAfterMs: options.unresponsiveAfterMs,
      createTimeoutMs: options.createTimeoutMs,
      found: (slot, blockedMs, frames) => {
        const session_id = sessions.on(slot)?.id;
        log.error({ session_id, blockedMs: Math.round(blockedMs), frames }, "a session thread is blocked");
      },
    });
    this.#vitals = new Vitals({
      sessions: () => sessions.live(),
      heapSoftLimitMb: options.heapSoftLimitMb,
      cpuUsed: (ms) => metrics.threadCpu(ms / 1_000),
      overSoftLimit: (session, heapBytes) => this.#overSoftLimit(session, heapBytes),
    });
    this.loadGuard = new LoadGuard([
      ...systemGauges({ onLoopLag: (lagMs) => metrics.mainLoopLag(lagMs / 1_000) }),
      this.#pacing,
    ]);
    this.loadGuard.onChange((causes) => {
      pool.underLoad = causes.length > 0;
      log.warn({ causes, readings: this.loadGuard.readings() }, "the load guard changed");
    });
  }

  /** What a session measured may say that the process has too much to do. */
  measured(measurement: Measurement): void {
    if (measurement.kind === "pacing") this.#pacing.tell(measurement.p99Ms);
  }

  start(): void {
    this.#watchdog.start();
    this.#vitals.start();
    this.loadGuard.start();
    const { maintenanceIntervalMs } = this.#options;
    this.#maintenance = setInterval(() => this.#maintain(), maintenanceIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#maintenance);
    this.#watchdog.stop();
    this.#vitals.stop();
    this.loadGuard.stop();
  }

  #maintain(): void {
    for (const session of this.#sessions.live()) this.#closeOverdue(session);
    this.#sessions.sweep();
  }

  /** Asked once; where the heap goes on growing, V8 would soon end more than this session. */
  #overSoftLimit(session: Session, heapBytes: number): void {
    const { heapSoftLimitMb, heapLimitMb } = this.#options;
    const heapMb = Math.round(heapBytes / 2 ** 20);
    if (heapMb > (heapSoftLimitMb + heapLimitMb) / 2) {
      session.slot?.condemn({
        reason: "out_of_memory",
        message: `The session held ${heapMb} MiB of heap (heapSoftLimitMb, heapLimitMb)`,
      });
    } else if (session.state !== "closing" && session.state !== "ended") {
      this.#log.warn({ session_id: session.id, heap_mb: heapMb }, "a session is over its memory limit");
      session.close("out_of_memory");
    }
  }

  #closeOverdue(session: Session): void {
    const at = now();
    const { agentIdleTimeoutMs, maxSessionDurationMs } = this.#options;
    const { aloneSince, startedAt } = session;
    if (maxSessionDurationMs !== null && at - startedAt > maxSessionDurationMs) session.close("max_duration");
    else if (agentIdleTimeoutMs > 0 && aloneSince !== null && at - aloneSince > agentIdleTimeoutMs) {
      session.close("idle");
    }
  }
}
