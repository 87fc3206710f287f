import { randomUUID } from "node:crypto";
import type { SessionResources, SessionTimeline } from "../../api/session.ts";
import { SessionMetrics } from "../../metrics/session-metrics.ts";
import type { AgentEvent } from "../../shared/agent-event.ts";
import { type CloseReason, type EndReason, endReasons } from "../../shared/end-reasons.ts";
import { GreenroomError, type PlainError, plainError } from "../../shared/errors.ts";
import {
  type FromThread,
  type InMemoryCall,
  type JsonObject,
  type JsonValue,
  now,
  type Resumption,
  type SessionAnswer,
  type SessionQuestion,
  type SessionState,
  type TextMessage,
} from "../../shared/protocol.ts";
import type { CarriedSession } from "../succession/carried-session.ts";
import type { Slot, SlotHolder, ThreadKill } from "../threads/slot.ts";
import { EventLog } from "./event-log.ts";
import { MetricsEvents } from "./metrics-events.ts";
import { Resumptions } from "./resumptions.ts";
import { type Created, Creation } from "./session-creation.ts";
import { type EndDecision, SessionEnd } from "./session-end.ts";
import type { SessionDeadlines, SessionIdentity, SessionListener } from "./session-options.ts";
import { SessionProgress } from "./session-progress.ts";
import { SessionThread } from "./session-thread.ts";
import { Transcript } from "./transcript.ts";

/**
 * One call, as the main thread knows it. It ends exactly once, with exactly one reason, after its thread is gone. Its
 * end is visible to others once it is shown: see {@link Session.showEnd}.
 */
export class Session implements SlotHolder {
  readonly id: string;
  readonly callId: string;
  readonly callType: string;
  /** The `config` of its start, for the agent; empty once its end is shown, since ended sessions are kept for a while. */
  config: JsonObject;
  readonly createdBy: JsonValue;
  readonly metrics: SessionMetrics;
  readonly events: EventLog;
  transcript: Transcript | null;
  resources: SessionResources | null = null;
  /** The time since which the agent is alone in the call, in epoch milliseconds; null while somebody is there. */
  aloneSince: number | null = null;

  readonly #inMemory: InMemoryCall | null;
  #listener: SessionListener<Session> | null;
  readonly #progress: SessionProgress;
  readonly #creation: Creation;
  readonly #thread: SessionThread;
  readonly #metricsEvents: MetricsEvents;
  readonly #resumptions: Resumptions;
  /** The state that its next thread is given, while it has none. */
  #resumption: Resumption | null = null;
  readonly #ending = new SessionEnd();
  /** True once it goes on in another process: it ends here without an end. */
  #isElsewhere = false;
  readonly #over = Promise.withResolvers<void>();
  /** Resolves when the session has ended and its thread is gone. */
  readonly ended = this.#over.promise;
  /** Resolves when its end is shown. */
  readonly endShown = this.#ending.shown;

  constructor(
    identity: SessionIdentity,
    deadlines: SessionDeadlines,
    listener: SessionListener<Session>,
    keepTranscript: boolean,
  ) {
    const { arrived } = identity;
    const carried = arrived?.carried ?? null;
    this.id = arrived?.claim.sessionId ?? randomUUID();
    this.callId = identity.callId;
    this.callType = identity.callType;
    this.config = identity.config;
    this.createdBy = identity.createdBy;
    this.#inMemory = identity.inMemory;
    this.#listener = listener;
    this.metrics = new SessionMetrics(carried?.metrics);
    this.events = new EventLog(carried?.lastEventId);
    const { startedAt } = arrived?.claim ?? {};
    this.#progress = new SessionProgress(
      this.events,
      carried && startedAt !== undefined ? { startedAt, timeline: carried.timeline } : null,
    );
    this.#metricsEvents = new MetricsEvents(this.events, this.metrics);
    this.#resumptions = new Resumptions(deadlines.maxResumes, carried?.call ?? null);
    this.#thread = new SessionThread(deadlines.closeGraceMs, (leaveData) =>
      listener.leaveData(this, leaveData),
    );
    this.#creation = new Creation(deadlines.createTimeoutMs, (cause) => this.#createOverdue(cause));
    if (carried) this.#thread.takeOverTyped(carried.typed);
    this.transcript = keepTranscript ? new Transcript(carried?.transcript ?? []) : null;
  }

  get startedAt(): number {
    return this.#progress.startedAt;
  }
  get timeline(): SessionTimeline {
    return this.#progress.timeline;
  }
  get state(): SessionState {
    return this.#progress.state;
  }
  /** Returns its state as others see it: it is `closing` until its end is shown. */
  get shownState(): SessionState {
    return this.state === "ended" && !this.#ending.isShown ? "closing" : this.state;
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
  /** Returns the number of times that another thread has taken up its call. */
  get resumes(): number {
    return this.#resumptions.count;
  }
  /** Returns whether it goes on in another process. */
  get isElsewhere(): boolean {
    return this.#isElsewhere;
  }
  /** Returns what another process needs to go on with it; null where it must not, or cannot, go on there. */
  get carried(): CarriedSession | null {
    const call = this.#resumptions.carried;
    if (call === null || this.#inMemory !== null || this.leaving || this.state === "ended") return null;
    const { config, timeline, metrics, transcript, events } = this;
    return {
      config,
      timeline,
      call,
      typed: this.typed,
      metrics: metrics.carried,
      transcript: transcript?.lines ?? null,
      lastEventId: events.lastId,
    };
  }
  /** Returns whether it was asked to close, or has come to its end, and still holds its place. */
  get leaving(): boolean {
    return this.state === "closing" || (this.state !== "ended" && this.#ending.decided);
  }
  /** Forgets all but a summary: most of its events, and the stacks of its error. It must have ended. */
  shrink(): void {
    this.events.shrink();
    this.#ending.shrink();
  }
  get slot(): Slot | null {
    return this.#thread.slot;
  }

  /**
   * Gives the session its thread. Resolves with `created` once `createAgent` has returned, and with `dead on arrival`
   * where the thread ended before any of the agent's code ran: another one may be tried. Rejects when the start failed.
   */
  play(slot: Slot): Promise<Created> {
    if (this.#resumption === null) this.#progress.assigned();
    const created = this.#creation.begin();
    const { id: sessionId, callId, callType, config } = this;
    const call = { sessionId, callId, callType, config, inMemory: this.#inMemory };
    this.#thread.assign(slot, { ...call, resumption: this.#resumption, rehearsal: false }, this);
    return created;
  }

  /** Goes on here with a session of another process. `decision`: why it does not go on there; `rests`: its agent is still in the call. */
  arrive(decision: EndDecision, rests: boolean): void {
    this.#resumption = this.#resumptions.arrive(decision.reason, rests);
    this.events.append({ type: "state", at: now(), state: this.state });
    this.events.append({ type: "interrupted", at: now(), ...decision });
  }

  /** Returns the messages that participants typed and the agent has not taken. */
  get typed(): readonly TextMessage[] {
    return this.#thread.typed;
  }

  /** Takes over messages that were typed in the process in which it was before. */
  takeOverTyped(messages: readonly TextMessage[]): void {
    this.#thread.takeOverTyped(messages);
  }

  /**
   * Ends here without an end, since it goes on in another process. Its thread leaves the call to the agent there.
   */
  depart(): void {
    if (this.#isElsewhere) return;
    this.#isElsewhere = true;
    this.events.cut();
    this.#ending.show();
    if (this.state === "ended") return;
    const decision = this.#ending.decide({ reason: "drained", error: null });
    if (!this.#progress.closes) this.#progress.move("closing");
    const asked = this.#thread.close("drained", () => this.#ending.killReason("killed"), true);
    if (!asked) this.#end(decision);
  }

  /** Ends a session that is interrupted, and for which there is no thread. Without effect on any other. */
  giveUp(decision: EndDecision): void {
    if (this.state === "resuming" && this.slot === null) this.#end(this.#ending.decide(decision));
  }

  /** Has its thread ended since it holds too much memory. Where none may take up the call, the agent is asked to close. */
  overMemory(message: string): void {
    if (this.slot && !this.#progress.closes && this.#resumptions.may("out_of_memory"))
      this.slot.kill({ reason: "out_of_memory", message });
    else this.close("out_of_memory");
  }

  /**
   * Ends a session for which no living thread could be had.
   * @param began False where it never came to be: it is counted nowhere, and only those who follow its events hear of it.
   */
  abandon(error: unknown, began = true): void {
    this.#end(this.#ending.decide({ reason: "start_failed", error: plainError(error) }), began);
  }

  /** Asks the agent to leave, and ends its thread where it does not within the grace. The first reason counts. */
  close(reason: CloseReason, requestedBy: string | null = null): void {
    if (this.#progress.closes) return;
    this.#ending.closeReason = reason;
    this.#ending.closeRequestedBy = requestedBy;
    this.#progress.move("closing");
    if (!this.#ending.decided) this.#listener?.leaving(this);
    const asked = this.#thread.close(reason, () => this.#ending.killReason("killed"));
    if (!asked) this.#end({ reason, error: null });
  }

  /**
   * Ends a session that was reported as lost while this process stood still or was cut off. Its thread is ended too,
   * and its call is left once that is gone.
   */
  lose(error: PlainError): void {
    const decided = this.#ending.decide({ reason: "lost", error });
    this.#thread.retire();
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
    if (this.state !== "ended" || !this.#ending.show()) return;
    const { at, reason, error } = this.#ending;
    if (at !== null && reason !== null) {
      this.events.append({ type: "state", at, state: "ended" });
      this.events.append({ type: "end", at, reason, error });
    }
    this.config = {};
  }

  /** Hands the agent a message that a participant typed; they are taken in order. Returns the message's id. */
  send(message: { readonly text: string; readonly participantId: string }): string {
    if (this.#progress.closes) throw new GreenroomError("SESSION_CLOSING");
    const messageId = this.#thread.sendTyped(message);
    this.aloneSince = null;
    this.#listener?.changed(this);
    return messageId;
  }

  /**
   * Asks the agent, which is in its call, or will be within `waitMs` milliseconds. Throws SESSION_CLOSING, or NOT_IN_CALL
   * where it is not in its call by then.
   */
  async ask(question: SessionQuestion, waitMs = 0): Promise<SessionAnswer> {
    await this.#progress.waitForCall(waitMs);
    if (this.#progress.closes) throw new GreenroomError("SESSION_CLOSING");
    if (this.state !== "live") throw new GreenroomError("NOT_IN_CALL");
    return this.#thread.ask(question);
  }

  message(message: FromThread): void {
    switch (message.type) {
      case "entered":
        this.#progress.entered(message.at);
        break;
      case "created":
        this.#progress.created(message.at);
        this.#creation.settle("created");
        break;
      case "joined":
        this.#progress.joined(message.at, message.waitsMs);
        if (this.#resumption === null) this.#listener?.joined();
        else this.#resumed();
        break;
      case "presence":
        this.aloneSince = message.aloneSince;
        break;
      case "event":
        if (this.state !== "ended") this.#tell(message.event);
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
        const decision: EndDecision = { reason, error: message.error };
        this.#resumptions.takesFailures = message.restores;
        if (!this.#resumptions.may(reason)) this.#decide(decision);
        else {
          this.#ending.decide(decision);
          this.#thread.retire();
        }
        break;
      }
      case "permit_wanted":
        this.#listener?.permits.want(this, message.provider, message.permit, () =>
          this.#thread.send({ type: "permit", permit: message.permit }),
        );
        break;
      case "permit_returned":
        this.#listener?.permits.giveBack(this, message.permit);
        break;
      case "leave_data":
        this.#thread.leaveData = message.leaveData;
        break;
      case "state":
        this.#resumptions.keep(message.state);
        this.#listener?.changed(this);
        break;
      case "answer":
        this.#thread.answered(message.number, message.answer);
        break;
      case "metrics_wanted":
        this.#thread.send({ type: "metrics", metrics: this.metrics.snapshot() });
        break;
      case "uncaught":
        this.#ending.uncaught = message.error;
        break;
      case "started":
      case "warm":
      case "rehearsed":
      case "port_wanted":
        break;
      default:
        message satisfies never;
    }
  }

  killed(kill: ThreadKill): void {
    // A thread that was ended before it took the session does not end the session: another thread is tried.
    if (!this.#progress.untouched) this.#ending.decideKill(kill);
  }

  gone(error: Error): void {
    this.#thread.gone();
    if (this.#ending.decided || !this.#progress.untouched) this.#endOrGoOn(this.#ending.ofDeath(error));
    else this.#creation.settle("dead on arrival");
  }

  #tell(event: AgentEvent): void {
    if (event.type === "transcript") {
      if (event.messageId !== undefined && event.final) this.#thread.taken(event.messageId);
      this.transcript?.add(event);
    }
    this.#resumptions.happened(event);
    this.events.append(event);
    if (event.type === "transcript" || event.type === "turn") this.#listener?.changed(this);
  }

  /** Ends the session, unless its call can be taken up in another thread. */
  #endOrGoOn(decision: EndDecision): void {
    const { closes } = this.#progress;
    const resumption = closes || this.state === "starting" ? null : this.#resumptions.next(decision.reason);
    if (resumption === null) {
      this.#end(decision);
      return;
    }
    this.#resumption = resumption;
    this.#ending.forgive();
    this.#creation.fail(new GreenroomError("START_FAILED", undefined, { cause: decision.error }));
    this.#progress.interrupted();
    this.aloneSince = this.resources = null;
    this.events.append({ type: "interrupted", at: now(), ...decision });
    this.#listener?.interrupted(this, decision);
  }

  #resumed(): void {
    this.#resumption = null;
    this.events.append({ type: "resumed", at: now(), times: this.resumes });
    this.#listener?.resumed(this);
  }

  #createOverdue(cause: PlainError): void {
    this.#ending.error = cause;
    this.close("start_failed");
    this.#creation.fail(new GreenroomError("START_FAILED", undefined, { cause }));
  }

  /** Decides the end of the session before its thread is ended: the rejection of the run only means that the thread is gone. */
  #decide(decision: EndDecision): void {
    if (!this.leaving) this.#listener?.leaving(this);
    const decided = this.#ending.decide(decision);
    if (!this.#thread.retire()) this.#end(decided);
  }

  #end(decision: EndDecision, began = true): void {
    if (this.state === "ended") return;
    this.#progress.move("ended");
    const { reason, error: cause } = decision;
    this.#metricsEvents.end(this.#ending.complete(decision));
    this.#creation.fail(new GreenroomError(endReasons[reason].startError, undefined, { cause }));
    if (this.#isElsewhere) this.#listener?.departed(this);
    else if (began) this.#listener?.ended(this);
    else this.showEnd();
    this.transcript = this.#listener = null;
    this.#thread.end();
    this.#resumption = null;
    this.#resumptions.forget();
    this.#over.resolve();
  }
}
