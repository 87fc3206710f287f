import type { Worker } from "node:worker_threads";
import type { Session } from "./session.ts";

/** Reads what each session's thread uses, from outside, once a second; a thread that is asked need not cooperate. */
export interface VitalsOptions {
  readonly sessions: () => Iterable<Session>;
  /** V8 heap of a thread, in MiB, at which its session is asked to close as `out_of_memory`. */
  readonly heapSoftLimitMb: number;
  readonly overSoftLimit: (session: Session, heapBytes: number) => void;
  /** CPU time that was used since the last reading. */
  readonly cpuUsed: (ms: number) => void;
}

/** What a session's thread uses, seen from outside it. */
export interface SessionResources {
  readonly cpuMs: number;
  readonly heapBytes: number;
  /** Share of the last second that its event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: number;
}

/** A leak of 300 MB/s, the fastest seen in practice, grows by 150 MB between two readings. */
const intervalMs = 500;
/** Each interval the sessions are read in that many slices: a thousand at once block the main loop for 60 ms. */
const slices = 10;

type Utilization = ReturnType<Worker["performance"]["eventLoopUtilization"]>;

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
    const thread = session.slot?.thread;
    // A thread in a long native call answers late; it is not asked again meanwhile.
    if (!thread || this.#asked.has(session)) return;
    this.#asked.add(session);
    try {
      const utilization = thread.performance.eventLoopUtilization();
      const previous = this.#utilization.get(session);
      this.#utilization.set(session, utilization);
      const [cpu, heap] = await Promise.all([thread.cpuUsage(), thread.getHeapStatistics()]);
      const cpuMs = (cpu.user + cpu.system) / 1_000;
      this.#options.cpuUsed(cpuMs - (session.resources?.cpuMs ?? 0));
      session.resources = {
        cpuMs,
        heapBytes: heap.used_heap_size,
        eventLoopUtilization: share(
          thread.performance.eventLoopUtilization(utilization, previous).utilization,
        ),
      };
      if (heap.used_heap_size > this.#options.heapSoftLimitMb * 2 ** 20) {
        this.#options.overSoftLimit(session, heap.used_heap_size);
      }
    } catch {
      // The thread ended while it was asked.
    } finally {
      this.#asked.delete(session);
    }
  }
}

/** A difference of two readings that other threads take: it may lie a little beyond its bounds. */
export const share = (utilization: number): number =>
  Math.round(Math.min(1, Math.max(0, utilization)) * 1_000) / 1_000;
