import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { posix } from "node:path";
import { type MemoryBound, memoryBounds } from "../cgroup.ts";

export interface MemoryUse {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

export interface ProcessMemoryOptions {
  /** A limit that the operator set for this process; null: none. */
  readonly limitBytes: number | null;
  /** The folder that takes the place of `/`, for tests. */
  readonly root?: string;
  readonly machineBytes?: number;
  /** Returns the resident memory of this process in bytes. */
  readonly residentBytes?: () => number;
}

/** The time for which the size of the file cache, or what the machine has left, is taken as known, in milliseconds. */
const knownForMs = 500;
/** The time for which it is taken as known where little memory is left, in milliseconds. */
const knownForMsWhenFull = 25;

/**
 * Reads how much memory this process uses and may use, as the kernel will judge it: by each control group above it that
 * has a limit, by the operator's own limit, and where there is neither by what the machine has left. The one that
 * leaves least counts.
 */
export class ProcessMemory {
  readonly #bounds: readonly Bound[];

  constructor(options: ProcessMemoryOptions) {
    const { root = "/", machineBytes = totalmem(), limitBytes } = options;
    const { residentBytes = () => process.memoryUsage.rss() } = options;
    const groups = memoryBounds(root).filter((group) => group.limitBytes < machineBytes);
    const bounds: Bound[] = groups.map((group) => new GroupBound(group));
    if (limitBytes !== null) bounds.push({ read: () => ({ usedBytes: residentBytes(), limitBytes }) });
    if (bounds.length === 0) bounds.push(new MachineBound(root, machineBytes, residentBytes));
    this.#bounds = bounds;
  }

  /** Returns the use and the limit. It takes some 20 µs. */
  read(): MemoryUse {
    return this.#bounds
      .map((bound) => bound.read())
      .reduce((tightest, use) => (left(use) < left(tightest) ? use : tightest));
  }
}

const left = ({ limitBytes, usedBytes }: MemoryUse): number => limitBytes - usedBytes;

interface Bound {
  read(): MemoryUse;
}

class GroupBound implements Bound {
  readonly #group: MemoryBound;
  #cacheBytes = 0;
  #knownAt = Number.NEGATIVE_INFINITY;

  constructor(group: MemoryBound) {
    this.#group = group;
  }

  read(): MemoryUse {
    const { limitBytes } = this.#group;
    const chargedBytes = this.#group.chargedBytes() ?? 0;
    const at = performance.now();
    const isFull = chargedBytes - this.#cacheBytes > limitBytes / 2;
    if (at - this.#knownAt > (isFull ? knownForMsWhenFull : knownForMs)) {
      this.#knownAt = at;
      this.#cacheBytes = this.#group.fileCacheBytes();
    }
    return { limitBytes, usedBytes: Math.max(0, chargedBytes - this.#cacheBytes) };
  }
}

/**
 * The least part of the machine that counts as the process' own. Where other processes take the rest, ending sessions
 * would not help.
 */
const leastShare = 0.25;

/** The limit of a machine without others: the memory that the process has, and what the machine could still give it. */
class MachineBound implements Bound {
  readonly #root: string;
  readonly #machineBytes: number;
  readonly #residentBytes: () => number;
  #limitBytes: number;
  #knownAt = Number.NEGATIVE_INFINITY;

  constructor(root: string, machineBytes: number, residentBytes: () => number) {
    this.#root = root;
    this.#limitBytes = this.#machineBytes = machineBytes;
    this.#residentBytes = residentBytes;
  }

  read(): MemoryUse {
    const usedBytes = this.#residentBytes();
    const at = performance.now();
    const isFull = usedBytes > this.#limitBytes / 2;
    if (at - this.#knownAt > (isFull ? knownForMsWhenFull : knownForMs)) {
      this.#knownAt = at;
      const availableBytes = this.#availableBytes();
      this.#limitBytes =
        availableBytes === null
          ? this.#machineBytes
          : Math.max(usedBytes + availableBytes, this.#machineBytes * leastShare);
    }
    return { limitBytes: this.#limitBytes, usedBytes };
  }

  /** Returns the memory that the machine has left, in bytes; null where there is no Linux. */
  #availableBytes(): number | null {
    try {
      const text = readFileSync(posix.join(this.#root, "proc/meminfo"), "utf8");
      const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) * 1_024;
    } catch {
      return null;
    }
  }
}
