import { availableParallelism, totalmem } from "node:os";
import { type Cgroup, readCgroup } from "../monitor/cgroup.ts";

const MiB = 2 ** 20;

/**
 * The figures that the default capacity is made of: judgements, on the careful side; set `maxConcurrentSessions` where
 * you measured better.
 */
export const capacityConstants = {
  /** The calls with audio that one core carries and still paces every 20 ms frame, with room for threads that start. */
  sessionsPerCpu: 10,
  /** The memory of a thread with all SDKs (44–58 MiB idle) and the state of its call, in bytes. */
  sessionBytes: 96 * MiB,
  /** The memory of the process before its first thread, with what V8 keeps after sessions ended, in bytes. */
  baseBytes: 256 * MiB,
  /**
   * The share of the memory that sessions may use. The load guard is up above it, so that no more would be admitted
   * anyway.
   */
  memoryShare: 0.8,
} as const;

export interface Limits {
  /** The number of CPUs, fractions allowed. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface Capacity {
  readonly sessions: number;
  /** A text for the log that says which limit decides, and what the other one would allow. */
  readonly explanation: string;
}

/**
 * Returns how many sessions this much CPU and memory can carry; at least 1.
 * @param sharedBytes The memory that a thread of the server takes once, for all sessions.
 */
export function deriveCapacity({ cpus, memoryBytes }: Limits, sharedBytes = 0): Capacity {
  const { sessionsPerCpu, sessionBytes, baseBytes, memoryShare } = capacityConstants;
  const byCpu = Math.max(1, Math.floor(cpus * sessionsPerCpu));
  const onceBytes = baseBytes + sharedBytes;
  const byMemory = Math.max(1, Math.floor((memoryBytes * memoryShare - onceBytes) / sessionBytes));
  const sessions = Math.min(byCpu, byMemory);
  const cpuText = `${plural(Number(cpus.toFixed(2)), "CPU")}`;
  const explanation =
    byCpu <= byMemory
      ? `${sessionsPerCpu} per CPU × ${cpuText}; memory would allow ${byMemory}`
      : `${sessionBytes / MiB} MiB each, in ${memoryShare * 100} % of ${Math.round(memoryBytes / MiB)} MiB ` +
        `less ${Math.round(onceBytes / MiB)} MiB; ${cpuText} would allow ${byCpu}`;
  return { sessions, explanation: `${plural(sessions, "session")}: ${explanation}` };
}

export interface LimitOptions {
  /** A limit that the operator set for this process, in MiB; null: none. */
  readonly memoryLimitMb?: number | null;
  /** The folder that takes the place of `/`, for tests. */
  readonly root?: string;
  /** The limits of the machine. Default: those of this one. */
  readonly machine?: Limits;
}

/** Returns the limits of this process: those of its control groups and its own, or else those of the machine. */
export function readLimits(options: LimitOptions = {}): Limits {
  const cgroup: Cgroup = readCgroup(options.root);
  const machine = options.machine ?? { cpus: availableParallelism(), memoryBytes: totalmem() };
  return {
    cpus: cpusWithin(machine.cpus, cgroup.cpuQuota),
    memoryBytes: Math.min(
      machine.memoryBytes,
      cgroup.memoryLimitBytes ?? Number.POSITIVE_INFINITY,
      (options.memoryLimitMb ?? Number.POSITIVE_INFINITY) * MiB,
    ),
  };
}

/**
 * Returns the exact number of CPUs. availableParallelism knows of pinned CPUs and of the quota, but rounds the quota to
 * a whole number: within one CPU of each other they are the same limit, and the quota is the exact one.
 */
function cpusWithin(parallelism: number, quota: number | null): number {
  return quota !== null && quota < parallelism + 1 ? quota : parallelism;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
