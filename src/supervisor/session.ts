import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { GreenroomError, type PlainError, plainError } from "../errors.ts";
import type { SessionMetricsSnapshot } from "../metrics/catalogue.ts";
import { SessionMetrics } from "../metrics/session-metrics.ts";
import {
  type AgentEvent,
  type CloseReason,
  type EndReason,
  type FromThread,
  type InMemoryCall,
  type JsonObject,
  type JsonValue,
  type Measurement,
  nextStates,
  now,
  type SessionState,
} from "../protocol.ts";
import { EventLog } from "./event-log.ts";
import type { Permits } from "./permits.ts";
import type { Condemnation, Slot, SlotHolder } from "./slot.ts";
import { Transcript } from "./transcript.ts";

export interface SessionIdentity {
  readonly callId: string;
  readonly callType: string;
  readonly config: JsonObject;
  /** Who started it: the value of `getCurrentUser`, or null. */
  readonly createdBy: JsonValue;
  /** The call takes place in memory. */
  readonly inMemory: InMemoryCall | null;
}

export interface SessionDeadlines {
  /** Longest time that `createAgent` may take, in milliseconds. */
  readonly createTimeoutMs: number;
  /** How long a session that was asked to close may take, in milliseconds. */
  readonly closeGraceMs: number;
}

/** What a session tells its supervisor, and what it shares with the others. */
export interface SessionListener {
  readonly permits: Permits<Session>;
  measured(measurement: Measurement): void;
  joined(): void;
  ended(session: Session): void;
}

/** What a session's thread uses, seen from outside it. */
export interface SessionResources {
  readonly cpuMs: number;
  readonly heapBytes: number;
  /** Share of the last second that its event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: number;
}

/** Epoch milliseconds of the steps of a start; null until reached. */
export interface SessionTimeline {
  assignedAt: number | null;
  enteredAt: number | null;
  createdAt: number | null;
  joinedAt: number | null;
}

interface Verdict {
  readonly reason: EndReason;
  readonly error: PlainError | null;
}

/** Messages that may wait for the agent. */
const longestMessageQueue = 32;
/** Metrics events are at least this far apart, in milliseconds. */
const metricsIntervalMs = 1_000;

/** One call, as the main thread knows it. It ends exactly once, with exactly one reason, after its thread is gone. */
export class Session implements SlotHolder {
  readonly id = randomUUID();
  readonly callId: string;
  readonly callType: string;
  readonly config: JsonObject;
  readonly createdBy: JsonValue;
  readonly startedAt = now();
  readonly metrics = new SessionMetrics();
  readonly events = new EventLog();
  readonly timeline: SessionTimeline = { assignedAt: null, enteredAt: null, createdAt: null, joinedAt: null };
  /** Resolves when the session has ended and its thread is gone. */
  readonly ended: Promise<void>;
  readonly transcript: Transcript | null;
  resources: SessionResources | null = null;
  /** Since when the agent is alone in the call, in epoch milliseconds; null while somebody is there. */
  aloneSince: number | null = null;

  readonly #inMemory: InMemoryCall | null;
  readonly #deadlines: SessionDeadlines;
  readonly #listener: SessionListener;
  readonly #resolveEnded: () => void;
  #state: SessionState = "starting";
  #slot: Slot | null = null;
  #verdict: Verdict | null = null;
  #closeReason: CloseReason | null = null;
  #closeRequestedBy: string | null = null;
  #endReason: EndReason | null = null;
  #error: PlainError | null = null;
  #endedAt: number | null = null;
  #pendingMessages = 0;
  #start: PromiseWithResolvers<"created" | "dead on arrival"> | null = null;
  #createTimer: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #metricsTimer: NodeJS.Timeout | undefined;
  #toldMetrics: SessionMetricsSnapshot | null = null;

  constructor(
    identity: SessionIdentity,
    deadlines: SessionDeadlines,
    listener: SessionListener,
    keepTranscript: boolean,
  ) {
    this.callId = identity.callId;
    this.callType = identity.callType;
    this.config = identity.config;
    this.createdBy = identity.createdBy;
    this.#inMemory = identity.inMemory;
    this.#deadlines = deadlines;
    this.#listener = listener;
    this.transcript = keepTranscript ? new Transcript() : null;
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.#resolveEnded = ended.resolve;
    this.events.append({ type: "state", at: this.startedAt, state: this.#state });
  }

  get state(): SessionState {
    return this.#state;
  }
  get endReason(): EndReason | null {
    return this.#endReason;
  }
  get endedAt(): number | null {
    return this.#endedAt;
  }
  /** What it ended of, where that was an error. */
  get error(): PlainError | null {
    return this.#error;
  }
  get closeRequestedBy(): string | null {
    return this.#closeRequestedBy;
  }
  get slot(): Slot | null {
    return this.#slot;
  }

  /**
   * Gives the session its thread. Resolves `created` once `createAgent` has returned, or `dead on arrival` where the
   * thread died before any of the agent's code ran: another one may be tried. Rejects when the start failed.
   */
  play(slot: Slot): Promise<"created" | "dead on arrival"> {
    this.#slot = slot;
    this.#start = Promise.withResolvers();
    this.timeline.assignedAt = now();
    const { createTimeoutMs } = this.#deadlines;
    clearTimeout(this.#createTimer);
    this.#createTimer = setTimeout(() => this.#createOverdue(createTimeoutMs), createTimeoutMs);
    const { id: sessionId, callId, callType, config } = this;
    const inMemory = this.#inMemory;
    slot.assign({ sessionId, callId, callType, config, inMemory, rehearsal: false }, this);
    return this.#start.promise;
  }

  /** No thread could be had that lives. */
  abandon(error: unknown): void {
    this.#verdict ??= { reason: "start_failed", error: plainError(error) };
    this.#end(this.#verdict);
  }

  /** Asks the agent to leave, and ends its thread where it does not within the grace. The first reason counts. */
  close(reason: CloseReason, requestedBy: string | null = null): void {
    if (this.#state === "closing" || this.#state === "ended") return;
    this.#closeReason = reason;
    this.#closeRequestedBy = requestedBy;
    this.#move("closing");
    if (!this.#slot) {
      this.#end({ reason, error: null });
      return;
    }
    this.#slot.draining();
    this.#slot.send({ type: "close", reason });
    const { closeGraceMs } = this.#deadlines;
    this.#graceTimer = setTimeout(
      () => this.kill(`The agent ignored the close for ${closeGraceMs} ms`),
      closeGraceMs,
    );
  }

  /** Ends the thread without asking. */
  kill(why: string): void {
    this.#decide({ reason: "killed", error: { name: "Error", message: why } });
  }

  /** Hands the agent what a participant typed; it is taken in order. Returns the message's id. */
  send(message: { readonly text: string; readonly participantId: string }): string {
    if (this.#state === "closing" || this.#state === "ended") throw new GreenroomError("SESSION_CLOSING");
    if (this.#pendingMessages >= longestMessageQueue) throw new GreenroomError("MESSAGE_QUEUE_FULL");
    const messageId = randomUUID();
    this.#pendingMessages += 1;
    this.aloneSince = null;
    this.#slot?.send({ type: "message", message: { messageId, ...message } });
    return messageId;
  }

  message(message: FromThread): void {
    switch (message.type) {
      case "entered":
        this.timeline.enteredAt = message.at;
        break;
      case "created":
        this.timeline.createdAt = message.at;
        clearTimeout(this.#createTimer);
        if (this.#state === "starting") this.#move("joining");
        this.#start?.resolve("created");
        break;
      case "joined":
        this.timeline.joinedAt = message.at;
        if (this.#state === "joining") this.#move("live");
        this.#listener.joined();
        break;
      case "presence":
        this.aloneSince = message.aloneSince;
        break;
      case "event":
        this.#happened(message.event);
        break;
      case "measured":
        this.metrics.record(message.measurement);
        this.#listener.measured(message.measurement);
        // Sound that is given to a recogniser comes every second: alone it is no news.
        if (message.measurement.kind !== "stt" || message.measurement.latencyMs !== null)
          this.#announceMetrics();
        break;
      case "ended":
        this.#decide({ reason: this.#closeReason ?? "finished", error: this.#error });
        break;
      case "failed": {
        const reason = this.#closeReason ?? (message.stage === "join" ? "failed" : "start_failed");
        this.#decide({ reason, error: message.error });
        break;
      }
      case "permit_wanted":
        this.#listener.permits.want(this, message.provider, message.permit, () =>
          this.#slot?.send({ type: "permit", permit: message.permit }),
        );
        break;
      case "permit_returned":
        this.#listener.permits.giveBack(this, message.permit);
        break;
      case "warm":
      case "rehearsed":
        break;
      default:
        message satisfies never;
    }
  }

  condemned(verdict: Condemnation): void {
    // A thread that stood still before it saw the session is no fault of the session.
    if (this.#untouched) return;
    this.#verdict ??= { reason: verdict.reason, error: { name: "Error", message: verdict.message } };
  }

  gone(error: Error): void {
    this.#slot = null;
    if (!this.#verdict && this.#untouched) {
      clearTimeout(this.#createTimer);
      this.#start?.resolve("dead on arrival");
      return;
    }
    const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    this.#end(
      this.#verdict ?? { reason: outOfMemory ? "out_of_memory" : "crashed", error: plainError(error) },
    );
  }

  /** None of the agent's code has run for it. */
  get #untouched(): boolean {
    return this.#state === "starting" && this.timeline.enteredAt === null;
  }

  #happened(event: AgentEvent): void {
    if (event.type === "transcript") {
      if (event.messageId !== undefined && event.final) this.#pendingMessages -= 1;
      this.transcript?.add(event);
    }
    this.events.append(event);
  }

  #createOverdue(afterMs: number): void {
    this.#error = { name: "DeadlineError", message: `createAgent took longer than ${afterMs} ms` };
    this.close("start_failed");
    this.#start?.reject(new GreenroomError("START_FAILED", undefined, { cause: this.#error }));
  }

  /** The verdict is set before the thread is ended: the rejection of its run only means that it is gone. */
  #decide(verdict: Verdict): void {
    this.#verdict ??= verdict;
    if (this.#slot) this.#slot.retire();
    else this.#end(this.#verdict);
  }

  #move(state: SessionState): void {
    const allowed: readonly SessionState[] = nextStates[this.#state];
    if (!allowed.includes(state)) throw new Error(`A session cannot go from ${this.#state} to ${state}`);
    this.#state = state;
    if (state !== "ended") this.events.append({ type: "state", at: now(), state });
  }

  #announceMetrics(): void {
    this.#metricsTimer ??= setTimeout(() => {
      this.#metricsTimer = undefined;
      this.#tellMetrics();
    }, metricsIntervalMs).unref();
  }

  /** Where a figure has changed since they were told. */
  #tellMetrics(): void {
    const metrics = this.metrics.snapshot();
    if (isDeepStrictEqual(metrics, this.#toldMetrics)) return;
    this.#toldMetrics = metrics;
    this.events.append({ type: "metrics", at: now(), metrics });
  }

  #end(verdict: Verdict): void {
    if (this.#state === "ended") return;
    clearTimeout(this.#createTimer);
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#metricsTimer);
    this.#move("ended");
    this.#endReason = verdict.reason;
    this.#error = verdict.error;
    this.#endedAt = now();
    this.#tellMetrics();
    this.events.append({ type: "state", at: this.#endedAt, state: "ended" });
    this.events.append({ type: "end", at: this.#endedAt, reason: verdict.reason });
    this.#start?.promise.catch(() => undefined);
    this.#start?.reject(
      new GreenroomError(verdict.reason === "drained" ? "DRAINING" : "START_FAILED", undefined, {
        cause: verdict.error,
      }),
    );
    this.#listener.ended(this);
    this.#resolveEnded();
  }
}
