import type { Worker } from "node:worker_threads";
import type { Session } from "../session/session.ts";
import type { ThreadMemory } from "./memory/thread-memory.ts";

export interface VitalsOptions {
  readonly sessions: () => Iterable<Session>;
  readonly memory: ThreadMemory;
  /** Called with the CPU time that was used since the last reading, in milliseconds. */
  readonly cpuUsed: (ms: number) => void;
}

/**
 * The time between two readings of a session, in milliseconds. Where the process grows fast, the memory guard asks
 * threads sooner what they hold.
 */
const intervalMs = 500;
/**
 * The number of slices in which the sessions are read in each interval: a thousand at once block the main loop for 60
 * ms.
 */
const slices = 10;

type Utilization = ReturnType<Worker["performance"]["eventLoopUtilization"]>;

/** Reads what each session's thread uses, from outside, twice a second; the thread need not cooperate. */
export class Vitals {
  readonly #options: VitalsOptions;
  readonly #asked = new WeakSet<Session>();
  readonly #utilization = new WeakMap<Session, Utilization>();
  #timer: NodeJS.Timeout | undefined;
  #rounds = 0;
  #due: Session[] = [];
  #sliceSize = 0;

  constructor(options: VitalsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#readSlice(), intervalMs / slices).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #readSlice(): void {
    if (this.#rounds % slices === 0) {
      this.#due = [...this.#options.sessions()];
      this.#sliceSize = Math.ceil(this.#due.length / slices);
    }
    this.#rounds += 1;
    for (const session of this.#due.splice(0, this.#sliceSize)) void this.#read(session);
  }

  async #read(session: Session): Promise<void> {
    const { slot } = session;
    // A thread in a long native call answers late; it is not asked again meanwhile.
    if (!slot?.thread || this.#asked.has(session)) return;
    const { thread } = slot;
    this.#asked.add(session);
    try {
      const utilization = thread.performance.eventLoopUtilization();
      const previous = this.#utilization.get(session);
      this.#utilization.set(session, utilization);
      const [cpu, answer] = await Promise.all([thread.cpuUsage(), this.#options.memory.read(slot)]);
      // The memory guard may have asked at the same time.
      const holding = answer ?? this.#options.memory.of(slot);
      const cpuMs = (cpu.user + cpu.system) / 1_000;
      this.#options.cpuUsed(cpuMs - (session.resources?.cpuMs ?? 0));
      session.resources = {
        cpuMs,
        heapBytes: holding?.heapBytes ?? 0,
        externalBytes: holding ? holding.externalBytes + holding.nestedBytes : 0,
        eventLoopUtilization: share(
          thread.performance.eventLoopUtilization(utilization, previous).utilization,
        ),
      };
    } catch {
      // The thread ended while it was asked.
    } finally {
      this.#asked.delete(session);
    }
  }
}

/**
 * Returns the share that a difference of two readings stands for, rounded and within 0 to 1: other threads take the
 * readings, and it may lie a little beyond.
 */
export const share = (utilization: number): number =>
  Math.round(Math.min(1, Math.max(0, utilization)) * 1_000) / 1_000;
