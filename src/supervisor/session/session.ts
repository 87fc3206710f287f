import { randomUUID } from "node:crypto";
import type { SessionResources } from "../../api/session.ts";
import { SessionMetrics } from "../../metrics/session-metrics.ts";
import type { AgentEvent } from "../../shared/agent-event.ts";
import { within } from "../../shared/deadline.ts";
import { type CloseReason, type EndReason, endReasons } from "../../shared/end-reasons.ts";
import { GreenroomError, type PlainError, plainError } from "../../shared/errors.ts";
import {
  type FromThread,
  type InMemoryCall,
  type JsonObject,
  type JsonValue,
  type LeaveData,
  nextStates,
  now,
  type SessionAnswer,
  type SessionQuestion,
  type SessionState,
} from "../../shared/protocol.ts";
import type { Slot, SlotHolder, ThreadKill } from "../threads/slot.ts";
import { EventLog } from "./event-log.ts";
import { MetricsEvents } from "./metrics-events.ts";
import { Questions } from "./questions.ts";
import { type Created, Creation, createOverdueText, newTimeline } from "./session-creation.ts";
import { type EndDecision, SessionEnd } from "./session-end.ts";
import type { SessionDeadlines, SessionIdentity, SessionListener } from "./session-options.ts";
import { Transcript } from "./transcript.ts";
import { TypedMessages } from "./typed-messages.ts";

/**
 * One call, as the main thread knows it. It ends exactly once, with exactly one reason, after its thread is gone. Its
 * end is visible to others once it is shown: see {@link Session.showEnd}.
 */
export class Session implements SlotHolder {
  readonly id = randomUUID();
  readonly callId: string;
  readonly callType: string;
  /** The `config` of its start, for the agent; empty once its end is shown, since ended sessions are kept for a while. */
  config: JsonObject;
  readonly createdBy: JsonValue;
  readonly startedAt = now();
  readonly metrics = new SessionMetrics();
  readonly events = new EventLog();
  readonly timeline = newTimeline();
  transcript: Transcript | null;
  resources: SessionResources | null = null;
  /** The time since which the agent is alone in the call, in epoch milliseconds; null while somebody is there. */
  aloneSince: number | null = null;

  readonly #inMemory: InMemoryCall | null;
  readonly #deadlines: SessionDeadlines;
  #listener: SessionListener<Session> | null;
  readonly #creation: Creation;
  readonly #typed = new TypedMessages();
  readonly #metricsEvents = new MetricsEvents(this.events, this.metrics);
  readonly #questions = new Questions();
  readonly #ending = new SessionEnd();
  /** Resolves when the agent is in its call, or will never be. */
  readonly #inCall = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  /** Resolves when the session has ended and its thread is gone. */
  readonly ended = this.#over.promise;
  readonly #endShown = Promise.withResolvers<void>();
  /** Resolves when its end is shown. */
  readonly endShown = this.#endShown.promise;
  #isEndShown = false;
  #state: SessionState = "starting";
  #slot: Slot | null = null;
  /** The data for leaving its call, which hold secrets. */
  #leaveData: LeaveData | null = null;
  /** Tells that the call is to be left. It is kept by itself, since the session may end before its thread is gone. */
  #leaveOnBehalf: SessionListener<Session>["leaveData"] | null;
  #graceTimer: NodeJS.Timeout | null = null;

  constructor(
    identity: SessionIdentity,
    deadlines: SessionDeadlines,
    listener: SessionListener<Session>,
    keepTranscript: boolean,
  ) {
    this.callId = identity.callId;
    this.callType = identity.callType;
    this.config = identity.config;
    this.createdBy = identity.createdBy;
    this.#inMemory = identity.inMemory;
    this.#deadlines = deadlines;
    this.#listener = listener;
    this.#leaveOnBehalf = listener.leaveData;
    this.#creation = new Creation(deadlines.createTimeoutMs, (afterMs) => this.#createOverdue(afterMs));
    this.transcript = keepTranscript ? new Transcript() : null;
    this.events.append({ type: "state", at: this.startedAt, state: this.#state });
  }

  get state(): SessionState {
    return this.#state;
  }
  /** Returns its state as others see it: it is `closing` until its end is shown. */
  get shownState(): SessionState {
    return this.#state === "ended" && !this.#isEndShown ? "closing" : this.#state;
  }
  get endReason(): EndReason | null {
    return this.#ending.reason;
  }
  get endedAt(): number | null {
    return this.#ending.at;
  }
  get error(): PlainError | null {
    return this.#ending.error;
  }
  get closeRequestedBy(): string | null {
    return this.#ending.closeRequestedBy;
  }
  /** Returns whether it was asked to close, or has come to its end, and still holds its place. */
  get leaving(): boolean {
    return this.#state === "closing" || (this.#state !== "ended" && this.#ending.decided);
  }
  /** Forgets all but a summary: most of its events, and the stacks of its error. It must have ended. */
  shrink(): void {
    this.events.shrink();
    this.#ending.shrink();
  }
  get slot(): Slot | null {
    return this.#slot;
  }

  /**
   * Gives the session its thread. Resolves with `created` once `createAgent` has returned, and with `dead on arrival`
   * where the thread ended before any of the agent's code ran: another one may be tried. Rejects when the start failed.
   */
  play(slot: Slot): Promise<Created> {
    this.#slot = slot;
    this.timeline.assignedAt = now();
    const created = this.#creation.begin();
    const { id: sessionId, callId, callType, config } = this;
    slot.assign({ sessionId, callId, callType, config, inMemory: this.#inMemory, rehearsal: false }, this);
    return created;
  }

  /** Ends a session that never came to be. It is counted nowhere: only those who follow its events hear of it. */
  withdraw(error: unknown): void {
    this.#end(this.#ending.decide({ reason: "start_failed", error: plainError(error) }), false);
  }

  /** Ends a session for which no living thread could be had. */
  abandon(error: unknown): void {
    this.#end(this.#ending.decide({ reason: "start_failed", error: plainError(error) }));
  }

  /** Asks the agent to leave, and ends its thread where it does not within the grace. The first reason counts. */
  close(reason: CloseReason, requestedBy: string | null = null): void {
    if (this.#state === "closing" || this.#state === "ended") return;
    this.#ending.closeReason = reason;
    this.#ending.closeRequestedBy = requestedBy;
    this.#move("closing");
    if (!this.#ending.decided) this.#listener?.leaving(this);
    if (!this.#slot) {
      this.#end({ reason, error: null });
      return;
    }
    this.#slot.draining();
    this.#slot.send({ type: "close", reason });
    const { closeGraceMs } = this.#deadlines;
    const message = `The agent ignored the close for ${closeGraceMs} ms (closeGraceMs, --close-grace-ms)`;
    const kill = () => this.#slot?.kill({ reason: this.#ending.killReason("killed"), message });
    this.#graceTimer = setTimeout(kill, closeGraceMs);
  }

  /**
   * Ends a session that was reported as lost while this process stood still or was cut off. Its thread is ended too,
   * and its call is left once that is gone.
   */
  lose(error: PlainError): void {
    const decided = this.#ending.decide({ reason: "lost", error });
    this.#slot?.retire();
    this.#end(decided);
  }

  /** Replaces its end by another one that had been reported before, and counts. `at`: epoch milliseconds. */
  supersede({ reason, error }: EndDecision, at: number): void {
    this.#ending.supersede({ reason, error }, at);
  }

  /**
   * Shows that it has ended, and why, to those who look at it and follow it. That waits until the end outlives this
   * process: another one would tell of another end. The first call counts.
   */
  showEnd(): void {
    if (this.#state !== "ended" || this.#isEndShown) return;
    this.#isEndShown = true;
    const { at, reason, error } = this.#ending;
    if (at !== null && reason !== null) {
      this.events.append({ type: "state", at, state: "ended" });
      this.events.append({ type: "end", at, reason, error });
    }
    this.config = {};
    this.#endShown.resolve();
  }

  /** Hands the agent a message that a participant typed; they are taken in order. Returns the message's id. */
  send(message: { readonly text: string; readonly participantId: string }): string {
    if (this.#state === "closing" || this.#state === "ended") throw new GreenroomError("SESSION_CLOSING");
    const messageId = this.#typed.add();
    this.aloneSince = null;
    this.#slot?.send({ type: "message", message: { messageId, ...message } });
    return messageId;
  }

  /**
   * Asks the agent, which is in its call, or will be within `waitMs` milliseconds. Throws SESSION_CLOSING, or NOT_IN_CALL
   * where it is not in its call by then.
   */
  async ask(question: SessionQuestion, waitMs = 0): Promise<SessionAnswer> {
    if (waitMs > 0) await within(this.#inCall.promise, waitMs, "The agent's join").catch(() => undefined);
    if (this.#state === "closing" || this.#state === "ended") throw new GreenroomError("SESSION_CLOSING");
    if (this.#state !== "live") throw new GreenroomError("NOT_IN_CALL");
    return this.#questions.ask(question, (number) =>
      this.#slot?.send({ type: "question", number, question }),
    );
  }

  message(message: FromThread): void {
    switch (message.type) {
      case "entered":
        this.timeline.enteredAt = message.at;
        break;
      case "created":
        this.timeline.createdAt = message.at;
        if (this.#state === "starting") this.#move("joining");
        this.#creation.settle("created");
        break;
      case "joined":
        Object.assign(this.timeline, { joinedAt: message.at, waitsMs: message.waitsMs });
        if (this.#state === "joining") this.#move("live");
        this.#listener?.joined();
        break;
      case "presence":
        this.aloneSince = message.aloneSince;
        break;
      case "event":
        this.#happened(message.event);
        break;
      case "measured":
        this.metrics.record(message.measurement);
        this.#listener?.measured(message.measurement);
        this.#metricsEvents.after(message.measurement);
        break;
      case "ended":
        this.#decide({ reason: this.#ending.closeReason ?? "finished", error: this.#ending.error });
        break;
      case "failed": {
        const reason = this.#ending.closeReason ?? (message.stage === "join" ? "failed" : "start_failed");
        this.#decide({ reason, error: message.error });
        break;
      }
      case "permit_wanted":
        this.#listener?.permits.want(this, message.provider, message.permit, () =>
          this.#slot?.send({ type: "permit", permit: message.permit }),
        );
        break;
      case "permit_returned":
        this.#listener?.permits.giveBack(this, message.permit);
        break;
      case "leave_data":
        this.#leaveData = message.leaveData;
        break;
      case "answer":
        this.#questions.answered(message.number, message.answer);
        break;
      case "metrics_wanted":
        this.#slot?.send({ type: "metrics", metrics: this.metrics.snapshot() });
        break;
      case "uncaught":
        this.#ending.uncaught = message.error;
        break;
      case "started":
      case "warm":
      case "rehearsed":
      case "recogniser_wanted":
        break;
      default:
        message satisfies never;
    }
  }

  killed(decision: ThreadKill): void {
    // A thread that was ended before it took the session does not end the session: another thread is tried.
    if (this.#untouched) return;
    const { reason, ...told } = decision;
    this.#ending.decide({ reason: this.#ending.killReason(reason), error: { name: "Error", ...told } });
  }

  gone(error: Error): void {
    this.#slot = null;
    if (this.#leaveData) this.#leaveOnBehalf?.(this, this.#leaveData);
    this.#leaveData = this.#leaveOnBehalf = null;
    if (this.#ending.decided || !this.#untouched) this.#end(this.#ending.ofDeath(error));
    else this.#creation.settle("dead on arrival");
  }

  /** Returns whether none of the agent's code has run for it. */
  get #untouched(): boolean {
    return this.#state === "starting" && this.timeline.enteredAt === null;
  }

  #happened(event: AgentEvent): void {
    if (this.#state === "ended") return;
    if (event.type === "transcript") {
      if (event.messageId !== undefined && event.final) this.#typed.taken(event.messageId);
      this.transcript?.add(event);
    }
    this.events.append(event);
  }

  #createOverdue(afterMs: number): void {
    const cause = { name: "DeadlineError", message: createOverdueText(afterMs) };
    this.#ending.error = cause;
    this.close("start_failed");
    this.#creation.fail(new GreenroomError("START_FAILED", undefined, { cause }));
  }

  /** Decides the end of the session before its thread is ended: the rejection of the run only means that the thread is gone. */
  #decide(decision: EndDecision): void {
    if (!this.leaving) this.#listener?.leaving(this);
    const decided = this.#ending.decide(decision);
    if (this.#slot) this.#slot.retire();
    else this.#end(decided);
  }

  #move(state: SessionState): void {
    const allowed: readonly SessionState[] = nextStates[this.#state];
    if (!allowed.includes(state)) throw new Error(`A session cannot go from ${this.#state} to ${state}`);
    this.#state = state;
    if (state !== "starting" && state !== "joining") this.#inCall.resolve();
    if (state !== "ended") this.events.append({ type: "state", at: now(), state });
  }

  #end(decision: EndDecision, began = true): void {
    if (this.#state === "ended") return;
    clearTimeout(this.#graceTimer ?? undefined);
    this.#questions.close(new GreenroomError("SESSION_CLOSING"));
    this.#move("ended");
    const at = now();
    const { reason, error: cause } = decision;
    this.#ending.complete(decision, at);
    this.#metricsEvents.end(at);
    this.#creation.fail(new GreenroomError(endReasons[reason].startError, undefined, { cause }));
    if (began) this.#listener?.ended(this);
    else this.showEnd();
    this.transcript = this.#listener = this.#graceTimer = null;
    if (!this.#slot) this.#leaveOnBehalf = null;
    this.#over.resolve();
  }
}
