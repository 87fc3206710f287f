import { setTimeout as delay } from "node:timers/promises";
import type { SpeechEvent, SpeechStream } from "../../agent/stt.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";
import { Connection } from "./connection.ts";
import { DeepgramError } from "./error.ts";
import { EventQueue } from "./event-queue.ts";
import type { FilledOptions } from "./options.ts";
import { nothing, type Protocol, type Reader, type TurnSignal } from "./protocol.ts";
import { retryDelayMs, stableAfterMs } from "./retry.ts";
import type { Sdk } from "./sdk.ts";
import { SilenceFiller } from "./silence-filler.ts";
import { Sound } from "./sound.ts";
import { type HeardSignal, Turns } from "./turns.ts";

/** Sound that may wait in this process behind a slow network, in milliseconds; the rest waits where it can be dropped. */
const maxBufferedMs = 1_000;

/** The sound that must be unanswered for a connection to be stalled, in milliseconds: less may end without an answer. */
const stalledSoundMs = 1_000;

/** Outside a turn, what was heard last is kept, in seconds: a turn may begin in it before Deepgram says so. */
const onsetSeconds = 0.5;

export interface StreamSetting {
  readonly sdk: Sdk;
  readonly options: FilledOptions;
  readonly protocol: Protocol;
  /** Ends the stream at once. */
  readonly signal: AbortSignal;
}

/** `opening → open → closing → closed`; closed also follows any earlier one. */
type StreamState = "opening" | "open" | "closing" | "closed";

/** One participant, heard over one connection after another. */
export class DeepgramStream implements SpeechStream {
  readonly #setting: StreamSetting;
  readonly #events = new EventQueue();
  readonly #turns = new Turns((event) => this.#events.push(event));
  readonly #silence = new SilenceFiller((samples) => this.#fill(samples));
  /** Ends the pauses between connections. */
  readonly #lifetime = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: StreamState = "opening";
  #sound: Sound;
  #reader: Reader = { read: () => nothing };
  #connection: Connection | null = null;
  #openedAt: number | null = null;
  #rateKnown = false;
  #givenMs = 0;
  #reportedDroppedMs = 0;
  /** The time since which sound goes out that nothing has answered, and how much of it. */
  #unanswered = { since: 0, ms: 0 };
  #closing: Promise<void> | null = null;

  constructor(setting: StreamSetting) {
    this.#setting = setting;
    this.#sound = new Sound(setting.options.sampleRate, setting.options.maxUnheardMs);
    // Rejections are for whoever waits; nobody has to.
    this.#opened.promise.catch(() => {});
    setting.signal.addEventListener("abort", this.#abort, { once: true });
    if (setting.signal.aborted) this.#abort();
    else void this.#run();
  }

  /** Resolves when the first connection is open; rejects where there will be none. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Resolves when all is freed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get audioDurationMs(): number {
    return this.#givenMs;
  }

  /** Sound that Deepgram was never given, because there was no connection for too long, in milliseconds. */
  get droppedMs(): number {
    return this.#sound.droppedMs;
  }

  write({ samples, sampleRate }: PcmFrame): void {
    if (this.#state === "closing" || this.#state === "closed" || samples.length === 0) return;
    if (!this.#rateKnown) this.#learnRate(sampleRate);
    if (sampleRate !== this.#sound.sampleRate) {
      this.#fail(
        new DeepgramError(`Sound of ${sampleRate} Hz, where ${this.#sound.sampleRate} Hz are listened to`, {
          code: "ERR_SAMPLE_RATE",
          retryable: false,
        }),
      );
      return;
    }
    this.#silence.interrupt(sampleRate);
    this.#sound.write(samples, now());
    this.#pump();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** The first sound tells its rate. A connection for another one is replaced: nothing was sent over it. */
  #learnRate(sampleRate: number): void {
    this.#rateKnown = true;
    if (sampleRate === this.#sound.sampleRate) return;
    if (!this.#setting.protocol.takes(sampleRate)) return;
    this.#sound = new Sound(sampleRate, this.#setting.options.maxUnheardMs);
    this.#connection?.fail(null);
  }

  /** Keeps a connection, until the end. */
  async #run(): Promise<void> {
    const { options } = this.#setting;
    let failures = 0;
    while (!this.#lifetime.signal.aborted) {
      const { error, stable } = await this.#connect();
      if (error === null || this.#lifetime.signal.aborted) continue;
      failures = stable ? 1 : failures + 1;
      const waitMs = retryDelayMs(error, failures, options);
      if (waitMs === null) {
        this.#fail(error);
        return;
      }
      this.#events.push({ type: "error", error, fatal: false });
      await delay(waitMs, undefined, { signal: this.#lifetime.signal }).catch(() => {});
    }
  }

  /** One connection, from dialling to its end. */
  #connect(): Promise<{ readonly error: DeepgramError | null; readonly stable: boolean }> {
    const { promise, resolve } = Promise.withResolvers<{ error: DeepgramError | null; stable: boolean }>();
    this.#sound.rewind();
    this.#reader = this.#setting.protocol.reader();
    this.#connection = new Connection({
      ...this.#setting,
      sampleRate: this.#sound.sampleRate,
      onOpen: () => this.#connected(),
      onMessage: (message) => this.#take(message),
      onOver: (error) => {
        const stable = this.#openedAt !== null && now() - this.#openedAt >= stableAfterMs;
        this.#connection = null;
        this.#openedAt = null;
        this.#turns.connectionLost();
        resolve({ error, stable });
      },
    });
    return promise;
  }

  #connected(): void {
    if (this.#state === "opening") this.#state = "open";
    this.#openedAt = now();
    this.#unanswered.ms = 0;
    this.#opened.resolve();
    this.#pump();
  }

  /** Sends what waits, as far as the network takes it. */
  #pump(maxMs = maxBufferedMs): void {
    const connection = this.#connection;
    const maxBytes = (this.#sound.sampleRate * 2 * maxMs) / 1_000;
    while (connection?.open && connection.bufferedAmount < maxBytes) {
      const chunk = this.#sound.next();
      if (chunk === null) {
        this.#reportDropped();
        break;
      }
      if (this.#unanswered.ms === 0) this.#unanswered.since = now();
      this.#unanswered.ms += chunk.durationMs;
      this.#givenMs += chunk.durationMs;
      connection.send(chunk.samples);
    }
    this.#watch();
  }

  /**
   * An open connection may have nobody at its other end: pings are answered then too, but sound is not. Before the verdict
   * whatever has arrived is read, since this thread may have been the slow one.
   */
  #watch(): void {
    if (!this.#stalled) return;
    const connection = this.#connection;
    setImmediate(() => {
      if (connection !== this.#connection || !this.#stalled) return;
      const ms = Math.round(this.#unanswered.ms);
      const message = `Deepgram answered nothing to ${ms} ms of sound`;
      connection?.fail(new DeepgramError(message, { code: "ETIMEDOUT", retryable: true }));
    });
  }

  get #stalled(): boolean {
    const { since, ms } = this.#unanswered;
    return ms >= stalledSoundMs && now() - since >= this.#setting.options.stallTimeoutMs;
  }

  #take(message: unknown): void {
    const { signals, heardUntil } = this.#reader.read(message);
    if (signals.length > 0 || heardUntil !== null) this.#unanswered.ms = 0;
    for (const signal of signals) this.#turns.take(this.#onTheClock(signal));
    if (heardUntil !== null) {
      const over = this.#turns.open || signals.some(({ type }) => type === "end");
      this.#sound.heard(over ? heardUntil : heardUntil - onsetSeconds);
      this.#turns.heard(heardUntil);
    }
    this.#silence.wanted = this.#turns.open;
    this.#pump();
  }

  #onTheClock(signal: TurnSignal): HeardSignal {
    if (!("text" in signal)) return signal;
    const { type, text, speechEnd } = signal;
    return { type, text, speechEndedAt: speechEnd === null ? null : this.#sound.writtenAt(speechEnd) };
  }

  /** No sound comes, but a turn has to end, for which Deepgram has to hear that it is silent. */
  #fill(samples: Int16Array): void {
    if (!this.#connection?.open) return;
    this.#sound.write(samples, now());
    this.#pump();
  }

  /** Reports the sound that was dropped, once it has caught up. */
  #reportDropped(): void {
    const droppedMs = this.droppedMs - this.#reportedDroppedMs;
    if (droppedMs === 0) return;
    this.#reportedDroppedMs = this.droppedMs;
    const error = new DeepgramError(`Deepgram was away: ${Math.round(droppedMs)} ms of sound were dropped`, {
      code: "ENOBUFS",
      retryable: true,
    });
    this.#events.push({ type: "error", error, fatal: false });
  }

  /** Listening is over, because of an error. */
  #fail(error: DeepgramError): void {
    if (this.#state !== "opening") {
      this.#turns.giveUp();
      this.#events.push({ type: "error", error, fatal: true });
    }
    this.#end(error);
  }

  readonly #abort = (): void => {
    this.#end(this.#setting.signal.reason);
  };

  async #close(): Promise<void> {
    const connection = this.#connection;
    if (this.#state === "open" && connection?.open) {
      this.#state = "closing";
      this.#lifetime.abort();
      this.#silence.stop();
      this.#sound.flush();
      this.#pump(Number.POSITIVE_INFINITY);
      connection.finish();
      const { closeTimeoutMs } = this.#setting.options;
      // Past it the connection is cut, and what was still to come is not missed.
      await within(connection.ended, closeTimeoutMs, "The last words").catch(() => {});
    }
    this.#end(new DOMException("The stream was closed", "AbortError"));
  }

  #end(reason: unknown): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#setting.signal.removeEventListener("abort", this.#abort);
    this.#lifetime.abort();
    this.#silence.stop();
    this.#connection?.fail(null);
    this.#events.end();
    this.#opened.reject(reason);
    this.#ended.resolve();
  }
}
