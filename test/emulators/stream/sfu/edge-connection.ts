import { Publisher } from "../media/publisher.ts";
import { Subscriber } from "../media/subscriber.ts";
import type { EventInput, Participant } from "../participant.ts";
import type { Edge } from "./edge.ts";
import type { SfuSocket } from "./sfu-socket.ts";

let connections = 0;

/** A participant on one edge: its websocket, if it has one, and its two peer connections. */
export class EdgeConnection {
  /** Later connections have higher ones. */
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

  /** A websocket for it: the first one, or that of a FAST reconnection. */
  attach(socket: SfuSocket): void {
    clearTimeout(this.#deadline);
    this.socket = socket;
    this.subscriber.forgetOffer();
  }

  /** Takes in that its websocket closed. Only 1000 is a goodbye; else it may come back until the deadline. */
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
   * Frees the connection, of which nothing is left here. Where the participant has not moved to another edge, it has left the
   * call.
   */
  free(why: string): void {
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
    this.log(moved ? "moved" : "gone", { why });
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
