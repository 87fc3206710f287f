import { CallEndedReason } from "../../../src/providers/stream/wire/enums.ts";
import { now } from "../../../src/shared/protocol.ts";
import type { EventInput, Participant } from "./participant.ts";

/** A call, over all SFUs. */
export class Call {
  readonly type: string;
  readonly id: string;
  readonly cid: string;
  readonly createdAt = now();
  readonly createdBy: string;
  custom: Readonly<Record<string, unknown>> = {};
  /**
   * The time at which it was ended, in epoch milliseconds; null while it is not. Nobody can join a call that
   * was ended.
   */
  endedAt: number | null = null;
  /** The participants by session id, in the order in which they came. */
  readonly sessions = new Map<string, Participant>();

  constructor(type: string, id: string, createdBy: string) {
    this.type = type;
    this.id = id;
    this.cid = `${type}:${id}`;
    this.createdBy = createdBy;
  }

  get participants(): readonly Participant[] {
    return [...this.sessions.values()];
  }

  /** The participants that disconnected without leaving, and are still shown to the others. */
  get ghosts(): readonly Participant[] {
    return this.participants.filter(({ ghost }) => ghost);
  }

  /** Returns the newest session of a user. It throws where there is none. */
  participant(userId: string): Participant {
    const found = this.participants.findLast((one) => one.userId === userId);
    if (found === undefined) throw new Error(`${userId} is not in ${this.cid}`);
    return found;
  }

  others(participant: Participant): readonly Participant[] {
    return this.participants.filter((one) => one !== participant);
  }

  broadcast(event: EventInput, except?: Participant): void {
    for (const participant of this.sessions.values()) {
      if (participant !== except) participant.send(event);
    }
  }

  /** Updates everybody's subscriptions after a track was added or removed. */
  reconcile(except?: Participant): void {
    for (const participant of this.sessions.values()) {
      if (participant !== except) participant.connection?.subscriber.reconcile();
    }
  }

  /** Ends the call for everybody. */
  end(reason: number = CallEndedReason.ENDED): void {
    this.endedAt ??= now();
    for (const participant of this.participants) dismiss(participant, reason);
  }

  /** Takes a user's other sessions than this one out of the call. */
  replace(userId: string, sessionId: string): void {
    for (const { connection, ...other } of this.participants) {
      if (other.userId !== userId || other.sessionId === sessionId) continue;
      connection?.socket?.terminate();
      connection?.free("replaced");
    }
  }

  /** Removes a user, who may join again. */
  kick(userId: string): void {
    for (const participant of this.participants) {
      if (participant.userId === userId) dismiss(participant, CallEndedReason.KICKED);
    }
  }
}

function dismiss(participant: Participant, reason: number): void {
  const { connection } = participant;
  participant.send({ callEnded: { reason } });
  connection?.socket?.close(1000, "call ended");
  connection?.free(reason === CallEndedReason.KICKED ? "kicked" : "call_ended");
}
