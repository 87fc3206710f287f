import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { BackOff } from "../../shared/back-off.ts";
import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import { wellFormed } from "../../shared/text/text.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import type { Message } from "../model/message.ts";
import type { RealtimeChange, RealtimeEvent, RealtimeModel, RealtimeSession } from "../realtime-model.ts";
import { ServiceUse } from "../service.ts";
import type { Tools } from "../tools/tools.ts";
import { RealtimeSound } from "./realtime-sound.ts";

export interface RealtimeConnectionOptions {
  /** Returns the model of the agent's role. */
  readonly model: () => RealtimeModel;
  readonly instructions: () => string;
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

/** Requests that are kept while no session is open. */
const mostWaitingRequests = 100;
/** The longest pause, as a multiple of the first one. */
const longestPause = 12;
/** The most characters of a session's handle. */
const mostOfHandle = 4_096;

/** The agent's connection with a speech-to-speech model: one session after the other, where sessions are lost. */
export class RealtimeConnection {
  readonly #context: CallContext;
  readonly #options: RealtimeConnectionOptions;
  #service: ServiceUse;
  readonly #backOff: BackOff;
  readonly #cancel = new AbortController();
  #running: Promise<void> | null = null;
  #session: RealtimeSession | null = null;
  /** The handle of the session before. */
  #handle: string | null;
  readonly #sound: RealtimeSound;
  #requests: ((session: RealtimeSession) => void)[] = [];
  #sessions = 0;
  /** A session is being opened, which knows of the conversation up to now. */
  #opening = false;
  /** The model of the session that is open, or is being opened; null where there is none. */
  #model: RealtimeModel | null = null;
  /** True where the role has changed while a session is being opened. */
  #isStale = false;
  /** Ends the use of the open session, for which another one is opened. */
  #leave: () => void = () => {};
  /** Sessions in a row that failed before they had worked. */
  #failures = 0;
  /** True once it was told that no session can be had. */
  #unreachable = false;

  constructor(context: CallContext, options: RealtimeConnectionOptions) {
    this.#context = context;
    this.#options = options;
    this.#handle = options.handle;
    this.#service = new ServiceUse(context, "llm", options.model());
    this.#sound = new RealtimeSound((audioInputDurationMs) =>
      context.measure({
        kind: "realtime",
        ...this.#service.labels,
        audioInputDurationMs,
        audioOutputDurationMs: 0,
      }),
    );
    const { hearingRetryMs: firstMs } = context.limits;
    this.#backOff = new BackOff({ firstMs, mostMs: firstMs * longestPause });
  }

  /** Opens the first session, in the background. Without effect where that was begun. */
  open(): void {
    this.#running ??= this.#run();
  }

  /** Returns the model that answers. */
  get model(): RealtimeModel {
    return this.#model ?? this.#options.model();
  }

  /** Has the session follow the agent's role as it is by now. Returns false where it takes another session. */
  change(): boolean {
    if (this.#opening) this.#isStale = true;
    return this.#session === null || this.#changed(this.#session);
  }

  /** Opens another session in the place of the one that is open. It follows the agent's role, and is shown the conversation. */
  replace(): void {
    if (this.#session === null) {
      this.#isStale = this.#opening;
      return;
    }
    this.#sound.leaveSession();
    this.#session = null;
    this.#model = null;
    this.#leave();
  }

  write(frame: PcmFrame): void {
    if (this.#cancel.signal.aborted) return;
    this.#sound.write(frame, this.model.capabilities.inputSampleRate);
  }

  /** Does this with the session, or once there is one. */
  send(request: (session: RealtimeSession) => void): void {
    this.open();
    if (this.#session) request(this.#session);
    else if (this.#requests.length < mostWaitingRequests) this.#requests.push(request);
  }

  /** Sets the handle of the session of the agent before, for the next session that is opened. */
  set handle(handle: string | null) {
    this.#handle = handle;
  }

  /** Returns the text by which another session goes on with this one; null where the model has no such thing. */
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
    if (this.#session !== null) await this.#closeSession(this.#session);
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
    const { history } = this.#options;
    const model = this.#options.model();
    const { provider } = model;
    this.#service = new ServiceUse(this.#context, "llm", model);
    using _permit = await this.#service.permit(signal);
    // Another role may have been taken on meanwhile.
    if (this.#options.model() !== model) return;
    this.#sessions += 1;
    this.#opening = true;
    this.#isStale = false;
    this.#model = model;
    const { handle } = this;
    // A handle is tried once.
    this.#handle = null;
    const known = handle === null ? {} : { handle };
    const request = { ...this.#role, messages: [...history()], ...known };
    const { joinTimeoutMs } = this.#context.limits;
    const wanted = new AbortController();
    const opening = model.open({ ...wellFormed(request), signal: AbortSignal.any([signal, wanted.signal]) });
    let session: RealtimeSession;
    try {
      const what = `To open a session with ${provider}`;
      session = await within(opening, joinTimeoutMs, what, signal, "limits.joinTimeoutMs");
    } catch (error) {
      this.#model = null;
      wanted.abort(error);
      // One that opens all the same is not left open.
      void opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    } finally {
      this.#opening = false;
    }
    if (this.#isStale && !this.#changed(session)) {
      // As for one that is replaced, the next session does not wait for its end, which may take long.
      this.#model = null;
      void this.#closeSession(session);
      return;
    }
    this.#session = session;
    await this.#use(session, model, signal);
  }

  /** Returns the part of the agent's role that a session is told. */
  get #role(): RealtimeChange {
    const { instructions, tools } = this.#options;
    return { instructions: instructions(), functions: tools().declarations };
  }

  /** Has a session follow the agent's role. Returns false where it cannot. */
  #changed(session: RealtimeSession): boolean {
    if (session.change === undefined || this.#options.model() !== this.#model) return false;
    session.change(wellFormed(this.#role));
    return true;
  }

  async #use(session: RealtimeSession, model: RealtimeModel, signal: AbortSignal): Promise<void> {
    const { onLost } = this.#options;
    const left = Promise.withResolvers<void>();
    this.#leave = left.resolve;
    // Some let everybody in, and hang up at once.
    const lasts = setTimeout(() => this.#works(), this.#context.limits.hearingRetryMs).unref();
    try {
      this.#sound.useSession(session, model.capabilities.inputSampleRate);
      for (const send of this.#requests.splice(0)) send(session);
      // A session that was left may take its time to end: nobody waits for it.
      await Promise.race([this.#listen(session, signal), left.promise]);
      if (!signal.aborted && this.#session === session)
        throw new Error(`${model.provider} ${model.model} has ended the session`);
    } catch (error) {
      if (!signal.aborted) onLost(error);
      throw error;
    } finally {
      clearTimeout(lasts);
      if (this.#session === session) this.#sound.leaveSession();
      const closed = this.#closeSession(session);
      if (this.#session === session) {
        this.#handle = session.handle ?? null;
        this.#session = null;
        this.#model = null;
      }
      // The next session does not wait for it, which may take long. At the end of the call it has the time that all parts have.
      if (signal.aborted) await closed;
    }
  }

  async #listen(session: RealtimeSession, signal: AbortSignal): Promise<void> {
    for await (const event of session) {
      if (signal.aborted || this.#session !== session) continue;
      this.#works();
      if (event.type === "error") this.#failed(event.error, "The model reported an error");
      else this.#options.onEvent(event);
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

  async #closeSession(session: RealtimeSession): Promise<void> {
    try {
      await session.close();
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
