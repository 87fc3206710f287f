import type { DropReason } from "../log/dropped-lines.ts";
import type { SessionState } from "../protocol.ts";
import type { LoadCause, slotStates } from "./catalogue.ts";

export type SlotCounts = Readonly<Record<(typeof slotStates)[number], number>>;

/** The state of a session thread, seen from outside it. */
export interface ThreadVitals {
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** 0 idle … 1 busy all the time. */
  readonly eventLoopUtilization: number;
}

/** The source that the gauges read when they are asked for. Every call must be cheap: it runs in the main loop. */
export interface MetricsSource {
  /** Whether `/serving` says yes. */
  serving(): boolean;
  /** Whether `/ready` says yes. */
  ready(): boolean;
  readonly capacity: number;
  /** Threads the pool keeps warm. */
  readonly warmTarget: number;
  /** Ended sessions are not counted; a state may be missing. */
  sessionsByState(): Readonly<Partial<Record<SessionState, number>>>;
  slotsByState(): SlotCounts;
  /** Why the load guard is up; empty while it is quiet. */
  loadCauses(): readonly LoadCause[];
  /** Whether what the fleet shares can be reached, and how many other processes there are. */
  registry(): { readonly up: boolean; readonly peers: number };
  /** Ends of sessions that are not told yet, of all replicas, and since when the oldest waits, in epoch milliseconds. */
  endsWaiting(): { readonly count: number; readonly oldestSince: number | null };
  /** Log lines of this process that were dropped so far. */
  logLinesDropped(reason: DropReason): number;
  /** What the process uses of the memory that it may. */
  memory(): { readonly usedBytes: number; readonly limitBytes: number };
  /** The last known vitals of the running threads; null where nothing is known yet. */
  threads(): Iterable<ThreadVitals | null>;
}
