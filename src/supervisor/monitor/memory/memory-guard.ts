import type { Worker } from "node:worker_threads";
import type { ServerLog } from "../../../log/log.ts";
import { Pulse } from "../../../shared/protocol.ts";
import type { Slot } from "../../threads/slot.ts";
import { type Candidate, type Eater, findEater } from "./eater.ts";
import { firstMark, lastMark, memoryConstants } from "./memory-limits.ts";
import type { MemoryUse, ProcessMemory } from "./process-memory.ts";
import { heldBytes, type ThreadMemory } from "./thread-memory.ts";
import { UnexplainedMemory } from "./unexplained-memory.ts";

const MiB = 2 ** 20;

/** The memory of a thread of the server itself, which takes it once for all sessions. No session is ended for it. */
export interface SharedMemory {
  /** True while the memory of the process changes by it. */
  readonly settling: boolean;
  /** Ends the thread, to give back its memory, where that may be. Returns whether there was one. */
  shed?(): boolean;
}

export interface MemoryGuardOptions {
  readonly slots: ReadonlySet<Slot>;
  readonly memory: ProcessMemory;
  readonly threads: ThreadMemory;
  readonly heapSoftLimitMb: number;
  readonly shared: readonly SharedMemory[];
  readonly log: ServerLog;
  /** Called when a thread was ended, since the process had too little memory left. */
  readonly ended: () => void;
}

/** The longest time between two readings of the process' memory, in milliseconds. */
const slowestMs = 50;
/** The time between two readings where the memory may be full soon, in milliseconds. */
const fastestMs = 5;
/** The fastest growth that is reckoned with, in bytes per millisecond: 4 GiB a second. */
const fastestGrowth = (4 * 1_024 * MiB) / 1_000;
/** The time between two comparisons of the memory in use with what threads hold, in milliseconds. */
const accountMs = 1_000;
/** The growth of the process, in bytes, after which threads are asked again how much memory they hold. */
const worthALook = 48 * MiB;
/** The growth after which they are asked again where the process is nearly full, in bytes. */
const worthALookWhenFull = 4 * MiB;
/** The time between two questions while the process is nearly full and does not grow, in milliseconds. */
const fullMs = 200;
/** The longest time that the answers of threads are waited for, in milliseconds. */
const answersMs = 25;
/**
 * The time for each thread between two questions, in milliseconds. Asking one takes the main thread about 60 µs, a
 * tenth of that.
 */
const lookCostMs = 0.6;
/** The time that the memory of a thread takes to come back after its end, in milliseconds. */
const settleMs = 150;
/**
 * The time by which growth is carried forward, in milliseconds: a thread takes about that long to be found and ended.
 */
const horizonMs = 300;

/**
 * Returns the memory that a thread may hold where the process will be full at once, in bytes: the less is left, the
 * less.
 */
const allowedInHaste = ({ usedBytes, limitBytes }: MemoryUse): number =>
  Math.min(
    memoryConstants.sessionBytes,
    Math.max(memoryConstants.sessionBytes / 2, (limitBytes - usedBytes) / 3),
  );

/** Watches the memory of the whole process, and ends the thread that takes it before the kernel ends the process. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  readonly #trend = new UseTrend();
  readonly #unexplained = new UnexplainedMemory<Slot>();
  /** The threads that are being ended, with what they held; kept until their memory has had the time to come back. */
  readonly #ending = new Map<
    Slot,
    { readonly bytes: number; readonly known: boolean; goneAt: number | null }
  >();
  readonly #busy = new WeakMap<Slot, ReturnType<Worker["performance"]["eventLoopUtilization"]>>();
  #timer: NodeJS.Timeout | undefined;
  #accountedAt = Number.NEGATIVE_INFINITY;
  #looking = false;
  #look = { at: Number.NEGATIVE_INFINITY, usedBytes: 0 };
  /** The memory that stayed in use after a thread was ended. The allocator keeps it: it is no reason to end another. */
  #settledBytes = 0;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setTimeout(() => this.#tick(), fastestMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const at = performance.now();
    const use = this.#options.memory.read();
    this.#trend.add(at, use.usedBytes);
    this.#noticeEnding(use);
    this.#settle(at, use);
    const gapMs = Math.max(fastestMs, this.#options.slots.size * lookCostMs);
    const due = this.#isLookDue(at, use);
    if (due && !this.#looking && at - this.#look.at >= gapMs) void this.#lookAtThreads(at, use);
    else if (!due) this.#keepAccount(at, use);
    // The last look is compared with the least use since then, so that memory which was freed and is taken
    // again counts as growth.
    this.#look.usedBytes = Math.min(this.#look.usedBytes, use.usedBytes);
    const roomMs = (firstMark(use.limitBytes) - use.usedBytes) / fastestGrowth;
    const nextMs = Math.min(slowestMs, Math.max(fastestMs, roomMs / 2));
    this.#timer = setTimeout(() => this.#tick(), nextMs).unref();
  }

  get #settling(): boolean {
    return this.#options.shared.some(({ settling }) => settling);
  }

  #isLookDue(at: number, use: MemoryUse): boolean {
    if (this.#willBeFull(use)) return true;
    const full = use.usedBytes >= firstMark(use.limitBytes);
    const grown = use.usedBytes - this.#look.usedBytes;
    return grown > (full ? worthALookWhenFull : worthALook) || (full && at - this.#look.at > fullMs);
  }

  #willBeFull({ usedBytes, limitBytes }: MemoryUse): boolean {
    // A thread of the server takes much memory while it loads, and then stops growing.
    if (this.#settling) return usedBytes >= lastMark(limitBytes);
    return usedBytes + this.#trend.growth * horizonMs >= lastMark(limitBytes);
  }

  async #lookAtThreads(at: number, use: MemoryUse): Promise<void> {
    this.#looking = true;
    this.#look = { at, usedBytes: use.usedBytes };
    const { slots, threads } = this.#options;
    for (const slot of slots) this.#busyShare(slot);
    const answers = Promise.all([...slots].map((slot) => threads.read(slot)));
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise((resolve) => {
      timer = setTimeout(resolve, answersMs).unref();
    });
    await Promise.race([answers, waited]);
    clearTimeout(timer);
    this.#looking = false;
    if (this.#timer !== undefined) this.#judge();
  }

  #judge(): void {
    const { memory, heapSoftLimitMb } = this.#options;
    const use = memory.read();
    this.#noticeEnding(use);
    const unexplainedBytes = this.#unexplainedBytes(use);
    const endingBytes = this.#ending.values().reduce((sum, { bytes }) => sum + bytes, 0);
    const restBytes = use.usedBytes - endingBytes;
    // While a thread is being ended, the growth of the process is taken to be that thread's.
    const waiting = this.#ending.size > 0;
    const full = restBytes >= firstMark(use.limitBytes);
    const soon = !waiting && this.#willBeFull(use);
    if (!full && !soon) return;
    const softBytes = heapSoftLimitMb * MiB;
    const spared = Math.max(lastMark(use.limitBytes), (this.#settledBytes + use.limitBytes) / 2);
    const eater = findEater(this.#candidates(), {
      allowedBytes: soon ? Math.min(softBytes, allowedInHaste(use)) : softBytes,
      unexplainedBytes,
      last: restBytes >= spared,
      waiting,
    });
    if (eater === null) return;
    // A thread within its limit is not ended as long as memory that all sessions share can be freed.
    if (eater.bytes <= softBytes && this.#options.shared.some((thread) => thread.shed?.() === true)) return;
    this.#end(eater, use);
  }

  #candidates(): Candidate[] {
    const { slots, threads } = this.#options;
    return [...slots].flatMap((slot) => {
      if (slot.retired) return [];
      const holding = threads.of(slot);
      return {
        slot,
        heldBytes: holding === undefined ? 0 : heldBytes(holding),
        silentMs: threads.silentMs(slot),
        nestedWorkers: Atomics.load(slot.heartbeat, Pulse.nestedWorkers),
        busy: this.#busyShare(slot),
      };
    });
  }

  /**
   * Returns the share of the time since it was last asked that a thread was busy. One that still starts is busy with
   * that; one that has a session is the more likely one.
   */
  #busyShare(slot: Slot): number {
    if (!slot.thread) return 0.5;
    const loop = slot.thread.performance.eventLoopUtilization();
    const before = this.#busy.get(slot);
    this.#busy.set(slot, loop);
    const { utilization } = slot.thread.performance.eventLoopUtilization(loop, before);
    return slot.state === "starting" ? utilization / 2 : utilization;
  }

  #unexplainedBytes({ usedBytes }: MemoryUse): number {
    const { slots, threads } = this.#options;
    if (this.#settling) return this.#unexplained.settle();
    return this.#unexplained.look(usedBytes, new Map([...slots].map((slot) => [slot, threads.of(slot)])));
  }

  /**
   * Compares the memory in use with what threads hold. While there is enough of it, only threads that are not known yet
   * are asked.
   */
  #keepAccount(at: number, use: MemoryUse): void {
    if (at - this.#accountedAt < accountMs) return;
    this.#accountedAt = at;
    const { slots, threads } = this.#options;
    for (const slot of slots) if (!threads.of(slot)) void threads.read(slot);
    this.#unexplainedBytes(use);
  }

  #end({ slot, bytes, known }: Eater, { usedBytes, limitBytes }: MemoryUse): void {
    const [heldMb, usedMb, limitMb] = [bytes, usedBytes, limitBytes].map((one) => Math.round(one / MiB));
    const process = `while the process used ${usedMb} MiB of the ${limitMb} MiB that it may`;
    const message = known
      ? `The thread held ${heldMb} MiB of memory ${process}`
      : `The thread is the most likely to hold ${heldMb} MiB of memory that no thread accounts for, ${process}`;
    this.#options.log.error(
      {
        event: "thread_over_memory",
        slot: slot.number,
        held_mb: heldMb,
        known,
        used_mb: usedMb,
        limit_mb: limitMb,
      },
      "A thread takes too much memory, and is ended",
    );
    slot.kill({ reason: "out_of_memory", message });
    this.#ending.set(slot, { bytes, known, goneAt: null });
    this.#options.ended();
  }

  /** Notes which threads are being ended, whatever the cause, since their memory will come back. */
  #noticeEnding(use: MemoryUse): void {
    for (const slot of this.#options.slots) {
      if (!slot.retired || this.#ending.has(slot)) continue;
      const holding = this.#options.threads.of(slot);
      const bytes = holding === undefined ? 0 : heldBytes(holding);
      // Memory that no thread accounts for may belong to a thread that the watchdog ended.
      const unexplained = slot.killed ? this.#unexplainedBytes(use) : 0;
      const known = bytes >= unexplained;
      this.#ending.set(slot, { bytes: known ? bytes : unexplained, known, goneAt: null });
    }
  }

  /** Notes which threads are gone, and how much of their memory came back. */
  #settle(at: number, { usedBytes, limitBytes }: MemoryUse): void {
    for (const [slot, ending] of this.#ending) {
      if (slot.state === "gone") ending.goneAt ??= at;
      if (ending.goneAt === null || at - ending.goneAt < settleMs) continue;
      this.#ending.delete(slot);
      if (!ending.known) this.#unexplained.ended(ending.bytes);
      this.#settledBytes = usedBytes;
    }
    if (usedBytes < firstMark(limitBytes)) this.#settledBytes = 0;
  }
}

/** The time over which growth is measured, in milliseconds. */
const windowMs = 100;
const leastMs = 20;

/** Measures how fast the memory of the process grows. */
export class UseTrend {
  readonly #samples: { readonly at: number; readonly usedBytes: number }[] = [];

  add(at: number, usedBytes: number): void {
    this.#samples.push({ at, usedBytes });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= windowMs) this.#samples.shift();
  }

  /** Returns the growth in bytes per millisecond, over the last tenth of a second; 0 where the memory shrinks. */
  get growth(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < leastMs) return 0;
    return Math.max(0, (last.usedBytes - first.usedBytes) / (last.at - first.at));
  }
}
