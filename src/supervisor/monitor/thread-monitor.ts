import type { ServerLog } from "../../log/log.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import { now } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import type { FilledLauncherOptions } from "../launcher-options.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Pool } from "../threads/pool.ts";
import type { Slot } from "../threads/slot.ts";
import { PacingGauge, systemGauges } from "./load-gauges.ts";
import { LoadGuard } from "./load-guard.ts";
import { MemoryGuard, type SharedMemory } from "./memory/memory-guard.ts";
import { firstMark } from "./memory/memory-limits.ts";
import { type MemoryUse, ProcessMemory } from "./memory/process-memory.ts";
import { heldBytes, type ThreadHolding, ThreadMemory } from "./memory/thread-memory.ts";
import { Vitals } from "./vitals.ts";
import { Watchdog } from "./watchdog.ts";

export interface ThreadMonitorOptions {
  readonly options: FilledLauncherOptions;
  readonly sessions: Sessions;
  readonly pool: Pool;
  /** The memory of threads that all sessions share. */
  readonly shared: readonly SharedMemory[];
  readonly metrics: Metrics;
  readonly log: ServerLog;
}

/** Looks after running sessions and threads by the clock: heartbeat, memory, load, idle time, duration. */
export class ThreadMonitor {
  readonly loadGuard: LoadGuard;
  readonly #options: FilledLauncherOptions;
  readonly #sessions: Sessions;
  readonly #log: ServerLog;
  readonly #watchdog: Watchdog;
  readonly #vitals: Vitals;
  readonly #processMemory: ProcessMemory;
  readonly #memoryGuard: MemoryGuard;
  readonly #pacing = new PacingGauge();
  #maintenance: NodeJS.Timeout | undefined;

  constructor({ options, sessions, pool, shared, metrics, log }: ThreadMonitorOptions) {
    this.#options = options;
    this.#sessions = sessions;
    this.#log = log;
    this.#watchdog = new Watchdog({
      slots: pool.slots,
      unresponsiveAfterMs: options.unresponsiveAfterMs,
      createTimeoutMs: options.createTimeoutMs,
      found: (slot, blockedMs, frames, tools) => {
        const session_id = sessions.on(slot)?.id;
        log.error(
          { event: "thread_blocked", session_id, blocked_ms: Math.round(blockedMs), frames, tools },
          "A session thread is blocked",
        );
      },
    });
    const threads = new ThreadMemory((slot, holding) => this.#holds(slot, holding));
    this.#vitals = new Vitals({
      sessions: () => sessions.live(),
      memory: threads,
      cpuUsed: (ms) => metrics.threadCpu(ms / 1_000),
    });
    const { heapSoftLimitMb, memoryLimitMb } = options;
    this.#processMemory = new ProcessMemory({ limitBytes: memoryLimitMb && memoryLimitMb * 2 ** 20 });
    this.#memoryGuard = new MemoryGuard({
      slots: pool.slots,
      memory: this.#processMemory,
      threads,
      heapSoftLimitMb,
      shared,
      log,
      ended: () => this.loadGuard.check(),
    });
    this.loadGuard = new LoadGuard([
      ...systemGauges({ onLoopLag: (lagMs) => metrics.mainLoopLag(lagMs / 1_000) }),
      this.#pacing,
    ]);
    this.loadGuard.onChange((causes) => {
      pool.underLoad = causes.length > 0;
      log.warn(
        { event: "load_guard_changed", causes, readings: this.loadGuard.readings() },
        causes.length > 0
          ? "Starts are refused, since the process has too much to do"
          : "Starts are accepted again",
      );
    });
  }

  /** Takes a measurement of a session, which may show that the process is overloaded. */
  measured(measurement: Measurement): void {
    if (measurement.kind === "pacing") this.#pacing.tell(measurement.p99Ms);
  }

  /** Returns the memory that the process uses, and the most that it may use, in bytes. */
  memory(): MemoryUse {
    return this.#processMemory.read();
  }

  /** Returns the memory that the process may use more before threads are ended for it, in bytes; 0 where there is none. */
  roomBytes(): number {
    const { usedBytes, limitBytes } = this.#processMemory.read();
    return Math.max(0, firstMark(limitBytes) - usedBytes);
  }

  start(): void {
    this.#memoryGuard.start();
    this.#watchdog.start();
    this.#vitals.start();
    this.loadGuard.start();
    const { maintenanceIntervalMs } = this.#options;
    this.#maintenance = setInterval(() => this.#maintain(), maintenanceIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#maintenance);
    this.#memoryGuard.stop();
    this.#watchdog.stop();
    this.#vitals.stop();
    this.loadGuard.stop();
  }

  #maintain(): void {
    for (const session of this.#sessions.live()) this.#closeOverdue(session);
    this.#sessions.sweep();
  }

  /** Ends a session over its soft limit, or its thread alone, and ends a thread over the hard one, whichever session has it. */
  #holds(slot: Slot, holding: ThreadHolding): void {
    const { heapSoftLimitMb, heapLimitMb } = this.#options;
    const held_mb = Math.round(heldBytes(holding) / 2 ** 20);
    if (held_mb <= heapSoftLimitMb) return;
    if (held_mb > heapLimitMb) {
      const message = `The thread held ${held_mb} MiB of memory, more than ${heapLimitMb} (heapLimitMb, --heap-limit-mb)`;
      slot.kill({ reason: "out_of_memory", message });
      return;
    }
    const session = this.#sessions.on(slot);
    if (!session || session.state === "closing" || session.state === "ended") return;
    this.#log.warn(
      { event: "session_over_memory", session_id: session.id, held_mb },
      "A session is over its memory limit: its thread ends, or it is asked to close",
    );
    session.overMemory(
      `The thread held ${held_mb} MiB of memory, more than ${heapSoftLimitMb} (heapSoftLimitMb, --heap-soft-limit-mb)`,
    );
  }

  #closeOverdue(session: Session): void {
    const at = now();
    const { agentIdleTimeoutMs, maxSessionDurationMs } = this.#options;
    const { aloneSince, timeline } = session;
    // The wait for a thread has a deadline of its own, and is no part of the call.
    const lastedMs = at - (timeline.assignedAt ?? at);
    if (maxSessionDurationMs !== null && lastedMs > maxSessionDurationMs) session.close("max_duration");
    else if (agentIdleTimeoutMs > 0 && aloneSince !== null && at - aloneSince > agentIdleTimeoutMs) {
      session.close("idle");
    }
  }
}
