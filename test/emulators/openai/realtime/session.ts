import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { WebSocket } from "ws";
import { type HeardFrame, VoiceActivity } from "../../deepgram/voice-activity.ts";
import { spokenPart, wordsIn } from "../../deepgram/words.ts";
import type { WireLog } from "../../emulator.ts";
import { Refusal } from "../refusal.ts";
import { readSession, type TranscriptionSession, writesMeanwhile } from "./check.ts";
import type { RealtimeFault, RealtimeScript } from "./script.ts";

const sampleRate = 24_000;
/** The least that can be committed, and the speech that begins a turn, in milliseconds. */
const leastMs = 100;
const startMs = 60;
const speechLevel = 200;

/** A turn of the session. */
interface Item {
  readonly id: string;
  readonly text: string;
  readonly from: number;
  spokenMs: number;
  written: string;
}

export interface RealtimeSessionOptions {
  readonly socket: WebSocket;
  readonly index: number;
  readonly script: RealtimeScript;
  readonly fault: RealtimeFault;
  readonly log: WireLog;
}

/** One open session of a realtime transcription. */
export class RealtimeSession {
  readonly index: number;
  readonly #options: RealtimeSessionOptions;
  readonly #voice = new VoiceActivity(sampleRate);
  readonly #timers: NodeJS.Timeout[] = [];
  #session: TranscriptionSession | null = null;
  #item: Item | null = null;
  #last: string | null = null;
  #turns = 0;
  #quietMs = 0;
  #loudMs = 0;
  /** Sound in the buffer that is not committed, in milliseconds. */
  #bufferedMs = 0;
  #silent = false;

  constructor(options: RealtimeSessionOptions) {
    const { socket, fault } = options;
    this.index = options.index;
    this.#options = options;
    socket.on("message", (data, binary) => this.#read(binary ? null : data.toString()));
    socket.on("ping", () => this.#log("ping"));
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      this.#log("close", { code, reason: reason.toString() });
      for (const timer of this.#timers) clearTimeout(timer);
    });
    this.send({ type: "session.created", session: this.#shown({}) });
    this.#after(fault.cutAfterMs, () => this.cut());
    this.#after(fault.expiresAfterMs, () => this.expire());
  }

  /** Sends an event, whose name the emulator gives. */
  send(event: Readonly<Record<string, unknown>>): void {
    const { socket } = this.#options;
    if (this.#silent || socket.readyState !== 1) return;
    const message = { event_id: `event_${randomUUID()}`, ...event };
    socket.send(JSON.stringify(message));
    this.#log("sent", { message });
  }

  /** Sends an error, as OpenAI does for what it refuses and what fails in it. */
  sendError(error: Readonly<Record<string, unknown>>): void {
    const whole = {
      type: "invalid_request_error",
      code: null,
      message: "",
      param: null,
      event_id: null,
      ...error,
    };
    this.send({ type: "error", error: whole });
  }

  /** Ends the session as after its longest time. */
  expire(): void {
    const message = "Your session hit the maximum duration of 60 minutes.";
    this.sendError({ code: "session_expired", message });
    this.#options.socket.close(1001, message);
  }

  close(code: number, reason = ""): void {
    this.#options.socket.close(code, reason);
  }

  /** Ends it without a close frame: the client sees 1006. */
  cut(): void {
    this.#options.socket.terminate();
  }

  /** Sends nothing from here on, and answers no ping, as where the network is gone. */
  silence(): void {
    this.#silent = true;
    this.#options.socket.pause();
  }

  /** Resolves when the client has read all that was sent so far. */
  async read(): Promise<void> {
    const answered = once(this.#options.socket, "pong", { signal: AbortSignal.timeout(30_000) });
    this.#options.socket.ping();
    await answered;
  }

  #read(text: string | null): void {
    let event: Record<string, unknown> = {};
    try {
      event = JSON.parse(text ?? "");
    } catch {
      // Refused below, since it has no type.
    }
    const { audio, ...told } = event;
    const isSound = event.type === "input_audio_buffer.append";
    this.#log(isSound ? "audio" : "message", isSound ? { bytes: String(audio).length } : { message: told });
    try {
      this.#obey(event);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { message, type, code, param } = error;
      this.sendError({ type, code, message, param, event_id: event.event_id ?? null });
    }
  }

  #obey(event: Readonly<Record<string, unknown>>): void {
    switch (event.type) {
      case "session.update":
        if (this.#options.fault.ignoresSession) return;
        this.#session = readSession(event.session);
        this.send({ type: "session.updated", session: this.#shown(this.#session.shown) });
        return;
      case "input_audio_buffer.append":
        this.#append(event.audio);
        return;
      case "input_audio_buffer.commit":
        this.#commitAsked();
        return;
      case "input_audio_buffer.clear":
        this.#bufferedMs = 0;
        this.#item = null;
        this.send({ type: "input_audio_buffer.cleared" });
        return;
      default:
        throw new Refusal(400, `Invalid value: '${event.type}'.`, { code: "invalid_value", param: "type" });
    }
  }

  #append(audio: unknown): void {
    if (typeof audio !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(audio)) {
      throw new Refusal(400, "Invalid 'audio'. Expected base64-encoded audio bytes.", {
        code: "invalid_value",
        param: "audio",
      });
    }
    if (this.#session === null) throw new Refusal(400, "The session has no transcription.");
    for (const frame of this.#voice.hear(Buffer.from(audio, "base64"), speechLevel))
      this.#hear(frame, this.#session);
  }

  #hear({ loud, end }: HeardFrame, { model, turnDetection }: TranscriptionSession): void {
    const at = Math.round(end * 1_000);
    this.#bufferedMs += 20;
    this.#loudMs = loud ? this.#loudMs + 20 : 0;
    this.#quietMs = loud ? 0 : this.#quietMs + 20;
    if (!this.#options.script.automatic) return;
    if (turnDetection === null) {
      if (!loud || !writesMeanwhile(model)) return;
      this.#item ??= this.#begin(at);
      this.#item.spokenMs += 20;
      if (this.#item.spokenMs % 240 === 0) this.#write(this.#item);
      return;
    }
    if (this.#item === null) {
      if (this.#loudMs < startMs) return;
      const item = this.#begin(Math.max(0, at - startMs - turnDetection.prefixMs));
      this.#item = item;
      this.send({ type: "input_audio_buffer.speech_started", audio_start_ms: item.from, item_id: item.id });
    } else if (this.#quietMs >= turnDetection.silenceMs) {
      this.send({ type: "input_audio_buffer.speech_stopped", audio_end_ms: at, item_id: this.#item.id });
      this.#commit(this.#item);
    }
  }

  #begin(from: number): Item {
    const { script } = this.#options;
    const position = { turn: script.turns++, connection: this.index };
    const { phrases } = script;
    const text =
      typeof phrases === "function" ? phrases(position) : (phrases[position.turn % phrases.length] ?? "");
    return { id: `item_${this.index}_${this.#turns++}`, text, from, spokenMs: 0, written: "" };
  }

  /** Writes what is known so far. The words are final: they are only added to. */
  #write(item: Item): void {
    const known = spokenPart(item.text, item.written, 0);
    const words = wordsIn(item.text).slice(0, wordsIn(known).length).join(" ");
    const delta = words.slice(item.written.length);
    if (delta === "") return;
    item.written = words;
    this.send({ ...transcription("delta", item), delta });
  }

  #commitAsked(): void {
    if (this.#bufferedMs < leastMs) {
      throw new Refusal(
        400,
        `Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has ${this.#bufferedMs.toFixed(2)}ms of audio.`,
        { code: "input_audio_buffer_commit_empty" },
      );
    }
    if (this.#options.script.automatic) this.#commit(this.#item ?? this.#begin(0));
  }

  #commit(item: Item): void {
    const previous = this.#last;
    this.#last = item.id;
    this.#item = null;
    this.#bufferedMs = 0;
    this.send({ type: "input_audio_buffer.committed", item_id: item.id, previous_item_id: previous });
    const content = [{ type: "input_audio", transcript: null }];
    const shown = {
      id: item.id,
      type: "message",
      object: "realtime.item",
      status: "completed",
      role: "user",
      content,
    };
    this.send({ type: "conversation.item.added", previous_item_id: previous, item: shown });
    this.send({ type: "conversation.item.done", previous_item_id: previous, item: shown });
    const { script, fault } = this.#options;
    if (fault.neverTranscribes) return;
    this.#after(typeof script.wordsMs === "function" ? script.wordsMs(item.id) : script.wordsMs, () =>
      this.#transcribe(item),
    );
  }

  #transcribe(item: Item): void {
    const failure = this.#options.script.failures.shift();
    if (failure !== undefined) {
      this.send({
        ...transcription("failed", item),
        error: { type: "transcription_error", param: null, ...failure },
      });
      return;
    }
    const rest = item.text.slice(item.written.length);
    for (const word of rest.match(/\s*\S+/g) ?? [])
      this.send({ ...transcription("delta", item), delta: word });
    const usage = { type: "duration", seconds: Math.ceil(item.spokenMs / 1_000) };
    this.send({ ...transcription("completed", item), transcript: item.text, usage });
  }

  #shown(session: Readonly<Record<string, unknown>>): object {
    const expires_at = Math.floor(Date.now() / 1_000) + 3_600;
    return {
      object: "realtime.transcription_session",
      id: `sess_${this.index}`,
      expires_at,
      type: "transcription",
      ...session,
    };
  }

  #after(delayMs: number | undefined, happen: () => void): void {
    if (delayMs === 0) happen();
    else if (delayMs !== undefined) this.#timers.push(setTimeout(happen, delayMs));
  }

  #log(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#options.log.add(`realtime_${kind}`, { connection: this.index, ...details });
  }
}

const transcription = (what: string, { id }: Item) => ({
  type: `conversation.item.input_audio_transcription.${what}`,
  item_id: id,
  content_index: 0,
});
