import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { OpusDecoder, OpusEncoder } from "../../../audio/reception/opus.ts";
import { closeWebSocket, webSocketOver } from "../../../media/web-socket.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { type Client, type ClientEnd, type ClientEvents, heardRate, spokenRate } from "../call/client.ts";
import { type ClientMessage, readMessage } from "../call/client-message.ts";
import { Backlog } from "./backlog.ts";
import { PcmReception } from "./pcm-reception.ts";

type Hello = Extract<ClientMessage, { readonly type: "hello" }>;

export interface SocketClientEvents extends ClientEvents {
  /** The client has said who it is, and is to be let in. Called once, before any message. */
  readonly onHello: (hello: Hello) => void;
}

/** The longest time without a message of a client, which sends a ping each second, in milliseconds. */
const silenceMs = 4_000;
/** The largest message of a client, in bytes: a second of sound, and more than any text. */
const largestMessage = 131_072;
/** The bitrate of Opus over a WebSocket, in bits a second. */
const bitrate = 32_000;
/** Bytes of messages that may wait: a client that takes nothing is dropped beyond them. */
const mostBufferedBytes = 1_048_576;

/** The codes with which a socket is closed. */
const closeCodes: Readonly<Record<ClientEnd, number>> = {
  left: 1_000,
  vanished: 1_001,
  protocol_error: 1_002,
  replaced: 4_000,
  call_ended: 1_000,
  // "Service restart": the client is to connect anew.
  moved: 1_012,
};

/** A participant by WebSocket. */
export class SocketClient implements Client {
  /** The subprotocol that clients offer. */
  static readonly protocol = "greenroom.v1";
  readonly transport = "websocket";
  readonly #socket: WebSocket;
  readonly #events: SocketClientEvents;
  readonly #reception = new PcmReception();
  readonly #backlog: Backlog;
  #codec: { readonly decoder: OpusDecoder; readonly encoder: OpusEncoder } | null = null;
  #greeted = false;
  #ready = false;
  #heardAt = performance.now();
  #watch: NodeJS.Timeout | undefined;
  #closing: Promise<void> | null = null;
  #ended = false;

  private constructor(socket: WebSocket, events: SocketClientEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#backlog = new Backlog(socket);
  }

  /** Speaks WebSocket over a stream whose handshake is answered. Events come after it has resolved. */
  static async open(stream: Duplex, events: SocketClientEvents): Promise<SocketClient> {
    const socket = await webSocketOver(stream, { maxMessageBytes: largestMessage });
    const client = new SocketClient(socket, events);
    client.#listen();
    return client;
  }

  pull(): Int16Array | null {
    return this.#ready ? this.#reception.pull() : null;
  }

  send(samples: Int16Array | null): void {
    // Silence needs no bytes here: the client's time goes on by itself.
    if (samples === null || !this.#ready || this.#closing) return;
    this.#backlog.send(this.#codec ? this.#codec.encoder.encode(samples) : bytesOf(samples));
  }

  tell(message: JsonObject): void {
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    if (this.#socket.bufferedAmount > mostBufferedBytes) this.#end("vanished");
  }

  close(end: ClientEnd, reason: string): Promise<void> {
    this.#closing ??= this.#close(end, reason);
    return this.#closing;
  }

  async #close(end: ClientEnd, reason: string): Promise<void> {
    clearInterval(this.#watch);
    this.#backlog.close();
    if (this.#socket.readyState === this.#socket.OPEN)
      this.#socket.send(JSON.stringify({ type: "ended", end, reason }));
    if (end === "vanished") this.#socket.terminate();
    await closeWebSocket(this.#socket, closeCodeOf(end, reason), reason);
    this.#freeCodec();
  }

  #freeCodec(): void {
    this.#codec?.decoder.free();
    this.#codec?.encoder.free();
    this.#codec = null;
  }

  #listen(): void {
    this.#watch = setInterval(() => {
      if (performance.now() - this.#heardAt > silenceMs) this.#end("vanished");
    }, 500).unref();
    this.#socket.on("error", () => undefined);
    this.#socket.once("close", () => this.#end("vanished"));
    this.#socket.on("message", (data, isBinary) => {
      if (this.#closing) return;
      this.#heardAt = performance.now();
      const bytes = data as Buffer;
      if (isBinary) this.#hear(bytes);
      else this.#take(bytes.toString());
    });
  }

  #take(text: string): void {
    if (this.#greeted) {
      const message = readMessage(text);
      if (message?.type === "received") this.#backlog.received(message.frames);
      this.#events.onMessage(text);
      return;
    }
    const message = readMessage(text);
    if (message?.type !== "hello") {
      this.#end("protocol_error");
      return;
    }
    this.#greeted = true;
    void this.#begin(message);
  }

  async #begin(hello: Hello): Promise<void> {
    try {
      if (hello.codec === "opus") {
        const [decoder, encoder] = await Promise.all([
          OpusDecoder.create({ sampleRate: heardRate }),
          OpusEncoder.create({ sampleRate: spokenRate, bitrate, lossPercent: 0 }),
        ]);
        this.#codec = { decoder, encoder };
      }
    } catch {
      this.#end("vanished");
      return;
    }
    if (this.#closing) {
      this.#freeCodec();
      return;
    }
    this.#ready = true;
    this.#events.onHello(hello);
  }

  /** Takes sound. Bytes that are no sound end the connection. */
  #hear(bytes: Buffer): void {
    if (!this.#ready) return;
    try {
      this.#reception.push(this.#codec ? this.#codec.decoder.decode(bytes) : samplesOf(bytes));
    } catch {
      this.#end("protocol_error");
    }
  }

  #end(end: ClientEnd): void {
    if (this.#closing || this.#ended) return;
    this.#ended = true;
    this.#events.onEnd(end);
  }
}

function closeCodeOf(end: ClientEnd, reason: string): number {
  return end === "call_ended" && reason === "drained" ? 1_001 : closeCodes[end];
}

/** The longest piece of sound, in bytes: a second. */
const longestPiece = heardRate * Int16Array.BYTES_PER_ELEMENT;

/** Reads 16-bit samples, little-endian. Throws a `RangeError` where they are none. */
function samplesOf(bytes: Buffer): Int16Array {
  if (bytes.length % 2 !== 0 || bytes.length === 0 || bytes.length > longestPiece)
    throw new RangeError("This is no sound");
  const samples = new Int16Array(bytes.length / 2);
  for (let at = 0; at < samples.length; at += 1) samples[at] = bytes.readInt16LE(2 * at);
  return samples;
}

function bytesOf(samples: Int16Array): Buffer {
  const bytes = Buffer.alloc(samples.length * Int16Array.BYTES_PER_ELEMENT);
  for (let at = 0; at < samples.length; at += 1) bytes.writeInt16LE(samples[at] ?? 0, 2 * at);
  return bytes;
}
