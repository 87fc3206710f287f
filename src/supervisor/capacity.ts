import { availableParallelism, totalmem } from "node:os";
import { type Cgroup, readCgroup } from "./cgroup.ts";

const MiB = 2 ** 20;

/** What the default capacity is made of: judgements, on the careful side; set `maxConcurrentSessions` where you measured better. */
export const capacityConstants = {
  /** Calls with audio that one core carries and still paces every 20 ms frame, with room for threads that start. */
  sessionsPerCpu: 10,
  /** A thread with all SDKs (44–58 MiB idle) and the state of its call. */
  sessionBytes: 96 * MiB,
  /** The process before its first thread, and what V8 keeps after sessions ended. */
  baseBytes: 256 * MiB,
  /** The load guard is up above it, so sessions beyond would not be admitted anyway. */
  memoryShare: 0.8,
} as const;

export interface Limits {
  /** Fractions allowed. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface Capacity {
  readonly sessions: number;
  /** For the log: what it comes from, and what the other limit would allow. */
  readonly explanation: string;
}

/** How many sessions this much CPU and memory can carry; at least 1. */
export function deriveCapacity({ cpus, memoryBytes }: Limits): Capacity {
  const { sessionsPerCpu, sessionBytes, baseBytes, memoryShare } = capacityConstants;
  const byCpu = Math.max(1, Math.floor(cpus * sessionsPerCpu));
  const byMemory = Math.max(1, Math.floor((memoryBytes * memoryShare - baseBytes) / sessionBytes));
  const sessions = Math.min(byCpu, byMemory);
  const cpuText = `${plural(Number(cpus.toFixed(2)), "CPU")}`;
  const explanation =
    byCpu <= byMemory
      ? `${sessionsPerCpu} per CPU × ${cpuText}; memory would allow ${byMemory}`
      : `${sessionBytes / MiB} MiB each, in ${memoryShare * 100} % of ${Math.round(memoryBytes / MiB)} MiB ` +
        `less ${baseBytes / MiB} MiB; ${cpuText} would allow ${byCpu}`;
  return { sessions, explanation: `${plural(sessions, "session")}: ${explanation}` };
}

export interface LimitOptions {
  /** A limit that the operator set for this process, in MiB; null: none. */
  readonly memoryLimitMb?: number | null;
  /** Takes the place of `/`, for tests. */
  readonly root?: string;
  /** Default: this one. */
  readonly machine?: Limits;
}

/** What this process may use: the limits of its control groups and its own, or else the machine. */
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
 * availableParallelism knows of pinned CPUs and of the quota, but rounds the quota to a whole number: within one CPU of
 * each other they are the same limit, and the quota is the exact one.
 */
function cpusWithin(parallelism: number, quota: number | null): number {
  return quota !== null && quota < parallelism + 1 ? quota : parallelism;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
