import type { Duplex } from "node:stream";
import type { PcmFrame } from "../audio/pcm-frame.ts";
import type { Guest, JsonObject, JsonValue } from "../shared/protocol.ts";
import type { AgentEvent } from "../shared/session/agent-event.ts";
import type { Measurement } from "../shared/session/measurement.ts";
import type { Log } from "./log.ts";

/** The user that the agent is in a call. */
export interface AgentUser {
  readonly id: string;
  readonly name: string;
}

/** A call, as its edge made it; edges extend it with what they need to join. */
export interface Call {
  readonly callType: string;
  readonly callId: string;
}

/** The call that an edge is asked to make or to find. */
export interface CallRequest extends Call {
  readonly agentUser: AgentUser;
  /** Fires when the session closes. */
  readonly signal: AbortSignal;
}

/** The facts and functions that an edge is given to join a call. */
export interface JoinRequest {
  readonly agentUser: AgentUser;
  /** Fires when the session closes. A join that succeeds all the same is left at once. */
  readonly signal: AbortSignal;
  /**
   * Takes what happens to the connection by itself, such as that it was lost and taken up again.
   * @default nobody is told
   */
  readonly log?: Log;
  /** Takes the same incidents as measurements. An edge that fails to join need not tell: whoever asked does. */
  readonly measure?: (measurement: Measurement) => void;
  /**
   * Takes the data that are needed to leave in the agent's place, should its thread die before it has left: the server
   * then gives them to the module that it knows for this edge's `provider` (the launcher's option `leaveModules`). Each
   * call replaces the data before; null withdraws them, for when the call is over by itself. They need not be withdrawn
   * after `leave`. Throws where the data are not JSON.
   * @default nobody would leave
   */
  readonly leaveData?: (data: JsonObject | null) => void;
  /**
   * The `hints` of the connection of another agent, whose call this one takes up. They may be of another version of the edge.
   * @default the call begins, or there were none
   */
  readonly hints?: JsonValue;
  /**
   * Says whether another agent of the same user is in the call, and goes on with it until `takeUp` of this connection is called. A connection
   * that is lost before that should end, so that two agents never put each other out.
   * @default false
   */
  readonly besideAnother?: boolean;
}

/** A participant in the call, other than the agent. */
export interface Participant {
  readonly id: string;
  readonly name: string;
}

/** An event of a call that the agent is in. */
export type ConnectionEvent =
  | { readonly type: "participant_joined"; readonly participant: Participant }
  | { readonly type: "participant_left"; readonly participant: Participant }
  /** A participant typed this over the edge itself. */
  | { readonly type: "message"; readonly participantId: string; readonly text: string }
  /** The call is over for the agent: it ended, or the connection is lost for good. The last event. */
  | { readonly type: "ended" };

/** The sound of a call. */
export interface ConnectionAudio {
  /** The sample rate that `send` wants, in hertz. */
  readonly sampleRate: number;
  /** The time from `send` until a participant hears the frame, as far as the edge knows, in milliseconds. */
  readonly leadMs: number;
  /**
   * The frames of what the agent says that the edge wants before their time, so that a busy thread does not make the sound stutter.
   * Each makes 20 ms of what was cut still be heard.
   * @default 2
   */
  readonly aheadFrames?: number;
  /**
   * False while nobody is there who would hear the agent: a turn that begins then is answered in text.
   * @default true: the edge does not know
   */
  readonly heard?: boolean;
  /**
   * The number of times that the call runs faster than life.
   * @default 1; only edges for tests are faster
   */
  readonly speed?: number;
  /**
   * Sends 20 ms of what the agent says. The caller paces: one frame every 20 ms, a few ahead. Never throws; once the call is
   * over it does nothing.
   */
  send(frame: PcmFrame): void;
  /** Calls `listener` with the sound of each participant by itself, silence included. Returns a function that ends this. */
  listen(listener: (participantId: string, frame: PcmFrame) => void): () => void;
}

/** The manner in which an agent leaves. */
export interface LeaveOptions {
  /**
   * True where another agent, of another server, is in the call by now and goes on with it as the same user: the call must not end, and
   * clients that are connected to this agent have to connect anew.
   * @default false
   */
  readonly moved?: boolean;
}

/** The agent's place in a call. */
export interface Connection {
  /** The sound of the call; null where it has none: participants type. */
  readonly audio: ConnectionAudio | null;
  /** The participants besides the agent. Participants who only type to a session are not in it. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** Calls `listener` for every event from here on, without anything in between lost. Returns what ends it. */
  subscribe(listener: (event: ConnectionEvent) => void): () => void;
  /**
   * Sends data to all who watch the call, as an event of the application; also while the agent leaves, when the signal of the
   * join has fired. Not offered: leave it out.
   */
  sendEvent?(data: JsonObject): Promise<void>;
  /**
   * Takes what happens in the conversation, for an edge that shows its participants what is said. It must not throw. Not of
   * interest: leave it out.
   */
  happened?(event: AgentEvent): void;
  /**
   * Returns facts about the call that the edge of another agent needs where it takes up the call, such as the secrets by which
   * participants come back. Kept with the conversation, never logged; 32 KiB of JSON at most, beyond which they are left out. Not
   * needed: leave it out.
   */
  hints?(): JsonValue;
  /**
   * Has the clients of the call connect to the agent that takes it up, which has joined by now, beside their connection to this one.
   * Resolves once they have, or some seconds later. Never rejects. Not needed: leave it out.
   * @param to The name of its replica: a request with `?successor=` and this name comes to that agent.
   */
  prepareMove?(to: string): Promise<void>;
  /** Takes the `hints` of the agent before anew, as the call changes hands. Not needed: leave it out. */
  takeUp?(hints: JsonValue): void;
  /**
   * The most bytes of JSON that `sendEvent` takes.
   * @default 5120
   */
  readonly maxEventBytes?: number;
  /** Leaves the call and frees what it held. */
  leave(options?: LeaveOptions): Promise<void>;
}

/** A request for what lets somebody into the call that the agent is in. */
export interface InviteRequest {
  /** The guest that is invited, which is never the agent itself. */
  readonly guest: Guest;
  /** Fires when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** A request for a token by which a guest joins the call. */
export interface JoinTokenRequest extends InviteRequest {
  readonly expiresInSeconds: number;
}

/** A client's offer to come into the call, such as an SDP. */
export interface OfferRequest extends InviteRequest {
  /** The offer, in the form that the edge and its clients agree on. */
  readonly offer: JsonObject;
}

/** A client that connected to the server by WebSocket, and is to come into the call. */
export interface SocketRequest {
  /** The participant that the client is in the call. */
  readonly guest: Guest;
  /** The subprotocols that the client offers, in its order. */
  readonly protocols: readonly string[];
  /** The facts that a provider's route knows of the client; empty for others. */
  readonly data: JsonObject;
  /**
   * The client's bytes behind the handshake of its WebSocket; what is written goes to the client. `webSocketOver` speaks
   * WebSocket over it. It belongs to the edge, which ends it when the agent leaves.
   */
  readonly stream: Duplex;
  /** Fires when the session closes. */
  readonly signal: AbortSignal;
}

/** The answer of an edge that takes a WebSocket. */
export interface AcceptedSocket {
  /**
   * The subprotocol that the edge speaks: one of those offered.
   * @default none
   */
  readonly protocol?: string;
}

/**
 * The error that `offer` and `accept` throw for what a client did wrong. The client gets its message, with 422; any other
 * error is answered 503 without a word of it.
 */
export class EdgeRefusal extends Error {
  override readonly name = "EdgeRefusal";
}

/** The carrier of calls. */
export interface Edge {
  /** The name of who carries the call, such as `stream`. It is a label in metrics. */
  readonly provider: string;
  /**
   * False where its calls never carry sound, so that no ears and no voice are made ready for them.
   * @default true
   */
  readonly sound?: boolean;
  /**
   * True where an agent whose thread has ended can join the same call again, as the same user: its participants are still
   * there, or come back by themselves. Default false: the session ends with its thread.
   */
  readonly rejoins?: boolean;
  /**
   * Makes ready for calls to come, for a rehearsal. Rejects where the provider does not let the agent in, such as for a
   * wrong key. Leave it out where there is nothing to make ready.
   */
  warm?(signal: AbortSignal): Promise<void>;
  /** Makes sure that the call exists, or finds it. */
  createCall(request: CallRequest): Promise<Call>;
  /** Brings the agent into a call that this edge made. */
  join(call: Call, request: JoinRequest): Promise<Connection>;
  /**
   * Makes a token with which somebody joins the call: `token` and whatever else a client of this edge needs, under the names
   * of the wire, `expires_at` among them where the edge's clock decides. Not offered: leave it out.
   */
  joinToken?(call: Call, request: JoinTokenRequest): Promise<JsonObject & { readonly token: string }>;
  /** A web address where a person joins the call, to try an agent out. Not offered: leave it out. */
  demoLink?(call: Call, request: InviteRequest): Promise<string>;
  /**
   * Answers the offer of a client that wants to come into the call, within 5 s. The server gives the answer to the client as it
   * is. Throws an {@link EdgeRefusal} for an offer that is not right. Not offered: leave it out.
   */
  offer?(call: Call, request: OfferRequest): Promise<JsonObject>;
  /**
   * Takes in a client that connected by WebSocket, within 5 s; the client's handshake is answered when this resolves. Throws an
   * {@link EdgeRefusal} for a client that it does not take. Not offered: leave it out.
   */
  accept?(call: Call, request: SocketRequest): Promise<AcceptedSocket>;
  /** Frees what is not part of one call. Called once, when the agent closes. */
  close(): Promise<void>;
}
