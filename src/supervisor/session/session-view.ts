import { randomUUID } from "node:crypto";
import type { SessionResources, SessionTimeline } from "../../api/session.ts";
import { SessionMetrics } from "../../metrics/session-metrics.ts";
import type { EndReason } from "../../shared/end-reasons.ts";
import type { PlainError } from "../../shared/errors.ts";
import type {
  InMemoryCall,
  JsonObject,
  JsonValue,
  LeaveData,
  SessionState,
  TextMessage,
} from "../../shared/protocol.ts";
import type { CarriedSession } from "../succession/carried-session.ts";
import { ChangeOfHands } from "../succession/change-of-hands.ts";
import type { Slot } from "../threads/slot.ts";
import { EventLog, type EventsBefore } from "./event-log.ts";
import { Resumptions } from "./resumptions.ts";
import { type EndDecision, SessionEnd } from "./session-end.ts";
import type { SessionDeadlines, SessionIdentity } from "./session-options.ts";
import { SessionProgress } from "./session-progress.ts";
import { SessionThread } from "./session-thread.ts";
import { Transcript } from "./transcript.ts";

/** The data of a session, as those see it who look at it and follow it. A {@link Session} adds how it gets on. */
export abstract class SessionView {
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
  /** The role that the agent has in its call; null where it has that of its own options. */
  role: string | null;
  /** The time since which the agent is alone in the call, in epoch milliseconds; null while somebody is there. */
  aloneSince: number | null = null;

  readonly changeOfHands = new ChangeOfHands();

  protected readonly inMemory: InMemoryCall | null;
  protected readonly progress: SessionProgress;
  protected readonly thread: SessionThread;
  protected readonly resumptions: Resumptions;
  protected readonly ending = new SessionEnd();
  /** Resolves when its end is shown, or withheld. */
  readonly endShown = this.ending.shown;

  /** @param leave A function that is called where its thread is gone and has not left its call. */
  constructor(
    identity: SessionIdentity,
    deadlines: SessionDeadlines,
    keepTranscript: boolean,
    leave: (leaveData: LeaveData) => void,
  ) {
    const { arrived } = identity;
    const carried = arrived?.carried ?? null;
    this.id = arrived?.claim.sessionId ?? randomUUID();
    this.callId = identity.callId;
    this.callType = identity.callType;
    this.config = identity.config;
    this.createdBy = identity.createdBy;
    this.inMemory = identity.inMemory;
    this.role = carried?.role ?? null;
    this.metrics = new SessionMetrics(carried?.metrics);
    this.events = new EventLog(carried === null ? undefined : eventsBefore(carried, arrived?.unknownEvents));
    this.progress = new SessionProgress(
      this.events,
      arrived && { startedAt: arrived.claim.startedAt, timeline: arrived.carried.timeline },
    );
    this.resumptions = new Resumptions(deadlines.maxResumes, carried?.call ?? null);
    this.thread = new SessionThread(deadlines.closeGraceMs, leave);
    this.thread.takeOverTyped(carried?.typed ?? []);
    this.transcript = keepTranscript ? new Transcript(carried?.transcript ?? []) : null;
  }

  get startedAt(): number {
    return this.progress.startedAt;
  }
  get timeline(): SessionTimeline {
    return this.progress.timeline;
  }
  get state(): SessionState {
    return this.progress.state;
  }
  /** Returns its state as others see it: it is `closing` until its end is shown. */
  get shownState(): SessionState {
    return this.state === "ended" && !this.ending.isShown ? "closing" : this.state;
  }
  get endReason(): EndReason | null {
    return this.ending.reason;
  }
  get endedAt(): number | null {
    return this.ending.at;
  }
  get error(): PlainError | null {
    return this.ending.error;
  }
  get closeRequestedBy(): string | null {
    return this.ending.closeRequestedBy;
  }
  /** Returns the number of times that another thread has taken up its call. */
  get resumes(): number {
    return this.resumptions.count;
  }
  /** Returns whether it was asked to close, or has come to its end, and still holds its place. */
  get leaving(): boolean {
    return this.state === "closing" || (this.state !== "ended" && this.ending.decided);
  }
  get slot(): Slot | null {
    return this.thread.slot;
  }
  /** Returns the messages that participants typed and the agent has not taken. */
  get typed(): readonly TextMessage[] {
    return this.thread.typed;
  }

  /**
   * Returns what another process needs to go on with it; null where it must not, or cannot, go on there.
   * @param eventCharacters The most characters of its last events.
   */
  carried(eventCharacters: number): CarriedSession | null {
    const call = this.resumptions.carried;
    if (call === null || this.inMemory !== null || this.leaving || this.state === "ended") return null;
    const { config, role, timeline, typed, metrics, transcript, events } = this;
    return {
      config,
      role,
      timeline,
      call,
      typed,
      metrics: metrics.carried,
      transcript: transcript?.lines ?? null,
      lastEventId: events.lastId,
      events: events.newest(eventCharacters),
    };
  }

  /** Knows everything from here on as the other process has left it, which went on with the session since `before`. */
  protected follow(carried: CarriedSession, before: CarriedSession): void {
    this.metrics.follow(carried.metrics, before.metrics);
    this.events.follow(eventsBefore(carried), before.lastEventId);
    this.role = carried.role ?? null;
    this.resumptions.takeOver(carried.call);
    this.thread.replaceTyped(carried.typed);
    if (this.transcript !== null) this.transcript = new Transcript(carried.transcript ?? []);
  }

  /**
   * Shows that it has ended, and why, to those who look at it and follow it. That waits until the end outlives this
   * process: another one would tell of another end. The first call counts.
   */
  showEnd(): void {
    if (this.state !== "ended" || !this.ending.show()) return;
    this.events.mend();
    const { at, reason, error } = this.ending;
    if (at !== null && reason !== null) {
      this.events.append({ type: "state", at, state: "ended" });
      this.events.append({ type: "end", at, reason, error });
    }
    this.config = {};
  }

  /**
   * Has those who look at it and follow it look for it in other processes: it has ended here, and nobody knows here whether it goes
   * on in another one. {@link showEnd} follows where it does not.
   */
  withholdEnd(): void {
    if (this.ending.isShown) return;
    this.events.cut();
    this.ending.withhold();
  }

  /** Replaces its end by another one that had been reported before, and counts. `at`: epoch milliseconds. */
  supersede({ reason, error }: EndDecision, at: number): void {
    this.ending.supersede({ reason, error }, at);
  }

  /** Forgets all but a summary: most of its events, and the stacks of its error. It must have ended. */
  shrink(): void {
    this.events.shrink();
    this.ending.shrink();
  }
}

function eventsBefore({ lastEventId, events = [] }: CarriedSession, unknown = 0): EventsBefore {
  return { lastId: lastEventId, events, unknown };
}
