import { type CloseReason, endReasons } from "../../shared/end-reasons.ts";
import { GreenroomError, type PlainError, plainError } from "../../shared/errors.ts";
import {
  type FromThread,
  now,
  type Resumption,
  type SessionAnswer,
  type SessionQuestion,
  type TextMessage,
} from "../../shared/protocol.ts";
import type { AgentEvent } from "../../shared/session/agent-event.ts";
import type { CarriedSession } from "../succession/carried-session.ts";
import type { Slot, SlotHolder, ThreadKill } from "../threads/slot.ts";
import { MetricsEvents } from "./metrics-events.ts";
import { type Created, Creation } from "./session-creation.ts";
import type { EndDecision } from "./session-end.ts";
import type { SessionDeadlines, SessionIdentity, SessionListener } from "./session-options.ts";
import { SessionView } from "./session-view.ts";

/**
 * One call, as the main thread knows it. It ends exactly once, with exactly one reason, after its thread is gone. Its
 * end is visible to others once it is shown: see {@link SessionView.showEnd}.
 */
export class Session extends SessionView implements SlotHolder {
  #listener: SessionListener<Session> | null;
  readonly #creation: Creation;
  readonly #metricsEvents = new MetricsEvents(this.events, this.metrics);
  /** The state that its next thread is given, while it has none. */
  #resumption: Resumption | null = null;
  #isElsewhere = false;
  /** True until its agent here has answered that it takes up the call of another process. */
  #takesUp = false;
  readonly #over = Promise.withResolvers<void>();
  /** Resolves when the session has ended and its thread is gone. */
  readonly ended = this.#over.promise;

  constructor(
    identity: SessionIdentity,
    deadlines: SessionDeadlines,
    listener: SessionListener<Session>,
    keepTranscript: boolean,
  ) {
    super(identity, deadlines, keepTranscript, (leaveData) => listener.leaveData(this, leaveData));
    this.#listener = listener;
    this.#creation = new Creation(deadlines.createTimeoutMs, (cause) => this.#createOverdue(cause));
  }

  /** Returns whether it goes on in another process: it ends here without an end. */
  get isElsewhere(): boolean {
    return this.#isElsewhere;
  }
  /** Returns whether it goes on in another process, or nobody knows here whether it does. */
  get mayBeElsewhere(): boolean {
    return this.#isElsewhere || this.ending.isWithheld;
  }

  /**
   * Gives the session its thread. Resolves with `created` once `createAgent` has returned, and with `dead on arrival`
   * where the thread ended before any of the agent's code ran: another one may be tried. Rejects when the start failed.
   */
  play(slot: Slot): Promise<Created> {
    if (this.#resumption === null) this.progress.assigned();
    const created = this.#creation.begin();
    const { id: sessionId, callId, callType, config } = this;
    const call = { sessionId, callId, callType, config, inMemory: this.inMemory };
    this.thread.assign(slot, { ...call, resumption: this.#resumption, rehearsal: false }, this);
    return created;
  }

  /** Goes on here with a session of another process. `decision`: why it does not go on there; `rests`: its agent is still in the call. */
  arrive(decision: EndDecision, rests: boolean): void {
    this.#resumption = this.resumptions.arrive(decision.reason, rests);
    this.events.append({ type: "state", at: now(), state: this.state });
    this.events.append({ type: "interrupted", at: now(), ...decision });
  }

  /**
   * Goes on here from now on, as the other process has left the session, which went on with it since `before`.
   * @param soundLeftMs The time for which the agent there is still heard, in milliseconds.
   */
  takeUp(carried: CarriedSession, before: CarriedSession, soundLeftMs: number): void {
    this.follow(carried, before);
    const { state, heard } = carried.call;
    this.#takesUp = true;
    const taken = this.ask({ about: "take_up", state, heard, typed: carried.typed, soundLeftMs });
    taken.then(
      ({ outcome }) => {
        this.#takesUp = false;
        if (outcome !== "given") this.#putOut();
      },
      () => {
        // Its thread has ended meanwhile: the next one knows all this, and its end is one like any other.
        this.#takesUp = false;
      },
    );
  }

  /** Takes over messages that were typed in the process in which it was before. */
  takeOverTyped(messages: readonly TextMessage[]): void {
    this.thread.takeOverTyped(messages);
  }

  /**
   * Ends here without an end, since it goes on in another process. Its thread leaves the call to the agent there.
   */
  depart(): void {
    if (this.#isElsewhere) return;
    this.#isElsewhere = true;
    this.events.cut();
    this.ending.show();
    if (this.state === "ended") return;
    const decision = this.ending.decide({ reason: "drained", error: null });
    if (!this.progress.closes) this.progress.move("closing");
    const asked = this.thread.close("drained", () => this.ending.killReason("killed"), true);
    if (!asked) this.#end(decision);
  }

  /** Ends a session that is interrupted, and for which there is no thread. Without effect on any other. */
  giveUp(decision: EndDecision): void {
    if (this.state === "resuming" && this.slot === null) this.#end(this.ending.decide(decision));
  }

  /** Has its thread ended since it holds too much memory. Where none may take up the call, the agent is asked to close. */
  overMemory(message: string): void {
    if (this.slot && !this.progress.closes && this.resumptions.may("out_of_memory"))
      this.slot.kill({ reason: "out_of_memory", message });
    else this.close("out_of_memory");
  }

  /**
   * Ends a session for which no living thread could be had.
   * @param began False where it never came to be: it is counted nowhere, and only those who follow its events hear of it.
   */
  abandon(error: unknown, began = true): void {
    this.#end(this.ending.decide({ reason: "start_failed", error: plainError(error) }), began);
  }

  /** Asks the agent to leave, and ends its thread where it does not within the grace. The first reason counts. */
  close(reason: CloseReason, requestedBy: string | null = null): void {
    if (this.progress.closes) return;
    this.ending.closeReason = reason;
    this.ending.closeRequestedBy = requestedBy;
    this.progress.move("closing");
    if (!this.ending.decided) this.#listener?.leaving(this);
    const asked = this.thread.close(reason, () => this.ending.killReason("killed"));
    if (!asked) this.#end({ reason, error: null });
  }

  /**
   * Ends a session that was reported as lost while this process stood still or was cut off. Its thread is ended too,
   * and its call is left once that is gone.
   */
  lose(error: PlainError): void {
    const decided = this.ending.decide({ reason: "lost", error });
    this.thread.retire();
    this.#end(decided);
  }

  /** Hands the agent a message that a participant typed; they are taken in order. Returns the message's id. */
  send(message: { readonly text: string; readonly participantId: string }): string {
    if (this.progress.closes) throw new GreenroomError("SESSION_CLOSING");
    const messageId = this.thread.sendTyped(message);
    this.aloneSince = null;
    this.#listener?.changed(this);
    return messageId;
  }

  /**
   * Asks the agent, which is in its call, or will be within `waitMs` milliseconds. Throws SESSION_CLOSING, or NOT_IN_CALL
   * where it is not in its call by then.
   */
  async ask(question: SessionQuestion, waitMs = 0): Promise<SessionAnswer> {
    await this.progress.waitForCall(waitMs);
    if (this.progress.closes) throw new GreenroomError("SESSION_CLOSING");
    if (this.state !== "live") throw new GreenroomError("NOT_IN_CALL");
    return this.thread.ask(question);
  }

  message(message: FromThread): void {
    switch (message.type) {
      case "entered":
        this.progress.entered(message.at);
        break;
      case "created":
        this.progress.created(message.at);
        this.#creation.settle("created");
        break;
      case "joined":
        this.progress.joined(message.at, message.waitsMs);
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
        if (this.#takesUp && !this.progress.closes) this.#putOut();
        else this.#decide({ reason: this.ending.closeReason ?? "finished", error: this.ending.error });
        break;
      case "failed": {
        const reason = this.ending.closeReason ?? (message.stage === "join" ? "failed" : "start_failed");
        const decision: EndDecision = { reason, error: message.error };
        this.resumptions.takesFailures = message.restores;
        if (!this.resumptions.may(reason)) this.#decide(decision);
        else {
          this.ending.decide(decision);
          this.thread.retire();
        }
        break;
      }
      case "permit_wanted":
        this.#listener?.permits.want(this, message.provider, message.permit, () =>
          this.thread.send({ type: "permit", permit: message.permit }),
        );
        break;
      case "permit_returned":
        this.#listener?.permits.giveBack(this, message.permit);
        break;
      case "leave_data":
        this.thread.leaveData = message.leaveData;
        break;
      case "state":
        this.resumptions.keep(message.state);
        this.#listener?.changed(this);
        break;
      case "answer":
        this.thread.answered(message.number, message.answer);
        break;
      case "metrics_wanted":
        this.thread.send({ type: "metrics", metrics: this.metrics.snapshot() });
        break;
      case "uncaught":
        this.ending.uncaught = message.error;
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
    if (!this.progress.untouched) this.ending.decideKill(kill);
  }

  gone(error: Error): void {
    this.thread.gone();
    if (this.ending.decided || !this.progress.untouched) this.#endOrGoOn(this.ending.ofDeath(error));
    else this.#creation.settle("dead on arrival");
  }

  #tell(event: AgentEvent): void {
    if (event.type === "transcript") {
      if (event.messageId !== undefined && event.final) this.thread.taken(event.messageId);
      this.transcript?.add(event);
    }
    if (event.type === "role") this.role = event.role;
    this.resumptions.happened(event);
    this.events.append(event);
    if (event.type === "transcript" || event.type === "turn") this.#listener?.changed(this);
  }

  /** Ends the session, unless its call can be taken up in another thread. */
  #endOrGoOn(decision: EndDecision): void {
    const { closes } = this.progress;
    const resumption = closes || this.state === "starting" ? null : this.resumptions.next(decision.reason);
    if (resumption === null) {
      this.#end(decision);
      return;
    }
    this.#resumption = resumption;
    this.ending.forgive();
    this.#creation.fail(new GreenroomError("START_FAILED", undefined, { cause: decision.error }));
    this.progress.interrupted();
    this.aloneSince = this.resources = null;
    this.events.append({ type: "interrupted", at: now(), ...decision });
    this.#listener?.interrupted(this, decision);
  }

  #resumed(): void {
    this.#resumption = null;
    this.events.append({ type: "resumed", at: now(), times: this.resumes });
    this.#listener?.resumed(this);
  }

  /** Has another thread take up the call: the agent here was put out of it before it was this one's. */
  #putOut(): void {
    this.#takesUp = false;
    const message = "The agent was put out of the call before it took it up";
    this.ending.decide({ reason: "crashed", error: { name: "Error", message } });
    this.thread.retire();
  }

  #createOverdue(cause: PlainError): void {
    this.ending.error = cause;
    this.close("start_failed");
    this.#creation.fail(new GreenroomError("START_FAILED", undefined, { cause }));
  }

  /** Decides the end of the session before its thread is ended: the rejection of the run only means that the thread is gone. */
  #decide(decision: EndDecision): void {
    if (!this.leaving) this.#listener?.leaving(this);
    const decided = this.ending.decide(decision);
    if (!this.thread.retire()) this.#end(decided);
  }

  #end(decision: EndDecision, began = true): void {
    if (this.state === "ended") return;
    this.progress.move("ended");
    const { reason, error: cause } = decision;
    this.#metricsEvents.end(this.ending.complete(decision));
    this.#creation.fail(new GreenroomError(endReasons[reason].startError, undefined, { cause }));
    if (this.#isElsewhere) this.#listener?.departed(this);
    else if (began) this.#listener?.ended(this);
    else this.showEnd();
    this.transcript = this.#listener = null;
    this.thread.end();
    this.#resumption = null;
    this.resumptions.forget();
    this.#over.resolve();
  }
}
