import type { z } from "zod";
import { Transcript, type TranscriptEntry } from "../../../../../client/transcript.ts";
import type { streamed } from "../../../../events/event-schemas.ts";
import { ApiError, ask, askJson } from "./api.ts";
import { EventFeed, type FeedState } from "./event-feed.ts";
import { onEachMoment } from "./fleet.ts";
import type { SessionView } from "./session-view.ts";
import { type CpuReading, cpuShare } from "./sessions.ts";
import { Store } from "./store.ts";

/** A session's stream has a comment each 15 s. */
const silenceMs = 45_000;
/** The time between two views of what has come, in milliseconds. */
const showMs = 40;
/** The longest time that a look at the session may take, in milliseconds, and the pause before the first one is tried again. */
const lookTimeoutMs = 5_000;
const againMs = 1_000;
/** The most that is kept and shown of each. */
const most = { words: 400, turns: 100, events: 200 };

export type SessionEvent = z.output<typeof streamed>;
export type Turn = Extract<SessionEvent, { type: "turn" }>;
export type End = Extract<SessionEvent, { type: "end" }>;
type Metrics = Extract<SessionEvent, { type: "metrics" }>["metrics"];

export interface ToldEvent {
  readonly key: number;
  readonly event: SessionEvent;
}

export interface SessionData {
  readonly feed: FeedState;
  /** Null until it was seen, and where it had ended by then. */
  readonly session: SessionView | null;
  readonly cpu: number | null;
  readonly words: readonly TranscriptEntry[];
  readonly turns: readonly Turn[];
  readonly events: readonly ToldEvent[];
  readonly metrics: Metrics | null;
  readonly end: End | null;
  /** Events before those shown are kept no more. */
  readonly hasGap: boolean;
}

/** One session: its events as they happen, and what its thread uses. */
export class SessionWatch {
  readonly data = new Store<SessionData>({
    feed: { name: "connecting" },
    session: null,
    cpu: null,
    words: [],
    turns: [],
    events: [],
    metrics: null,
    end: null,
    hasGap: false,
  });
  readonly #path: string;
  readonly #feed: EventFeed;
  readonly #closed = new AbortController();
  readonly #transcript = new Transcript();
  readonly #stopLooking: () => void;
  #isLooking = false;
  #cpuSeen: CpuReading | null = null;
  /** The events that are not shown yet. */
  #waiting: SessionEvent[] = [];
  #count = 0;

  constructor(id: string) {
    this.#path = `/sessions/${encodeURIComponent(id)}`;
    this.#feed = new EventFeed({
      path: `${this.#path}/events`,
      silenceMs,
      lastEvent: "end",
      state: (feed) => this.data.patch({ feed }),
      event: (_type, data) => {
        if (this.#waiting.push(data as SessionEvent) === 1) setTimeout(() => this.#show(), showMs);
      },
    });
    this.#stopLooking = onEachMoment(() => void this.#look());
    void this.#look();
    void this.#readMetrics();
  }

  close(): void {
    this.#feed.close();
    this.#stopLooking();
    this.#closed.abort();
  }

  tryNow(): void {
    this.#feed.tryNow();
  }

  /** Says something to the agent in text. Rejects with an {@link ApiError}. */
  async send(text: string): Promise<void> {
    await ask(`${this.#path}/messages`, { method: "POST", json: { text } });
  }

  /** Asks the session to close. Rejects with an {@link ApiError}. */
  async end(): Promise<void> {
    await ask(this.#path, { method: "DELETE" });
  }

  async #look(): Promise<void> {
    // Its stream tells the rest of a session that closes.
    if (this.#isLooking || this.data.value.end || this.data.value.session?.state === "closing") return;
    this.#isLooking = true;
    try {
      const session = await askJson<SessionView>(this.#path, {
        signal: this.#closed.signal,
        timeoutMs: lookTimeoutMs,
      });
      const seen = session.resources && { ms: session.resources.cpu_ms, at: performance.now() };
      const cpu = this.#cpuSeen && seen ? cpuShare(this.#cpuSeen, seen) : null;
      this.#cpuSeen = seen;
      this.data.patch({ session, cpu });
    } catch {
      // Its stream tells why: it has ended, may not be seen, or the server is away. A moment of the fleet may be long in coming.
      const { session, feed } = this.data.value;
      if (session === null && feed.name !== "refused" && !this.#closed.signal.aborted)
        setTimeout(() => void this.#look(), againMs);
    } finally {
      this.#isLooking = false;
    }
  }

  async #readMetrics(): Promise<void> {
    try {
      const { metrics } = await askJson<{ metrics: Metrics }>(`${this.#path}/metrics`, {
        signal: this.#closed.signal,
      });
      this.data.patch({ metrics: this.data.value.metrics ?? metrics });
    } catch (error) {
      // A caller who may not read them is shown none.
      if (!(error instanceof ApiError) && !this.#closed.signal.aborted) throw error;
    }
  }

  #show(): void {
    const { turns, events, ...before } = this.data.value;
    let { session, metrics, end, hasGap } = before;
    const newTurns: Turn[] = [];
    const newEvents: ToldEvent[] = [];
    for (const event of this.#waiting.splice(0)) {
      if (event.type === "transcript") this.#transcript.take({ ...event });
      else newEvents.push({ key: ++this.#count, event });
      if (event.type === "turn") newTurns.push(event);
      else if (event.type === "metrics") metrics = event.metrics;
      else if (event.type === "end") end = event;
      else if (event.type === "gap") hasGap = true;
      else if (event.type === "state" && session) session = { ...session, state: event.state };
    }
    this.data.patch({
      session,
      metrics,
      end,
      hasGap,
      words: this.#transcript.entries.slice(-most.words),
      turns: [...turns, ...newTurns].slice(-most.turns),
      events: [...events, ...newEvents].slice(-most.events),
    });
  }
}
