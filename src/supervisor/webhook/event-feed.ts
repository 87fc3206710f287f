import { randomUUID } from "node:crypto";
import type { LoggedEvent, SessionEvent } from "../../api/session.ts";
import type { WebhookOutcome } from "../../metrics/labels.ts";
import { BackOff, pause } from "../../shared/back-off.ts";
import { within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";
import type { WebhookEvent } from "../../shared/session/webhook-events.ts";
import { toJson } from "../../shared/text/text.ts";
import type { Session } from "../session/session.ts";
import { eventJson } from "../wire/event-json.ts";
import { type EventBatch, EventQueue } from "./event-queue.ts";
import type { AttemptResult, WebhookAttempt } from "./webhook-attempt.ts";

/** The times of a feed, in milliseconds, and the number of events that are sent without a wait. */
export interface EventPace {
  /** The longest time that an event waits for others to go with it. */
  readonly batchMs: number;
  readonly sendAt: number;
  /** The longest time that an attempt may take until the status is known. */
  readonly attemptTimeoutMs: number;
  /** The wait before the second attempt; it doubles with each further one, and up to half of it is taken off at random. */
  readonly firstBackoffMs: number;
  /** The longest wait, a receiver's Retry-After included. */
  readonly longestBackoffMs: number;
  /** The time for which a message is tried. */
  readonly giveUpAfterMs: number;
  /** The time after the end of a session for which its last events are tried. */
  readonly lastMs: number;
  /** The time for which the message of a session's end waits for its last events. */
  readonly endWaitMs: number;
}

export interface EventFeedOptions {
  readonly session: Pick<Session, "id" | "callId" | "callType" | "events">;
  /** The id of the event behind which the feed begins. */
  readonly after: number;
  readonly wanted: ReadonlySet<WebhookEvent>;
  readonly pace: EventPace;
  readonly attempt: (message: Pick<WebhookAttempt, "id" | "body" | "abort">) => Promise<AttemptResult>;
  /** Tells the outcome of events. `what`: the last answer, or the reason. */
  readonly settled: (outcome: WebhookOutcome, events: number, what: string) => void;
  /** Tells that nothing more will come of it. */
  readonly over: () => void;
}

/**
 * Sends the wanted events of one session, in order, one message at a time. An event waits for others for a short time.
 * It ends with the session, and where the session goes on in another process.
 */
export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #queue: EventQueue;
  readonly #backOff: BackOff;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;
  #closes = false;
  #isBusy = false;
  /** True where the next message is sent without a wait. */
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  #last: NodeJS.Timeout | undefined;
  #attempt: AbortController | undefined;
  #pause: AbortController | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    const { session, after, pace } = options;
    this.#queue = new EventQueue(after);
    this.#backOff = new BackOff({
      firstMs: pace.firstBackoffMs,
      mostMs: pace.longestBackoffMs,
      jitter: [0.5, 1],
    });
    const known: LoggedEvent[] = [];
    let take = (entry: LoggedEvent): unknown => known.push(entry);
    const subscription = session.events.subscribe(
      after,
      (entry) => take(entry),
      () => this.close(),
    );
    this.#unsubscribe = subscription.unsubscribe;
    const gaps = [...subscription.gaps];
    for (const entry of known) {
      while (gaps[0] !== undefined && gaps[0].next <= entry.id) this.#queue.skip(gaps.shift()!.after);
      this.#take(entry);
    }
    for (const gap of gaps) this.#queue.skip(gap.after);
    take = (entry) => this.#take(entry);
  }

  get sessionId(): string {
    return this.#options.session.id;
  }

  /** Takes no more events, and sends those that wait at once. Events that are not delivered in time are dropped. */
  close(): void {
    if (this.#closes) return;
    this.#closes = true;
    this.#unsubscribe();
    this.#last = setTimeout(() => this.stop("dropped", "the session has ended"), this.#options.pace.lastMs);
    this.#last.unref();
    this.#pause?.abort();
    this.#schedule();
  }

  /** Closes it. Resolves when everything is sent or dropped, within this many milliseconds. Never rejects. */
  async finished(timeoutMs: number): Promise<void> {
    this.close();
    await within(this.#over.promise, timeoutMs, "The last events").catch(() => undefined);
  }

  /** Sends nothing more. Everything that waits has this outcome. */
  stop(outcome: WebhookOutcome, what: string): void {
    if (this.#isOver) return;
    this.#closes = true;
    this.#unsubscribe();
    this.#end();
    this.#attempt?.abort();
    this.#pause?.abort();
    const events = this.#queue.clear();
    if (events > 0) this.#options.settled(outcome, events, what);
  }

  #take(entry: LoggedEvent): void {
    if (this.#closes) return;
    if (entry.event.type === "end") {
      this.close();
      return;
    }
    const kind = kindOf(entry.event);
    if (kind === null || !this.#options.wanted.has(kind)) return;
    const dropped = this.#queue.push(entry);
    if (dropped > 0) this.#options.settled("dropped", dropped, "too many events wait");
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isOver || this.#isBusy || this.#isDue) return;
    if (this.#queue.size === 0 && !this.#closes) return;
    const { batchMs, sendAt } = this.#options.pace;
    this.#isDue = this.#closes || this.#queue.size >= sendAt;
    if (this.#isDue) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#send(), this.#isDue ? 0 : batchMs).unref();
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    this.#isDue = false;
    const batch = this.#queue.take();
    if (batch === null) {
      if (this.#closes) this.#end();
      return;
    }
    this.#isBusy = true;
    const { outcome, what } = await this.#deliver(batch);
    this.#isBusy = false;
    if (outcome !== "delivered") this.#queue.missed(batch);
    this.#options.settled(outcome, batch.events, what);
    // A last message that only told what is missing is not told of in turn.
    if (this.#closes && batch.events === 0) this.#end();
    this.#schedule();
  }

  async #deliver(batch: EventBatch): Promise<{ readonly outcome: WebhookOutcome; readonly what: string }> {
    const { attempt, pace } = this.#options;
    const id = `evt_${randomUUID()}`;
    const body = this.#text(batch);
    const until = performance.now() + pace.giveUpAfterMs;
    for (let attempts = 1; ; attempts += 1) {
      this.#attempt = new AbortController();
      const result = await attempt({ id, body, abort: this.#attempt });
      if (result.decision !== "again") return { outcome: result.decision, what: result.what };
      if (this.#isOver) return { outcome: "dropped", what: result.what };
      const wantedMs = Math.max(this.#backOff.pauseMs(attempts), result.retryAfterMs ?? 0);
      const pauseMs = Math.min(wantedMs, pace.longestBackoffMs);
      if (performance.now() + pauseMs > until) return { outcome: "failed", what: result.what };
      this.#pause = new AbortController();
      await pause(pauseMs, { signal: this.#pause.signal, ref: false }).catch(() => undefined);
      if (this.#isOver) return { outcome: "dropped", what: result.what };
    }
  }

  /** Returns the text of a message. */
  #text({ items }: EventBatch): string {
    const { id, callId, callType } = this.#options.session;
    const events = items.map((item) =>
      "event" in item
        ? { id: item.id, ...eventJson(item.event, "whole") }
        : { type: "gap", last_event_id: item.after, next_event_id: item.next },
    );
    return toJson({
      type: "session.events",
      timestamp: new Date(now()).toISOString(),
      data: { session_id: id, call_id: callId, call_type: callType, events },
    });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#last);
    this.#over.resolve();
    this.#options.over();
  }
}

/** Returns the kind by which an event is asked for; null for the end of a session, which has a message of its own. */
function kindOf(event: SessionEvent): WebhookEvent | null {
  if (event.type === "end" || (event.type === "state" && event.state === "ended")) return null;
  return event.type === "transcript" && !event.final ? "partial_transcript" : event.type;
}
