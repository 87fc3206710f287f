import type { WebSocket } from "ws";
import type {
  AcceptedSocket,
  Call,
  CallRequest,
  Connection,
  ConnectionAudio,
  ConnectionEvent,
  Edge,
  JoinRequest,
  OfferRequest,
  Participant,
  SocketRequest,
} from "../agent/edge.ts";
import { EdgeRefusal } from "../agent/edge.ts";
import { frameLength } from "../audio/pcm.ts";
import type { PcmFrame } from "../audio/pcm-frame.ts";
import { SampleQueue } from "../audio/reception/sample-queue.ts";
import { closeWebSocket, socketCloseOf, webSocketOver } from "../media/web-socket.ts";
import type { JsonObject } from "../shared/protocol.ts";

/** The options of an edge over a WebSocket. */
export interface WebSocketEdgeOptions {
  /**
   * The sample rate of all sound in the call, in hertz.
   * @default 16000
   */
  readonly sampleRate?: number;
  /**
   * False for a call without sound, as when clients send text alone.
   * @default true
   */
  readonly sound?: boolean;
  /**
   * Answers offers, such as those of `POST /sessions/{id}/offer`.
   * @default offers are not taken
   */
  readonly offer?: (request: OfferRequest) => JsonObject | Promise<JsonObject>;
}

/** The subprotocol that the clients of this edge speak. */
export const pcmProtocol = "greenroom.pcm16";
/** The agent's sound that waits for a slow client, in milliseconds. Newer sound is dropped. */
const mostWaitingMs = 1_000;

interface PcmClient extends Participant {
  readonly socket: WebSocket;
  /** The samples that do not fill a frame yet. */
  readonly heard: SampleQueue;
}

/**
 * An edge whose participants connect to the server by WebSocket, for tests of edges that receive. Each socket
 * is a participant. A client offers the subprotocol `greenroom.pcm16`, and sends and receives sound as binary
 * messages: 16-bit samples, little-endian, mono. The first message that it receives is JSON: `{"type":
 * "joined", "participant_id", "sample_rate"}`. Events of the agent are `{"type": "event", "data"}`.
 */
export interface WebSocketEdge extends Edge {
  readonly provider: "websocket";
  /** Returns the socket of a participant; undefined where there is none of this id. */
  socketOf(participantId: string): WebSocket | undefined;
  accept(call: Call, request: SocketRequest): Promise<AcceptedSocket>;
}

class PcmEdge implements WebSocketEdge {
  readonly provider = "websocket";
  readonly offer?: (call: Call, request: OfferRequest) => Promise<JsonObject>;
  readonly sound: boolean;
  readonly #sampleRate: number;
  readonly #clients = new Map<string, PcmClient>();
  readonly #subscribers = new Set<(event: ConnectionEvent) => void>();
  readonly #listeners = new Set<(participantId: string, frame: PcmFrame) => void>();

  constructor({ sampleRate = 16_000, sound = true, offer }: WebSocketEdgeOptions = {}) {
    frameLength(sampleRate);
    this.#sampleRate = sampleRate;
    this.sound = sound;
    if (offer) this.offer = async (_call, request) => offer(request);
  }

  socketOf(participantId: string): WebSocket | undefined {
    return this.#clients.get(participantId)?.socket;
  }

  async createCall({ callType, callId }: CallRequest): Promise<Call> {
    return { callType, callId };
  }

  async join(_call: Call, { signal }: JoinRequest): Promise<Connection> {
    return {
      audio: this.sound ? this.#audio() : null,
      participants: this.#clients,
      subscribe: (listener) => {
        this.#subscribers.add(listener);
        return () => this.#subscribers.delete(listener);
      },
      sendEvent: async (data) => {
        for (const { socket } of this.#clients.values()) socket.send(JSON.stringify({ type: "event", data }));
      },
      leave: () => this.#closeAll(signal),
    };
  }

  async accept(_call: Call, request: SocketRequest): Promise<AcceptedSocket> {
    const { guest, protocols, stream, signal } = request;
    if (!protocols.includes(pcmProtocol)) throw new EdgeRefusal(`The subprotocol has to be ${pcmProtocol}`);
    if (this.#clients.has(guest.id)) throw new EdgeRefusal(`${guest.id} is in the call already`);
    const socket = await webSocketOver(stream);
    signal.throwIfAborted();
    const client: PcmClient = {
      id: guest.id,
      name: guest.name,
      socket,
      heard: new SampleQueue(2 * frameLength(this.#sampleRate)),
    };
    this.#clients.set(client.id, client);
    socket.on("message", (data, isBinary) => {
      if (isBinary) this.#receive(client, data as Buffer);
    });
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#clients.delete(client.id);
      this.#emit({ type: "participant_left", participant: client });
    });
    socket.send(JSON.stringify({ type: "joined", participant_id: client.id, sample_rate: this.#sampleRate }));
    this.#emit({ type: "participant_joined", participant: client });
    return { protocol: pcmProtocol };
  }

  async close(): Promise<void> {
    for (const { socket } of this.#clients.values()) socket.terminate();
  }

  #audio(): ConnectionAudio {
    const mostBytes = (mostWaitingMs / 1_000) * this.#sampleRate * Int16Array.BYTES_PER_ELEMENT;
    return {
      sampleRate: this.#sampleRate,
      leadMs: 0,
      send: ({ samples }) => {
        const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
        for (const { socket } of this.#clients.values())
          if (socket.bufferedAmount < mostBytes) socket.send(bytes);
      },
      listen: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  #receive({ id, heard }: PcmClient, bytes: Buffer): void {
    const samples = new Int16Array(Math.floor(bytes.length / Int16Array.BYTES_PER_ELEMENT));
    for (let at = 0; at < samples.length; at += 1) samples[at] = bytes.readInt16LE(2 * at);
    heard.push(samples);
    const length = frameLength(this.#sampleRate);
    while (heard.length >= length) {
      const frame = { samples: heard.take(length), sampleRate: this.#sampleRate };
      for (const listener of this.#listeners) listener(id, frame);
    }
  }

  async #closeAll(signal: AbortSignal): Promise<void> {
    const { code, reason } = socketCloseOf(signal);
    await Promise.all([...this.#clients.values()].map(({ socket }) => closeWebSocket(socket, code, reason)));
  }

  #emit(event: ConnectionEvent): void {
    for (const subscriber of [...this.#subscribers]) subscriber(event);
  }
}

/** @throws a `RangeError` where no frame of 20 ms has a whole number of samples at this rate */
export const WebSocketEdge: new (options?: WebSocketEdgeOptions) => WebSocketEdge = PcmEdge;
