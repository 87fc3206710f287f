import { readFileSync } from "node:fs";
import { posix } from "node:path";

/**
 * The limits of the control groups that this process is in, version 2 or 1, and their use. A limit may be set on any
 * ancestor, and the tightest one counts. Everything is null where there is no limit, or no Linux.
 */
export interface Cgroup {
  readonly memoryLimitBytes: number | null;
  /** The CPUs that may be used, fractions allowed. */
  readonly cpuQuota: number | null;
  /** Returns the memory in use without the file cache that the kernel gives back first, in bytes. */
  memoryUsedBytes(): number | null;
  /**
   * Returns the time for which its threads were kept from running because the quota was used up, since the group
   * exists, in milliseconds.
   */
  throttledMs(): number | null;
}

/** Reads the control groups of this process. `root` takes the place of `/`, for tests. */
export function readCgroup(root = "/"): Cgroup {
  const memory = tightest(hierarchy(root, "memory"), memoryLimit);
  const cpu = tightest(hierarchy(root, "cpu"), cpuQuota);
  return {
    memoryLimitBytes: memory?.limit ?? null,
    cpuQuota: cpu?.limit ?? null,
    memoryUsedBytes: () => (memory === null ? null : memoryUsed(memory.group)),
    throttledMs: () => (cpu === null ? null : throttled(cpu.group)),
  };
}

/** A control group with a limit of memory that this process is in. */
export interface MemoryBound {
  readonly limitBytes: number;
  /** Returns all memory that the kernel charges to it, in bytes. */
  chargedBytes(): number | null;
  /**
   * Returns the part of it that the kernel takes back before it ends a process, in bytes: the cache of files. It takes
   * longer to read.
   */
  fileCacheBytes(): number;
}

/**
 * Returns every control group with a limit of memory: one that is wider may still be the first that is full, since
 * others share it.
 */
export function memoryBounds(root = "/"): readonly MemoryBound[] {
  const found = new Map<string, MemoryBound>();
  for (const group of hierarchy(root, "memory")) {
    const limitBytes = memoryLimit(group);
    if (limitBytes === null) continue;
    const total = group.version === 2 ? "" : "total_";
    found.set(group.directory, {
      limitBytes,
      chargedBytes: () => memoryCharged(group),
      fileCacheBytes() {
        const stat = read(posix.join(group.directory, "memory.stat"));
        return (field(stat, `${total}inactive_file`) ?? 0) + (field(stat, `${total}active_file`) ?? 0);
      },
    });
  }
  return [...found.values()];
}

interface Group {
  readonly version: 1 | 2;
  readonly directory: string;
}

/** Returns the group of this process and its ancestors. */
function hierarchy(root: string, controller: "memory" | "cpu"): Group[] {
  const lines = (read(posix.join(root, "proc/self/cgroup")) ?? "").split("\n").map((line) => {
    const [, id, controllers = "", path = "/"] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    return { id, controllers, path };
  });
  const mounts = posix.join(root, "sys/fs/cgroup");
  const legacy = lines.find((line) => line.controllers.split(",").includes(controller));
  if (legacy !== undefined) {
    // Docker shows the host's path but mounts the container's own group: a directory that is not there has no limit.
    return [legacy.controllers, controller].flatMap((mount) =>
      upwards(posix.join(mounts, mount), legacy.path).map(
        (directory) => ({ version: 1, directory }) as const,
      ),
    );
  }
  const unified = lines.find((line) => line.id === "0" && line.controllers === "");
  return upwards(mounts, unified?.path ?? "/").map((directory) => ({ version: 2, directory }) as const);
}

function upwards(mount: string, path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return parts.map((_, index) => posix.join(mount, ...parts.slice(0, parts.length - index))).concat(mount);
}

function tightest(groups: readonly Group[], limitOf: (group: Group) => number | null) {
  let found: { group: Group; limit: number } | null = null;
  for (const group of groups) {
    const limit = limitOf(group);
    if (limit !== null && limit < (found?.limit ?? Number.POSITIVE_INFINITY)) found = { group, limit };
  }
  return found;
}

/** The number from which on a limit is none: version 1 writes "no limit" as a number near 2⁶³. */
const noLimitBytes = 2 ** 60;

/**
 * The files that hold limits of memory. Version 2 may have a second limit, above which the kernel stops threads until
 * they have given memory back.
 */
const limitFiles = { 1: ["memory.limit_in_bytes"], 2: ["memory.max", "memory.high"] } as const;

function memoryLimit({ version, directory }: Group): number | null {
  const limits = limitFiles[version].map((file) => number(read(posix.join(directory, file))) ?? noLimitBytes);
  const limit = Math.min(...limits);
  return limit < noLimitBytes ? limit : null;
}

function memoryCharged({ version, directory }: Group): number | null {
  return number(read(posix.join(directory, version === 2 ? "memory.current" : "memory.usage_in_bytes")));
}

function memoryUsed(group: Group): number | null {
  const { version, directory } = group;
  const used = memoryCharged(group);
  if (used === null) return null;
  const stat = read(posix.join(directory, "memory.stat"));
  return Math.max(0, used - (field(stat, version === 2 ? "inactive_file" : "total_inactive_file") ?? 0));
}

function cpuQuota({ version, directory }: Group): number | null {
  const [quotaText, periodText] =
    version === 2
      ? (read(posix.join(directory, "cpu.max")) ?? "").trim().split(" ")
      : ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map((file) => read(posix.join(directory, file)));
  const quota = number(quotaText);
  const period = number(periodText);
  return quota !== null && quota > 0 && period !== null && period > 0 ? quota / period : null;
}

function throttled({ version, directory }: Group): number | null {
  const stat = read(posix.join(directory, "cpu.stat"));
  const value = field(stat, version === 2 ? "throttled_usec" : "throttled_time");
  return value === null ? null : value / (version === 2 ? 1e3 : 1e6);
}

/** Returns the number in the line `name value` of a flat keyed file; null where there is none. */
function field(text: string | undefined, name: string): number | null {
  return number(new RegExp(`^${name} (\\d+)$`, "m").exec(text ?? "")?.[1]);
}

function number(text: string | undefined): number | null {
  const trimmed = text?.trim() ?? "";
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : null;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
