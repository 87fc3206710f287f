import { once } from "node:events";
import type { WebSocket } from "ws";
import { now } from "../../../src/shared/protocol.ts";
import type { WireLog } from "../emulator.ts";
import type { DeepgramDelays } from "./delays.ts";
import type { DeepgramFault } from "./faults.ts";
import type { ListenQuery } from "./query.ts";
import type { DeepgramScript } from "./script.ts";
import { type HeardFrame, VoiceActivity } from "./voice-activity.ts";

/** A recogniser, which turns sound into messages. */
export interface Recogniser {
  /** Frames that arrived together. */
  hear(frames: readonly HeardFrame[]): void;
  /** Handles a JSON message of the client. It returns false for an unknown one. */
  message(message: { readonly type?: unknown }): boolean;
  /** The Error frame of this protocol. */
  fail(code: string, description: string): void;
  /** Sends an event of a test. */
  emit(event: EmittedEvent): void;
  /** Frees timers. */
  stop(): void;
}

/** A message to send, or parts of one: what is missing is filled in. */
export type EmittedEvent = Readonly<Record<string, unknown>>;

/** The state that all connections share. */
export interface DeepgramWorld {
  readonly script: DeepgramScript;
  readonly delays: DeepgramDelays;
  readonly log: WireLog;
  /** Turns that ended, over all connections. */
  turns: number;
}

export interface ConnectionSetting {
  readonly world: DeepgramWorld;
  readonly socket: WebSocket;
  /** Connections before this one. */
  readonly index: number;
  readonly requestId: string;
  readonly query: ListenQuery;
  readonly fault: DeepgramFault;
  readonly idleMs: number;
  /** The keep-alive besides sound: JSON messages, or pings. */
  readonly aliveBy: "message" | "ping";
  recogniser(connection: DeepgramConnection): Recogniser;
}

/** One open connection of the emulator. */
export class DeepgramConnection {
  readonly index: number;
  readonly requestId: string;
  readonly query: ListenQuery;
  readonly world: DeepgramWorld;
  readonly #setting: ConnectionSetting;
  readonly #voice: VoiceActivity;
  readonly #recogniser: Recogniser;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #idle: NodeJS.Timeout;
  #signs = 0;
  #silent = false;
  #lastSpeechAt = 0;

  constructor(setting: ConnectionSetting) {
    const { socket, fault, idleMs, aliveBy } = setting;
    this.#setting = setting;
    this.index = setting.index;
    this.requestId = setting.requestId;
    this.query = setting.query;
    this.world = setting.world;
    this.#voice = new VoiceActivity(setting.query.sampleRate);
    this.#idle = setTimeout(() => this.#suspected(), idleMs);
    this.#recogniser = setting.recogniser(this);

    socket.on("message", (data: Buffer, binary: boolean) => {
      if (binary || aliveBy === "message") this.#alive();
      if (binary) this.#hear(data);
      else this.#read(data.toString());
    });
    socket.on("ping", () => {
      if (aliveBy === "ping") this.#alive();
      this.#log("ping");
    });
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      this.#log("close", { code, reason: reason.toString() });
      this.#stop();
    });

    if (fault.ignoresClose) socket.close = () => {};
    if (fault.stopsReading) socket.pause();
    this.#after(fault.cutAfterMs, () => this.cut());
    this.#after(fault.silentAfterMs, () => {
      this.#silent = true;
      this.#log("silent");
    });
    this.#after(fault.errorAfterMs, () => {
      const { code = "INTERNAL_SERVER_ERROR", description = "An internal server error occurred." } =
        fault.errorFrame ?? {};
      this.fail(code, description);
    });
    this.#after(fault.closeAfterMs, () => this.close(fault.closeCode ?? 1011, fault.closeReason));
  }

  /** Sound heard so far, in seconds. */
  get position(): number {
    return this.#voice.position;
  }

  /** The time when the last piece with speech in it arrived, as epoch milliseconds. */
  get lastSpeechAt(): number {
    return this.#lastSpeechAt;
  }

  send(message: Readonly<Record<string, unknown>>): void {
    if (this.#silent || this.#setting.socket.readyState !== 1) return;
    this.#setting.socket.send(JSON.stringify(message));
    this.#log("sent", { message, lastSpeechAt: this.#lastSpeechAt });
  }

  /** Resolves when the client has read all that was sent so far: it answers a ping after that. Rejects after 30 s. */
  async read(): Promise<void> {
    const { socket } = this.#setting;
    const answered = once(socket, "pong", { signal: AbortSignal.timeout(30_000) });
    socket.ping();
    await answered;
  }

  /** Sends an event of a test. */
  emit(event: EmittedEvent): void {
    this.#recogniser.emit(event);
  }

  /** Sends an Error frame, after which the connection is closed. */
  fail(code: string, description: string): void {
    this.#recogniser.fail(code, description);
    this.close(1011, code);
  }

  /** Closes the connection. Without a code the client sees 1005. */
  close(code?: number, reason?: string): void {
    this.#setting.socket.close(code, reason);
  }

  /** Ends it without a close frame: the client sees 1006. */
  cut(): void {
    this.#setting.socket.terminate();
  }

  #hear(bytes: Buffer): void {
    const { script } = this.world;
    const frames = [...this.#voice.hear(bytes, script.speechLevel)];
    const speech = frames.some(({ loud }) => loud);
    if (speech) this.#lastSpeechAt = now();
    this.#log("audio", { bytes: bytes.length, positionMs: Math.round(this.position * 1_000), speech });
    if (script.automatic) this.#recogniser.hear(frames);
  }

  #read(text: string): void {
    let message: { readonly type?: unknown } | null = null;
    try {
      message = JSON.parse(text);
    } catch {
      // Refused below.
    }
    this.#log("message", { message: message ?? text });
    if (message?.type === "CloseStream" && this.#setting.fault.ignoresClose) return;
    if (message === null || !this.#recogniser.message(message)) {
      this.fail("UNPARSABLE_CLIENT_MESSAGE", "The client message could not be parsed.");
    }
  }

  /** Reports a keep-alive. */
  #alive(): void {
    this.#signs += 1;
    this.#idle.refresh();
  }

  /**
   * Closes an idle connection. Where this process was late itself, a sign of life may be unread yet: timers come before it
   * in a turn of the event loop.
   */
  #suspected(): void {
    const signs = this.#signs;
    setImmediate(() => {
      if (signs === this.#signs) this.#idled();
    });
  }

  #idled(): void {
    this.#log("idle");
    this.close(
      1011,
      "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001",
    );
  }

  #after(delayMs: number | undefined, happen: () => void): void {
    if (delayMs !== undefined) this.#timers.push(setTimeout(happen, delayMs));
  }

  #log(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.world.log.add(kind, { connection: this.index, ...details });
  }

  #stop(): void {
    clearTimeout(this.#idle);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#recogniser.stop();
  }
}
