import { totalmem } from "node:os";
import { LoopLag } from "../../metrics/loop-lag.ts";
import { type Cgroup, readCgroup } from "./cgroup.ts";
import type { LoadGauge } from "./load-guard.ts";

export interface LoadGaugeOptions {
  /** The control groups to read. Default: those of this process. */
  readonly cgroup?: Cgroup;
  /** The memory of the machine, in bytes. Default: that of this one. */
  readonly machineMemoryBytes?: number;
  /** Called with every sample of the main loop's lateness, in milliseconds. */
  readonly onLoopLag?: (lagMs: number) => void;
}

/** Returns the gauges that the load guard of a server watches. */
export function systemGauges(options: LoadGaugeOptions = {}): readonly LoadGauge[] {
  const cgroup = options.cgroup ?? readCgroup();
  return [
    memoryGauge(cgroup, options.machineMemoryBytes ?? totalmem()),
    throttlingGauge(cgroup),
    eventLoopGauge(options.onLoopLag),
  ];
}

/**
 * Returns a gauge of the share of the memory limit in use. Where a control group sets the limit, the use of the whole
 * group counts, as it does for the kernel; else that of this process alone, against the machine.
 */
export function memoryGauge(cgroup: Cgroup, machineMemoryBytes: number): LoadGauge {
  const limitBytes = cgroup.memoryLimitBytes;
  const limited = limitBytes !== null && limitBytes < machineMemoryBytes;
  return {
    cause: "memory",
    raiseAt: 0.8,
    raiseAfter: 1,
    clearBelow: 0.75,
    clearAfter: 2,
    read() {
      if (!limited) return process.memoryUsage.rss() / machineMemoryBytes;
      const usedBytes = cgroup.memoryUsedBytes();
      return usedBytes === null ? null : usedBytes / limitBytes;
    },
  };
}

/**
 * Returns a gauge of the share of the time since the last reading in which the CPU quota kept threads from running,
 * summed over CPUs. Measured: under a tight quota one audio frame in ten is more than 40 ms late.
 */
export function throttlingGauge(cgroup: Cgroup, clock: () => number = () => performance.now()): LoadGauge {
  let last: { readonly at: number; readonly throttledMs: number } | undefined;
  return {
    cause: "cpu_throttled",
    raiseAt: 0.25,
    raiseAfter: 2,
    clearBelow: 0.1,
    clearAfter: 5,
    read() {
      const throttledMs = cgroup.throttledMs();
      if (throttledMs === null) return null;
      const before = last;
      last = { at: clock(), throttledMs };
      if (before === undefined || last.at <= before.at) return null;
      return Math.max(0, throttledMs - before.throttledMs) / (last.at - before.at);
    },
  };
}

/**
 * A gauge of the lateness of the agents' speech, told by their threads, in milliseconds: the worst since the last
 * reading.
 */
export class PacingGauge implements LoadGauge {
  readonly cause = "audio_pacing";
  // Beyond 40 ms the buffer of a browser runs dry, and the caller hears it.
  readonly raiseAt = 40;
  readonly raiseAfter = 3;
  readonly clearBelow = 20;
  readonly clearAfter = 5;
  #worstMs = 0;

  tell(p99Ms: number): void {
    this.#worstMs = Math.max(this.#worstMs, p99Ms);
  }

  read(): number {
    const worstMs = this.#worstMs;
    this.#worstMs = 0;
    return worstMs;
  }
}

/**
 * Returns a gauge of the lateness of the main loop, in milliseconds. A single delay does not count: it must last for
 * three readings.
 */
export function eventLoopGauge(onSample?: (lagMs: number) => void): LoadGauge {
  const lag = new LoopLag(onSample);
  return {
    cause: "event_loop",
    raiseAt: 250,
    raiseAfter: 3,
    clearBelow: 100,
    clearAfter: 5,
    read: () => lag.takeP99Ms(),
    start: () => lag.start(),
    stop: () => lag.stop(),
  };
}
