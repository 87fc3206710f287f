import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { WebSocket } from "ws";
import { speak } from "../elevenlabs/tone.ts";
import type { WireLog } from "../emulator.ts";
import type { CartesiaAccount } from "./account.ts";
import type { CartesiaFaults, ContextFault } from "./faults.ts";
import { invalid, Refusal, tooMany, usualRefusal } from "./refusal.ts";
import type { CartesiaScript } from "./script.ts";
import { readOrder, type SpeechOrder } from "./speech-check.ts";

/** What all connections of voices share. */
export interface SpeechWorld {
  readonly script: CartesiaScript;
  readonly account: CartesiaAccount;
  readonly faults: CartesiaFaults;
  readonly log: WireLog;
  /** Contexts that speak, over all connections. */
  speaking: number;
}

/** A context: its texts are spoken one after the other. */
interface Context {
  readonly id: string;
  readonly setting: string;
  readonly fault: ContextFault;
  readonly cancel: AbortController;
  /** The texts that wait or are spoken. */
  readonly orders: SpeechOrder[];
  soundMs: number;
  flushes: number;
  speaking: boolean;
  finished: boolean;
}

/** One connection of a voice: docs.cartesia.ai/api-reference/tts/websocket. */
export class SpeechConnection {
  readonly index: number;
  readonly #socket: WebSocket;
  readonly #world: SpeechWorld;
  readonly #contexts = new Map<string, Context>();
  /** Contexts that are over, which may not be used again. */
  readonly #over = new Set<string>();
  readonly #idle: NodeJS.Timeout;
  readonly #gone = new AbortController();

  constructor(socket: WebSocket, index: number, world: SpeechWorld) {
    this.index = index;
    this.#socket = socket;
    this.#world = world;
    this.#idle = setTimeout(() => this.close(1000, "connection idle timeout"), world.account.idleMs);
    socket.on("message", (data, binary) => this.#read(binary ? "" : data.toString()));
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      clearTimeout(this.#idle);
      this.#gone.abort();
      for (const context of this.#contexts.values()) this.#forget(context);
      this.#log("close", { code, reason: reason.toString() });
    });
  }

  /** Contexts that are not over. */
  get contexts(): number {
    return this.#contexts.size;
  }

  send(message: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState !== 1) return;
    this.#socket.send(JSON.stringify(message));
    this.#idle.refresh();
    const { data, ...told } = message;
    this.#log("sent", { message: told });
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Ends it without a close frame: the client sees 1006. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Resolves when the client has read all that was sent so far. */
  async read(): Promise<void> {
    const answered = once(this.#socket, "pong", { signal: AbortSignal.timeout(30_000) });
    this.#socket.ping();
    await answered;
  }

  #read(text: string): void {
    this.#idle.refresh();
    let request: Record<string, unknown> = {};
    try {
      request = JSON.parse(text);
      this.#log("request", { body: request });
      if (request.cancel === true) this.#cancel(String(request.context_id));
      else this.#take(readOrder(request, this.#world.account));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : invalid("The message is not valid JSON.");
      this.#refuse(refusal, typeof request.context_id === "string" ? request.context_id : undefined);
    }
  }

  #take(order: SpeechOrder): void {
    const known = this.#contexts.get(order.contextId);
    if (known !== undefined && known.setting !== order.setting) {
      throw invalid("All fields but transcript, continue and duration must stay the same within a context.");
    }
    if (known === undefined && this.#over.has(order.contextId)) {
      throw new Refusal(400, "context_expired", "Context closed", "The context has expired.");
    }
    const context = known ?? this.#open(order);
    context.orders.push(order);
    if (!context.speaking) void this.#speak(context);
  }

  #open({ contextId: id, setting }: SpeechOrder): Context {
    const { account, faults } = this.#world;
    if (this.#world.speaking >= account.maxContexts) throw tooMany();
    this.#world.speaking += 1;
    const fault = faults.contexts.shift() ?? {};
    const cancel = new AbortController();
    const context = {
      id,
      setting,
      fault,
      cancel,
      orders: [],
      soundMs: 0,
      flushes: 0,
      speaking: false,
      finished: false,
    };
    this.#contexts.set(id, context);
    return context;
  }

  /** Halts what has not begun. A text that is being spoken is spoken to its end: the service says so. */
  #cancel(id: string): void {
    const context = this.#contexts.get(id);
    if (context === undefined) return;
    this.#log("cancel", { context: id });
    context.orders.splice(1);
    context.cancel.abort();
  }

  async #speak(context: Context): Promise<void> {
    context.speaking = true;
    try {
      for (let order = context.orders[0]; order !== undefined; order = context.orders[0]) {
        await this.#speakOne(context, order);
        context.orders.shift();
        if (!order.goesOn || context.cancel.signal.aborted) {
          this.#forget(context);
          this.send({ type: "done", done: true, status_code: 206, context_id: context.id });
          this.#log("done", { context: context.id });
          return;
        }
      }
    } catch (error) {
      this.#forget(context);
      if (error instanceof Refusal) this.#refuse(error, context.id);
    } finally {
      context.speaking = false;
    }
  }

  async #speakOne(
    context: Context,
    { transcript, sampleRate, timestamps, flushes }: SpeechOrder,
  ): Promise<void> {
    const { script } = this.#world;
    const { fault } = context;
    const { msPerCharacter, pieceMs } = script;
    if (script.firstPieceMs > 0) await pause(script.firstPieceMs, undefined, { signal: this.#gone.signal });
    const sound = fault.empty ? new Int16Array(0) : speak(transcript, { sampleRate, msPerCharacter });
    const bytes = Buffer.from(sound.buffer);
    const step =
      Math.max(2, Math.round((pieceMs * sampleRate * 2) / 1_000 / 2) * 2) + (script.oddPieces ? 1 : 0);
    if (timestamps && script.timestamps === "before") this.#tellWords(context, transcript);
    for (let at = 0, pieces = 0; ; at += step, pieces += 1) {
      if (pieces === (fault.afterPieces ?? 0)) await this.#fail(fault);
      if (at >= bytes.length) break;
      const data = fault.withoutData ? {} : { data: bytes.toString("base64", at, at + step) };
      const shared = { done: false, status_code: 206, step_time: 5, context_id: context.id };
      this.send({
        type: "chunk",
        ...data,
        ...shared,
        ...(context.flushes > 0 ? { flush_id: context.flushes } : {}),
      });
      if (pieces === 0) this.#log("first_piece", { context: context.id });
      if (Number.isFinite(script.speed))
        await pause(pieceMs / script.speed, undefined, { signal: this.#gone.signal });
      else await new Promise(setImmediate);
    }
    if (timestamps && script.timestamps === "after") this.#tellWords(context, transcript);
    context.soundMs += (sound.length * 1_000) / sampleRate;
    if (!flushes) return;
    context.flushes += 1;
    const flush_id = context.flushes;
    this.send({
      type: "flush_done",
      done: false,
      flush_done: true,
      flush_id,
      status_code: 206,
      context_id: context.id,
    });
  }

  async #fail({ status, code, cuts, stalls }: ContextFault): Promise<void> {
    if (status !== undefined) throw usualRefusal(status, code);
    if (cuts) this.cut();
    if (stalls || cuts) await once(this.#gone.signal, "abort");
    this.#gone.signal.throwIfAborted();
  }

  #tellWords(context: Context, transcript: string): void {
    const { msPerCharacter } = this.#world.script;
    const words = [...transcript.replaceAll(/<[^<>]*>/g, (tag) => " ".repeat(tag.length)).matchAll(/\S+/g)];
    const at = (place: number) => (context.soundMs + place * msPerCharacter) / 1_000;
    // They come in messages of a few words.
    for (let first = 0; first < words.length; first += 3) {
      const told = words.slice(first, first + 3);
      const word_timestamps = {
        words: told.map(([word]) => word),
        start: told.map(({ index }) => at(index)),
        end: told.map(({ 0: word, index }) => at(index + word.length)),
      };
      this.send({
        type: "timestamps",
        done: false,
        status_code: 206,
        context_id: context.id,
        word_timestamps,
      });
    }
  }

  #forget(context: Context): void {
    if (context.finished) return;
    context.finished = true;
    this.#world.speaking -= 1;
    this.#contexts.delete(context.id);
    this.#over.add(context.id);
  }

  #refuse(refusal: Refusal, id: string | undefined): void {
    const about = id === undefined ? {} : { context_id: id };
    const { status } = refusal;
    this.send({
      type: "error",
      done: true,
      status_code: status,
      ...refusal.fields(`emulated-${this.index}`),
      ...about,
    });
    this.#log("refused", { status });
  }

  #log(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#world.log.add(`speech_${kind}`, { connection: this.index, ...details });
  }
}
