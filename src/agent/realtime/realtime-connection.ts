import { durationMs } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { Resampler } from "../../audio/resampler.ts";
import { BackOff } from "../../shared/back-off.ts";
import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import { wellFormed } from "../../shared/text/text.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import type { Message } from "../model/message.ts";
import type { RealtimeEvent, RealtimeModel, RealtimeSession } from "../realtime-model.ts";
import { ServiceUse } from "../service.ts";
import type { Tools } from "../tools/tools.ts";

export interface RealtimeConnectionOptions {
  readonly model: RealtimeModel;
  readonly instructions: string;
  readonly tools: () => Tools;
  /** Returns the conversation so far. */
  readonly history: () => readonly Message[];
  /** The handle of the session of the agent before; null where there is none. */
  readonly handle: string | null;
  readonly onEvent: (event: RealtimeEvent) => void;
  /** The session is lost, with all that it was doing. Another one is opened. */
  readonly onLost: (error: unknown) => void;
  /** Called each time that no other session could be opened. It is tried again, with pauses that grow. */
  readonly onUnreachable: (error: unknown) => void;
  readonly onReached: () => void;
}

/** Sound that is kept while no session is open: 5 s of frames of 20 ms. */
const mostWaitingFrames = 250;
/** Requests that are kept while no session is open. */
const mostWaitingRequests = 100;
/** The longest pause, as a multiple of the first one. */
const longestPause = 12;
/** The most characters of a session's handle. */
const mostOfHandle = 4_096;
/** Sound that is counted at once, in milliseconds. */
const countedMs = 1_000;

/** The agent's connection with a speech-to-speech model: one session after the other, where sessions are lost. */
export class RealtimeConnection {
  readonly #context: CallContext;
  readonly #options: RealtimeConnectionOptions;
  readonly #service: ServiceUse;
  readonly #backOff: BackOff;
  readonly #cancel = new AbortController();
  #running: Promise<void> | null = null;
  #session: RealtimeSession | null = null;
  /** The handle of the session before. */
  #handle: string | null;
  #frames: PcmFrame[] = [];
  #requests: ((session: RealtimeSession) => void)[] = [];
  #sessions = 0;
  /** A session is being opened, which knows of the conversation up to now. */
  #opening = false;
  #resampler: Resampler | null = null;
  #uncountedMs = 0;
  /** Sessions in a row that failed before they had worked. */
  #failures = 0;
  /** True once it was told that no session can be had. */
  #unreachable = false;

  constructor(context: CallContext, options: RealtimeConnectionOptions) {
    this.#context = context;
    this.#options = options;
    this.#handle = options.handle;
    this.#service = new ServiceUse(context, "llm", options.model);
    const { hearingRetryMs: firstMs } = context.limits;
    this.#backOff = new BackOff({ firstMs, mostMs: firstMs * longestPause });
  }

  /** Opens the first session, in the background. Without effect where that was begun. */
  open(): void {
    this.#running ??= this.#run();
  }

  write(frame: PcmFrame): void {
    if (this.#cancel.signal.aborted) return;
    const { inputSampleRate } = this.#options.model.capabilities;
    if (this.#resampler?.from !== frame.sampleRate)
      this.#resampler = new Resampler(frame.sampleRate, inputSampleRate);
    const samples = this.#resampler.push(frame.samples);
    const heard = { samples, sampleRate: inputSampleRate };
    if (this.#session) this.#hand(this.#session, heard);
    else {
      this.#frames.push(heard);
      if (this.#frames.length > mostWaitingFrames) this.#frames.shift();
    }
  }

  /** Does this with the session, or once there is one. */
  send(request: (session: RealtimeSession) => void): void {
    this.open();
    if (this.#session) request(this.#session);
    else if (this.#requests.length < mostWaitingRequests) this.#requests.push(request);
  }

  /** Returns the text by which another session goes on with this one; null where the model has no such thing. */
  /** Sets the handle of the session of the agent before, for the next session that is opened. */
  set handle(handle: string | null) {
    this.#handle = handle;
  }

  get handle(): string | null {
    const handle = this.#session?.handle ?? this.#handle;
    return handle !== null && handle.length > mostOfHandle ? null : handle;
  }

  /** Returns the number of the session that is open, or is being opened. */
  get session(): number {
    return this.#sessions;
  }

  /** Adds to the history of the session what that does not know. One that is not opened yet will be shown the conversation. */
  append(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    if (this.#session || this.#opening) this.send((session) => session.append(messages));
  }

  /** Does this with the session that is open; not with another one, which would not know what it is about. */
  sendNow(request: (session: RealtimeSession) => void): void {
    if (this.#session) request(this.#session);
  }

  async close(): Promise<void> {
    this.#cancel.abort(new DOMException("The conversation is over", "AbortError"));
    await this.#closeSession();
    await this.#running;
  }

  /** Keeps a session open until it is cancelled. Never rejects. */
  async #run(): Promise<void> {
    const signal = AbortSignal.any([this.#context.signal, this.#cancel.signal]);
    while (!signal.aborted) {
      try {
        await this.#converse(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error, "The session with the model is lost");
        await this.#giveUp(error, signal);
      }
    }
  }

  /** Holds the permit until the session has ended. Throws what it ended of, unless nobody needs it any more. */
  async #converse(signal: AbortSignal): Promise<void> {
    const { model, instructions, tools, history } = this.#options;
    const { provider } = model;
    using _permit = await this.#service.permit(signal);
    this.#sessions += 1;
    this.#opening = true;
    const { handle } = this;
    // A handle is tried once.
    this.#handle = null;
    const known = handle === null ? {} : { handle };
    const request = { instructions, functions: tools().declarations, messages: [...history()], ...known };
    const { joinTimeoutMs } = this.#context.limits;
    const wanted = new AbortController();
    const opening = model.open({ ...wellFormed(request), signal: AbortSignal.any([signal, wanted.signal]) });
    try {
      const what = `To open a session with ${provider}`;
      this.#session = await within(opening, joinTimeoutMs, what, signal, "limits.joinTimeoutMs");
    } catch (error) {
      wanted.abort(error);
      // One that opens all the same is not left open.
      void opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    } finally {
      this.#opening = false;
    }
    await this.#use(this.#session, signal);
  }

  async #use(session: RealtimeSession, signal: AbortSignal): Promise<void> {
    const { model, onEvent, onLost } = this.#options;
    // Some let everybody in, and hang up at once.
    const lasts = setTimeout(() => this.#works(), this.#context.limits.hearingRetryMs).unref();
    try {
      for (const frame of this.#frames.splice(0)) this.#hand(session, frame);
      for (const send of this.#requests.splice(0)) send(session);
      for await (const event of session) {
        if (signal.aborted) continue;
        this.#works();
        if (event.type === "error") this.#failed(event.error, "The model reported an error");
        else onEvent(event);
      }
      if (!signal.aborted) throw new Error(`${model.provider} ${model.model} has ended the session`);
    } catch (error) {
      if (!signal.aborted) onLost(error);
      throw error;
    } finally {
      clearTimeout(lasts);
      this.#count();
      this.#handle = session.handle ?? null;
      await this.#closeSession();
      this.#session = null;
      this.#resampler = null;
    }
  }

  #works(): void {
    this.#failures = 0;
    if (!this.#unreachable) return;
    this.#unreachable = false;
    this.#options.onReached();
  }

  /** Waits before another session is opened: the first time not at all. */
  async #giveUp(error: unknown, signal: AbortSignal): Promise<void> {
    const failures = this.#failures++;
    if (failures === 0) return;
    this.#unreachable = true;
    this.#options.onUnreachable(error);
    await this.#backOff.pause(failures, { signal, ref: false }).catch(() => undefined);
  }

  #hand(session: RealtimeSession, frame: PcmFrame): void {
    session.write(frame);
    this.#uncountedMs += durationMs(frame);
    if (this.#uncountedMs >= countedMs) this.#count();
  }

  #count(): void {
    if (this.#uncountedMs === 0) return;
    const audioInputDurationMs = this.#uncountedMs;
    this.#uncountedMs = 0;
    const { labels } = this.#service;
    this.#context.measure({ kind: "realtime", ...labels, audioInputDurationMs, audioOutputDurationMs: 0 });
  }

  async #closeSession(): Promise<void> {
    try {
      await this.#session?.close();
    } catch (error) {
      this.#context.log.warn(
        { event: "model_session_unclosed", err: plainError(error) },
        "A session with the model was not closed",
      );
    }
  }

  #failed(error: unknown, message: string): void {
    const { measure, log } = this.#context;
    const { provider } = this.#service.labels;
    measure({ kind: "error", component: "llm", provider, error: errorKind(error) });
    log.warn({ event: "model_failed", provider, err: plainError(error) }, message);
  }
}
