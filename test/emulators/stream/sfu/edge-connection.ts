import { Publisher } from "../media/publisher.ts";
import { Subscriber } from "../media/subscriber.ts";
import type { EventInput, Participant } from "../participant.ts";
import type { Edge } from "./edge.ts";
import type { SfuSocket } from "./sfu-socket.ts";

let connections = 0;

/** A participant's session on one SFU: its websocket, if it has one, and its two peer connections. */
export class EdgeConnection {
  /** The number of the connection; later ones have higher numbers. */
  readonly number = connections++;
  readonly edge: Edge;
  readonly participant: Participant;
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  socket: SfuSocket | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #free = false;

  constructor(edge: Edge, participant: Participant) {
    this.edge = edge;
    this.participant = participant;
    this.publisher = new Publisher(this);
    this.subscriber = new Subscriber(this);
  }

  /** Sets its websocket: the first one, or that of a FAST reconnect. */
  attach(socket: SfuSocket): void {
    clearTimeout(this.#deadline);
    this.socket = socket;
    this.subscriber.forgetOffer();
  }

  /** Reports that its websocket closed. Code 1000 frees it; otherwise it can be resumed until the deadline. */
  detach(socket: SfuSocket, code: number): void {
    if (this.socket !== socket) return;
    this.socket = null;
    if (this.#free) return;
    if (code === 1000) {
      this.free("closed");
      return;
    }
    const { fastReconnectDeadlineSeconds } = this.edge.world.rules;
    this.#deadline = setTimeout(() => this.free("signal_lost"), fastReconnectDeadlineSeconds * 1_000);
  }

  send(event: EventInput): void {
    this.socket?.send(event);
  }

  /**
   * Frees the connection. Where the participant has not moved to another SFU, it has left the call.
   */
  free(reason: string): void {
    if (this.#free) return;
    this.#free = true;
    clearTimeout(this.#deadline);
    const { connections: taken } = this.edge;
    if (taken.get(this.participant.sessionId) === this) taken.delete(this.participant.sessionId);
    this.publisher.close();
    this.subscriber.close();
    const { participant } = this;
    const { call } = participant;
    const moved = participant.connection !== this;
    this.log(moved ? "moved" : "gone", { reason });
    if (moved) return;
    participant.connection = null;
    if (call.sessions.get(participant.sessionId) === participant) call.sessions.delete(participant.sessionId);
    call.broadcast({ participantLeft: { callCid: call.cid, participant: participant.describe() } });
    call.reconcile();
  }

  log(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    const { userId: user, sessionId: session } = this.participant;
    this.edge.world.log.add(kind, { edge: this.edge.name, user, session, ...details });
  }
}
