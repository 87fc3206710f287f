import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { Piscina } from "piscina";
import { DeadlineError } from "../../shared/deadline.ts";
import type { KillReason } from "../../shared/end-reasons.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { ThreadLogOptions } from "../../shared/protocol.ts";
import { FailureRecord } from "./failure-record.ts";
import type { SharedThreadsOfSlots } from "./shared-threads.ts";
import { Slot, type SlotState } from "./slot.ts";

export interface PoolOptions {
  readonly agentUrl: string;
  /** The most threads at a time. */
  readonly capacity: number;
  /** The number of threads that are kept warm while capacity is left. */
  readonly warmSessions: number;
  /** The longest time from the start of a thread until its agent module is imported, in milliseconds. */
  readonly threadStartTimeoutMs: number;
  /** The memory of a thread at which it is ended, in MiB. */
  readonly heapLimitMb: number;
  readonly messagesPerSecond: number;
  /** The providers whose requests are counted over all sessions. */
  readonly limitedProviders: readonly string[];
  readonly log: ThreadLogOptions;
  readonly environment: Readonly<Record<string, string>>;
  readonly shared: SharedThreadsOfSlots;
}

export interface PoolEvents {
  warm(startMs: number): void;
  startFailed(error: Error, retryInMs: number): void;
  /** Tells that a thread is about to be ended by force. */
  killed(reason: KillReason): void;
  /** Tells that a thread failed where no slot could be told. */
  error(error: unknown): void;
}

interface Waiter {
  readonly abandoned: () => boolean;
  readonly give: (slot: Slot) => void;
  readonly refuse: (error: GreenroomError) => void;
}

/**
 * The delay after which the reserve is refilled, in milliseconds: building a thread costs the main thread about a
 * millisecond, and that not in the tick that answers a start.
 */
const refillDelayMs = 100;
/**
 * The space for new objects of a thread, in MiB. V8 takes up to 48 of itself, and keeps them: a call that makes little garbage needs a
 * tenth of that. With 4 a warm thread holds 3 MiB less than with 8, and a talking call costs no more CPU.
 */
const youngGenerationMb = 4;
/**
 * The delay while another thread is warm, in milliseconds: building one takes a second of CPU, and on a machine of few cores the call
 * that has just begun needs it for its connection and its first words.
 */
const calmRefillDelayMs = 1_500;

/**
 * The warm reserve: slots that start before they are needed, and are handed out in order. One Piscina run is one slot
 * is at most one session. Piscina starts the thread, routes its errors to the run's promise and ends it on abort; its
 * queue, its drain and its own reserve are not used, since each of them loses or leaks long calls.
 */
export class Pool {
  readonly slots = new Set<Slot>();
  readonly #options: PoolOptions;
  readonly #events: PoolEvents;
  readonly #piscina: Piscina;
  readonly #waiters = new Set<Waiter>();
  #numbers = 0;
  readonly #failureRecord = new FailureRecord();
  readonly #onWhole: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The time at which the timer rings. */
  #fillAt = 0;
  #stopped = true;
  /** True while the process has too much to do. Threads then start one at a time: each takes CPU from live calls. */
  underLoad = false;

  constructor(options: PoolOptions, events: PoolEvents) {
    this.#options = options;
    this.#events = events;
    this.#piscina = new Piscina({
      // The extension is .cts in the clone and .cjs in the package.
      filename: new URL(
        `../../../workers/entry${extname(import.meta.url).replace(".", ".c")}`,
        import.meta.url,
      ).href,
      minThreads: 0,
      maxThreads: options.capacity,
      maxQueue: options.capacity,
      idleTimeout: 0,
      concurrentTasksPerWorker: 1,
      // The default would block the event loop of a warm thread.
      atomics: "disabled",
      recordTiming: false,
      // This limit is only a backstop. V8 may abort the whole process at it, so it lies above the limit at
      // which the memory guard acts.
      resourceLimits: {
        maxOldGenerationSizeMb: options.heapLimitMb * 2,
        maxYoungGenerationSizeMb: youngGenerationMb,
      },
      env: options.environment as never, // Piscina's type for it cannot be satisfied.
    });
    // Without a listener, an error of a thread that holds no run would end the process.
    this.#piscina.on("error", (error) => events.error(error));
  }

  start(): void {
    this.#stopped = false;
    this.#fill();
  }

  /** Returns the reason why no thread can be started at the moment, or null. */
  get failure(): Error | null {
    return this.#failureRecord.failing;
  }

  count(...states: SlotState[]): number {
    let count = 0;
    for (const slot of this.slots) if (states.includes(slot.state)) count += 1;
    return count;
  }

  byState(): Record<Exclude<SlotState, "gone">, number> {
    const counts = { starting: 0, warm: 0, running: 0, draining: 0, gone: 0 };
    for (const slot of this.slots) counts[slot.state] += 1;
    return counts;
  }

  /** Returns a warm slot in this very tick, if there is one and no start waits for it. */
  take(): Slot | undefined {
    if (this.#stopped || this.#waiters.size > 0) return undefined;
    // A thread that loads something ahead would take up its session late.
    const slot = this.#claim(({ loading }) => !loading) ?? this.#claim(() => true);
    if (slot) this.#fillLater(this.count("warm") > 0 ? calmRefillDelayMs : refillDelayMs);
    return slot;
  }

  #claim(fits: (slot: Slot) => boolean): Slot | undefined {
    for (const slot of this.slots) if (fits(slot) && slot.claim()) return slot;
    return undefined;
  }

  /**
   * Resolves with a warm slot as soon as there is one, first come first served. Rejects with NO_THREAD after `waitMs`,
   * and with START_ABANDONED where nobody waits for it any longer when it is there.
   */
  wait(waitMs: number, abandoned = () => false): Promise<Slot> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) {
        reject(new GreenroomError("DRAINING"));
        return;
      }
      const expire = () => {
        const cause = new DeadlineError(
          `The wait for a thread took longer than ${Math.round(waitMs)} ms`,
          "threadWaitTimeoutMs, --thread-wait-timeout-ms",
        );
        waiter.refuse(new GreenroomError("NO_THREAD", undefined, { cause }));
      };
      const timer = setTimeout(expire, waitMs);
      const settle = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        abandoned,
        give: (slot) => {
          settle();
          resolve(slot);
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      this.#fill();
    });
  }

  /** Resolves when the reserve is whole: as many threads are warm as are wanted and fit in. */
  whole(): Promise<void> {
    if (this.#isWhole) return Promise.resolve();
    return new Promise((resolve) => this.#onWhole.push(resolve));
  }

  /** Ends the threads that are not in a call, and starts no more of them. */
  stopFilling(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const waiter of this.#waiters) waiter.refuse(new GreenroomError("DRAINING"));
    for (const slot of this.slots) if (slot.state === "starting" || slot.state === "warm") slot.retire();
  }

  /** Ends every thread. Sessions are to be closed before. */
  async destroy(): Promise<void> {
    this.stopFilling();
    for (const slot of this.slots) slot.retire();
    await Promise.all([...this.slots].map((slot) => slot.ended));
    await this.#piscina.destroy();
  }

  get #wantsMore(): boolean {
    const wanted = this.#options.warmSessions + this.#waiters.size;
    return this.slots.size < this.#options.capacity && this.count("starting", "warm") < wanted;
  }

  get #isWhole(): boolean {
    return !this.#wantsMore && this.count("starting") === 0;
  }

  /** Fills the reserve after this time, unless it is filled sooner. */
  #fillLater(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.#timer !== undefined && this.#fillAt <= at) return;
    clearTimeout(this.#timer);
    this.#fillAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#fill();
    }, delayMs).unref();
  }

  #fill(): void {
    if (this.#stopped) return;
    if (this.#failureRecord.pauseMs > 0) {
      this.#fillLater(this.#failureRecord.pauseMs);
      return;
    }
    const atOnce = this.#failureRecord.failing || this.underLoad ? 1 : availableParallelism();
    while (this.#wantsMore && this.count("starting") < atOnce) this.#startSlot();
    if (this.#isWhole) for (const resolve of this.#onWhole.splice(0)) resolve();
  }

  #startSlot(): void {
    this.#numbers += 1;
    const slot = new Slot(
      {
        number: this.#numbers,
        agentUrl: this.#options.agentUrl,
        limitedProviders: this.#options.limitedProviders,
        log: this.#options.log,
        messagesPerSecond: this.#options.messagesPerSecond,
        shared: this.#options.shared,
        run: (boot, signal) => this.#piscina.run(boot, { signal, transferList: [boot.port] }),
        findThread: (threadId) => this.#piscina.threads.find((thread) => thread.threadId === threadId),
      },
      {
        killed: (reason) => this.#events.killed(reason),
        warm: (slot) => this.#warm(slot, timer),
        gone: (slot, error) => this.#gone(slot, error, timer),
      },
    );
    const { threadStartTimeoutMs } = this.#options;
    const option = "threadStartTimeoutMs, --thread-start-timeout-ms";
    const overdue = `The agent module was not imported within ${threadStartTimeoutMs} ms (${option})`;
    const timer = setTimeout(() => slot.retire(new Error(overdue)), threadStartTimeoutMs);
    this.slots.add(slot);
  }

  #warm(slot: Slot, timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#failureRecord.succeed();
    this.#events.warm(performance.now() - slot.startedAt);
    for (const waiter of this.#waiters)
      if (waiter.abandoned()) waiter.refuse(new GreenroomError("START_ABANDONED"));
    const [waiter] = this.#waiters;
    if (waiter && slot.claim()) waiter.give(slot);
    this.#fill();
  }

  #gone(slot: Slot, error: Error, timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.slots.delete(slot);
    if (slot.diedUnused && !this.#stopped) this.#failed(error);
    this.#fill();
  }

  /**
   * Notes that a thread failed before it had a session. The agent module is at fault, and the next thread would fail
   * likewise.
   */
  #failed(error: Error): void {
    // Threads that started together fail together: they count as one failure.
    if (this.#failureRecord.pauseMs > 0) return;
    this.#failureRecord.fail(error);
    this.#events.startFailed(error, this.#failureRecord.pauseMs);
    const retryAfterSeconds = Math.max(1, Math.ceil(this.#failureRecord.pauseMs / 1_000));
    for (const waiter of this.#waiters) {
      waiter.refuse(new GreenroomError("AGENT_UNAVAILABLE", undefined, { cause: error, retryAfterSeconds }));
    }
  }
}
