import type { SessionTimeline } from "../../api/session.ts";
import { within } from "../../shared/deadline.ts";
import { nextStates, now, type SessionState } from "../../shared/protocol.ts";
import type { EventLog } from "./event-log.ts";

/** The progress of a session: its state, of which its events tell, and the times of the steps of its start. */
export class SessionProgress {
  /** The time of its start, in epoch milliseconds. */
  readonly startedAt: number;
  readonly timeline: { -readonly [Step in keyof SessionTimeline]: SessionTimeline[Step] } = {
    assignedAt: null,
    enteredAt: null,
    createdAt: null,
    joinedAt: null,
    waitsMs: null,
  };
  readonly #events: EventLog;
  /** Resolves when the agent is in its call, or will never be. */
  #inCall = Promise.withResolvers<void>();
  #state: SessionState = "starting";

  /** @param before The time and the steps of its start, where it began in another process. */
  constructor(events: EventLog, before: Pick<SessionProgress, "startedAt" | "timeline"> | null) {
    this.#events = events;
    this.startedAt = before?.startedAt ?? now();
    if (before === null) {
      events.append({ type: "state", at: this.startedAt, state: this.#state });
      return;
    }
    Object.assign(this.timeline, before.timeline);
    this.#state = "resuming";
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Returns whether it was asked to close, or has ended. */
  get closes(): boolean {
    return this.#state === "closing" || this.#state === "ended";
  }

  /** Returns whether none of the agent's code has run for it. */
  get untouched(): boolean {
    return this.#state === "starting" && this.timeline.enteredAt === null;
  }

  assigned(): void {
    this.timeline.assignedAt = now();
  }

  entered(at: number): void {
    this.timeline.enteredAt = at;
  }

  created(at: number): void {
    this.timeline.createdAt = at;
    if (this.#state === "starting" || this.#state === "resuming") this.move("joining");
  }

  joined(at: number, waitsMs: number | null): void {
    Object.assign(this.timeline, { joinedAt: at, waitsMs });
    if (this.#state === "joining") this.move("live");
  }

  /** Notes that its thread has ended, and that another one takes up its call. */
  interrupted(): void {
    // Those who wait for it to join go on waiting.
    if (this.#state === "live") this.#inCall = Promise.withResolvers();
    if (this.#state !== "resuming") this.move("resuming");
  }

  /** Waits until the agent is in its call, or will never be, this many milliseconds at the most. */
  async waitForCall(waitMs: number): Promise<void> {
    if (waitMs > 0) await within(this.#inCall.promise, waitMs, "The agent's join").catch(() => undefined);
  }

  move(state: SessionState): void {
    const allowed: readonly SessionState[] = nextStates[this.#state];
    if (!allowed.includes(state)) throw new Error(`A session cannot go from ${this.#state} to ${state}`);
    this.#state = state;
    if (state === "live" || state === "closing" || state === "ended") this.#inCall.resolve();
    if (state !== "ended") this.#events.append({ type: "state", at: now(), state });
  }
}
