import type { DropReason } from "../log/dropped-lines.ts";
import type { SessionState } from "../shared/protocol.ts";
import type { LoadCause, slotStates } from "./labels.ts";

export type SlotCounts = Readonly<Record<(typeof slotStates)[number], number>>;

/** The state of a session thread, seen from outside it. */
export interface ThreadVitals {
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** The share of its time that the loop is busy, from 0 (idle) to 1 (all the time). */
  readonly eventLoopUtilization: number;
}

/** The source of the values of gauges, read at each scrape. Every call must be cheap: it runs in the main loop. */
export interface MetricsSource {
  /** Returns whether `/serving` answers that it serves. */
  serving(): boolean;
  /** Returns whether `/ready` answers that it is ready. */
  ready(): boolean;
  readonly capacity: number;
  /** The number of threads that the pool keeps warm. */
  readonly warmTarget: number;
  /** Returns the number of sessions in each state. Ended sessions are not counted; a state may be missing. */
  sessionsByState(): Readonly<Partial<Record<SessionState, number>>>;
  slotsByState(): SlotCounts;
  /** Returns the reasons for which the load guard is active; none while it is not. */
  loadCauses(): readonly LoadCause[];
  /** Returns whether the registry can be reached, and how many other processes there are. */
  registry(): { readonly up: boolean; readonly peers: number };
  /**
   * Returns the number of ends of sessions that are not delivered yet, of all replicas, and the time since which the
   * oldest waits, in epoch milliseconds; null where there is none.
   */
  endsWaiting(): { readonly count: number; readonly oldestSince: number | null };
  /** Returns the number of log lines of this process that were dropped so far. */
  logLinesDropped(reason: DropReason): number;
  /** Returns the memory that the process uses, and the most that it may use, in bytes. */
  memory(): { readonly usedBytes: number; readonly limitBytes: number };
  /** Returns the last known vitals of the running threads; null where nothing is known yet. */
  threads(): Iterable<ThreadVitals | null>;
}
