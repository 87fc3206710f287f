import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { WebSocket } from "ws";
import { type HeardFrame, VoiceActivity } from "../deepgram/voice-activity.ts";
import { wordsIn } from "../deepgram/words.ts";
import type { WireLog } from "../emulator.ts";
import type { CartesiaAccount } from "./account.ts";
import type { ConnectionFault } from "./faults.ts";
import { invalid, type Refusal } from "./refusal.ts";
import type { CartesiaScript } from "./script.ts";
import type { TurnsQuery } from "./turns-check.ts";

const speechLevel = 200;
/** Speech that begins a turn, and between two updates, in milliseconds. */
const startMs = 60;
const updateMs = 240;

export interface TurnsOptions {
  readonly socket: WebSocket;
  readonly index: number;
  readonly query: TurnsQuery;
  readonly fault: ConnectionFault;
  readonly script: CartesiaScript;
  readonly account: CartesiaAccount;
  readonly log: WireLog;
}

interface Turn {
  readonly text: string;
  spokenMs: number;
  quietMs: number;
  eager: boolean;
  /** The words that were told: they are not taken back. */
  told: number;
}

/** One connection of Ink: docs.cartesia.ai/api-reference/stt/turns/websocket. */
export class TurnsConnection {
  readonly index: number;
  readonly #options: TurnsOptions;
  readonly #voice: VoiceActivity;
  readonly #requestId = randomUUID();
  readonly #idle: NodeJS.Timeout;
  readonly #timers: NodeJS.Timeout[] = [];
  #turn: Turn | null = null;
  #loudMs = 0;

  constructor(options: TurnsOptions) {
    const { socket, index, query, fault, account } = options;
    this.index = index;
    this.#options = options;
    this.#voice = new VoiceActivity(query.sampleRate);
    this.#idle = setTimeout(() => this.close(1000, "connection idle timeout"), account.streamIdleMs);
    if (fault.cutAfterMs !== undefined) this.#timers.push(setTimeout(() => this.cut(), fault.cutAfterMs));
    socket.on("message", (data: Buffer, binary) =>
      binary ? this.#hear(data) : this.#command(data.toString()),
    );
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      clearTimeout(this.#idle);
      for (const timer of this.#timers) clearTimeout(timer);
      this.#log("close", { code, reason: reason.toString() });
    });
    if (!fault.mute) this.send({ type: "connected" });
  }

  /** Sends an event, whose `request_id` is filled in. */
  send(event: Readonly<Record<string, unknown>>): void {
    const { socket } = this.#options;
    if (socket.readyState !== 1) return;
    const message = { ...event, request_id: this.#requestId };
    socket.send(JSON.stringify(message));
    this.#log("sent", { message });
  }

  /** Sends an error, after which the connection is closed. */
  fail(refusal: Refusal): void {
    this.send({ type: "error", status_code: refusal.status, ...refusal.fields(this.#requestId) });
    this.close(refusal.status >= 500 ? 1011 : 1008);
  }

  close(code: number, reason = ""): void {
    this.#options.socket.close(code, reason);
  }

  /** Ends it without a close frame: the client sees 1006. */
  cut(): void {
    this.#options.socket.terminate();
  }

  /** Resolves when the client has read all that was sent so far. */
  async read(): Promise<void> {
    const answered = once(this.#options.socket, "pong", { signal: AbortSignal.timeout(30_000) });
    this.#options.socket.ping();
    await answered;
  }

  #hear(bytes: Buffer): void {
    this.#idle.refresh();
    this.#log("audio", { bytes: bytes.length });
    for (const frame of this.#voice.hear(bytes, speechLevel)) {
      if (this.#options.script.automatic) this.#take(frame);
    }
  }

  #take({ loud }: HeardFrame): void {
    const { script } = this.#options;
    this.#loudMs = loud ? this.#loudMs + 20 : 0;
    const turn = this.#turn;
    if (turn === null) {
      if (this.#loudMs < startMs) return;
      this.#turn = this.#begin();
      this.send({ type: "turn.start" });
      return;
    }
    turn.quietMs = loud ? 0 : turn.quietMs + 20;
    if (loud) {
      turn.spokenMs += 20;
      if (turn.eager) this.send({ type: "turn.resume" });
      turn.eager = false;
      if (turn.spokenMs % updateMs === 0) this.#update(turn);
    } else if (turn.quietMs >= script.endMs) this.#end(turn);
    else if (turn.quietMs >= script.eagerEndMs && !turn.eager) {
      turn.eager = true;
      this.send({ type: "turn.eager_end", transcript: turn.text });
    }
  }

  #begin(): Turn {
    const { script } = this.#options;
    const { phrases } = script;
    const position = { turn: script.turns++, connection: this.index };
    const text =
      typeof phrases === "function" ? phrases(position) : (phrases[position.turn % phrases.length] ?? "");
    return { text, spokenMs: 0, quietMs: 0, eager: false, told: 0 };
  }

  #update(turn: Turn): void {
    const words = wordsIn(turn.text);
    turn.told = Math.min(words.length, turn.told + 1);
    this.send({ type: "turn.update", transcript: words.slice(0, turn.told).join(" ") });
  }

  #end(turn: Turn): void {
    this.#turn = null;
    this.#loudMs = 0;
    this.send({ type: "turn.end", transcript: turn.text });
  }

  #command(text: string): void {
    this.#log("message", { text });
    let command: Readonly<Record<string, unknown>> = {};
    try {
      command = JSON.parse(text);
    } catch {
      // Refused below.
    }
    if (command.type === "close") {
      if (this.#turn !== null) this.#end(this.#turn);
      this.close(1000);
    } else if (command.type !== "config") this.fail(invalid(`unknown command: ${command.type}`));
  }

  #log(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#options.log.add(`turns_${kind}`, { connection: this.index, ...details });
  }
}
