import { AsyncQueue } from "../agent/async-queue.ts";
import type { Message, ToolResult } from "../agent/model/message.ts";
import type {
  RealtimeChange,
  RealtimeEvent,
  RealtimeOpenRequest,
  RealtimeRequest,
} from "../agent/realtime-model.ts";
import type { Heard } from "../agent/turns/heard.ts";
import { TurnDetector } from "../audio/detection/turn-detector.ts";
import { durationMs, level } from "../audio/pcm.ts";
import type { PcmFrame } from "../audio/pcm-frame.ts";
import { tone } from "../providers/memory/tone.ts";
import { now } from "../shared/protocol.ts";
import type { RealtimeReply, RealtimeSession, RealtimeStep, Remembered } from "./realtime-session.ts";

interface Script {
  readonly characterMs: number;
  readonly endMs: number;
  readonly correlates: boolean;
  readonly truncates: boolean;
  readonly transcribes: "in_time" | "late" | "never";
  readonly asyncTools: boolean;
  readonly endsAnswers: boolean;
  readonly changes: boolean;
  readonly handle: string | null;
  readonly nextTranscript: () => string;
  readonly nextReply: (heard: string) => RealtimeReply;
  /** Returns the number of the next answer. */
  readonly nextAnswer: () => number;
}

/** The level from which sound counts as loud, 0–32 768. */
const loud = 300;
/** The sample rate of the answers, in hertz. */
const sampleRate = 24_000;

/** A session that does what its script and its test say. */
export class ScriptedSession implements RealtimeSession {
  readonly opened: RealtimeOpenRequest;
  readonly requests: RealtimeRequest[] = [];
  readonly results: ToolResult[] = [];
  readonly stopped: { readonly answerId: string; readonly heard: Heard }[] = [];
  readonly changed: RealtimeChange[] = [];
  readonly change?: (change: RealtimeChange) => void;
  readonly #script: Script;
  readonly #detector: TurnDetector;
  readonly #events = new AsyncQueue<RealtimeEvent | Error>();
  readonly #history: { role: "user" | "model"; text: string; answerId?: string }[] = [];
  /** The answers that are being made. Those that are broken off leave it. */
  readonly #answering = new Set<string>();
  #changed = Promise.withResolvers<void>();
  #heardMs = 0;
  #turns = 0;
  #open = true;

  constructor(opened: RealtimeOpenRequest, script: Script) {
    this.opened = opened;
    this.#script = script;
    if (script.changes) this.change = (change) => this.changed.push(change);
    this.#detector = new TurnDetector((frame) => level(frame) > loud, { startMs: 40, endMs: script.endMs });
    this.append(opened.messages);
  }

  get handle(): string | null {
    return this.#script.handle;
  }

  get open(): boolean {
    return this.#open;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  get history(): readonly Remembered[] {
    return this.#history.filter(({ text }) => text !== "").map(({ role, text }) => ({ role, text }));
  }

  tell(event: RealtimeEvent): void {
    this.#events.push(event);
  }

  lose(error: Error): void {
    this.#open = false;
    this.#events.push(error);
  }

  write(frame: PcmFrame): void {
    if (!this.#open) return;
    const at = now();
    this.#heardMs += durationMs(frame);
    for (const event of this.#detector.push(frame, at)) {
      if (event.type === "started") this.speechStarted();
      else this.speechEnded(this.#script.nextTranscript(), event.speechEndedAt);
    }
  }

  speechStarted(): void {
    this.#turns += 1;
    this.tell({ type: "speech_started", turnId: `turn_${this.#turns}` });
    for (const answerId of this.#answering) {
      this.tell({ type: "answer_ended", answerId, outcome: "interrupted" });
      this.#breakOff(answerId);
    }
  }

  speechEnded(text: string, speechEndedAt: number | null = now()): void {
    const turnId = `turn_${this.#turns}`;
    const { transcribes } = this.#script;
    const transcript = { type: "transcript", turnId, text, final: true } as const;
    if (transcribes === "in_time") this.tell(transcript);
    this.tell({ type: "speech_ended", turnId, speechEndedAt });
    this.#history.push({ role: "user", text });
    void this.#answer(turnId, this.#script.nextReply(text)).then(() => {
      if (transcribes === "late") this.tell(transcript);
    });
  }

  speak(reply: RealtimeReply): void {
    void this.#answer(null, reply);
  }

  request(request: RealtimeRequest): void {
    this.requests.push(request);
    if (request.type === "say") {
      void this.#answer(request.id, request.text);
      return;
    }
    const text = "text" in request.message ? request.message.text : "";
    this.#history.push({ role: "user", text });
    void this.#answer(request.id, this.#script.nextReply(text));
  }

  append(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.role === "tools") continue;
      this.#history.push({ role: message.role === "agent" ? "model" : "user", text: message.text });
    }
  }

  toolResult(result: ToolResult): void {
    this.results.push(result);
    this.#change();
  }

  stop(answerId: string, heard: Heard): void {
    this.stopped.push({ answerId, heard });
    const { truncates, characterMs } = this.#script;
    let left = Math.floor(heard.ms / characterMs);
    for (const entry of this.#history) {
      if (!truncates || entry.answerId !== answerId) continue;
      entry.text = entry.text.slice(0, left);
      left -= entry.text.length;
    }
    this.#breakOff(answerId);
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#events.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RealtimeEvent, void, void> {
    for await (const event of this.#events) {
      if (event instanceof Error) throw event;
      yield event;
    }
  }

  async #answer(answers: string | null, reply: RealtimeReply): Promise<void> {
    const place = this.#script.nextAnswer();
    const answerId = `answer_${place + 1}`;
    this.#answering.add(answerId);
    this.tell({ type: "answer_started", answerId, answers: this.#script.correlates ? answers : null });
    const made = typeof reply === "function" ? reply(this) : reply;
    const steps = typeof made === "string" ? [{ say: made }] : made;
    const calls: string[] = [];
    for (const [index, step] of steps.entries()) {
      if (!("call" in step) && calls.length > 0) await this.#resultsOf(calls, answerId);
      if (!this.#answering.has(answerId) || "hang" in step) return;
      if ("fail" in step) {
        this.#answering.delete(answerId);
        this.tell({ type: "answer_ended", answerId, outcome: "failed", error: new Error(step.fail) });
        return;
      }
      this.#perform(step, answerId, place, index, calls);
    }
    if (calls.length > 0) await this.#resultsOf(calls, answerId);
    if (!this.#answering.delete(answerId)) return;
    this.tell({ type: "usage", answerId, inputTokens: this.#history.length, outputTokens: steps.length });
    if (this.#script.endsAnswers) this.tell({ type: "answer_ended", answerId, outcome: "done" });
  }

  #perform(
    step: Exclude<RealtimeStep, { readonly hang: true } | { readonly fail: string }>,
    answerId: string,
    place: number,
    index: number,
    calls: string[],
  ): void {
    if ("call" in step) {
      const id = `call_${place + 1}_${index + 1}`;
      calls.push(id);
      const call = { id, name: step.call, arguments: step.arguments ?? {} };
      this.tell({ type: "tool_call", answerId, call });
      return;
    }
    const text = "say" in step ? step.say : step.write;
    this.#history.push({ role: "model", text, answerId });
    let fromMs = 0;
    for (const delta of text.match(/\s*\S+\s*$|\s*\S+/g) ?? [text]) {
      if ("write" in step) this.tell({ type: "text", answerId, delta });
      else {
        const ms = delta.length * this.#script.characterMs;
        const frame = tone(frequencyOf(place), ms, { sampleRate, fromMs });
        fromMs += ms;
        this.tell({ type: "words", answerId, delta });
        this.tell({ type: "sound", answerId, frame });
      }
    }
  }

  /** Waits for the results of these calls, unless the model goes on without them. */
  async #resultsOf(calls: string[], answerId: string): Promise<void> {
    const open = () => calls.some((id) => !this.results.some(({ callId }) => callId === id));
    while (!this.#script.asyncTools && this.#answering.has(answerId) && open()) await this.#changed.promise;
    calls.length = 0;
  }

  #breakOff(answerId: string): void {
    if (this.#answering.delete(answerId)) this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Returns the frequency of an answer, by its index among all answers of the model, in hertz: 300, 400 … 1,200, and again. */
export const frequencyOf = (index: number): number => 300 + 100 * (index % 10);
