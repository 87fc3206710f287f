import type { SpeechEvent, SpeechStream } from "../../../agent/stt.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { pause } from "../../../shared/back-off.ts";
import { within } from "../../../shared/deadline.ts";
import { now } from "../../../shared/protocol.ts";
import { DeepgramConnection } from "../connection/deepgram-connection.ts";
import { retryDelayMs, stableAfterMs } from "../connection/retry.ts";
import type { DeepgramSdk } from "../connection/sdk.ts";
import { DeepgramError } from "../error.ts";
import type { FilledDeepgramOptions } from "../options.ts";
import { type MessageReader, noSignals, type Protocol, type TurnSignal } from "../protocol/protocol.ts";
import { SendBuffer } from "./send-buffer.ts";
import { SilenceFiller } from "./silence-filler.ts";
import { SpeechEventQueue } from "./speech-event-queue.ts";
import { type TimedSignal, Turns } from "./turns.ts";
import { UnansweredSound } from "./unanswered-sound.ts";

/** The sound that may wait behind a slow network, in milliseconds. The rest stays where it can be dropped. */
const maxBufferedMs = 1_000;

/**
 * The sound that is kept outside of a turn, in seconds, since a turn may begin in it before Deepgram reports
 * that.
 */
const onsetSeconds = 0.5;

export interface DeepgramStreamOptions {
  readonly sdk: DeepgramSdk;
  readonly settings: FilledDeepgramOptions;
  readonly protocol: Protocol;
  /** Ends the stream at once. */
  readonly signal: AbortSignal;
}

/** The transitions are `opening → open → closing → closed`; `closed` also follows every earlier state. */
type StreamState = "opening" | "open" | "closing" | "closed";

/** The stream of one participant, over one connection after another. */
export class DeepgramStream implements SpeechStream {
  readonly #options: DeepgramStreamOptions;
  readonly #events = new SpeechEventQueue();
  readonly #turns = new Turns((event) => this.#events.push(event));
  readonly #silence = new SilenceFiller((samples) => this.#fill(samples));
  /** Ends the pauses between connections. */
  readonly #lifetime = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: StreamState = "opening";
  #buffer: SendBuffer;
  #reader: MessageReader = { read: () => noSignals };
  #connection: DeepgramConnection | null = null;
  #openedAt: number | null = null;
  #rateKnown = false;
  #givenMs = 0;
  #reportedDroppedMs = 0;
  readonly #unanswered: UnansweredSound;
  #closing: Promise<void> | null = null;

  constructor(options: DeepgramStreamOptions) {
    this.#options = options;
    const { sampleRate, maxUnheardMs, stallTimeoutMs } = options.settings;
    this.#buffer = new SendBuffer(sampleRate, maxUnheardMs);
    this.#unanswered = new UnansweredSound(stallTimeoutMs);
    // The rejection need not be handled where nobody waits.
    this.#opened.promise.catch(() => {});
    options.signal.addEventListener("abort", this.#abort, { once: true });
    if (options.signal.aborted) this.#abort();
    else void this.#run();
  }

  /** Resolves when the first connection is open. Rejects where there will be none. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Resolves when everything is released. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get audioDurationMs(): number {
    return this.#givenMs;
  }

  /** Returns the sound that Deepgram was never given, since there was no connection for too long, in milliseconds. */
  get droppedMs(): number {
    return this.#buffer.droppedMs;
  }

  write({ samples, sampleRate }: PcmFrame): void {
    if (this.#state === "closing" || this.#state === "closed" || samples.length === 0) return;
    if (!this.#rateKnown) this.#learnRate(sampleRate);
    if (sampleRate !== this.#buffer.sampleRate) {
      this.#fail(
        new DeepgramError(
          `The sound has ${sampleRate} Hz, but the stream was opened for ${this.#buffer.sampleRate} Hz`,
          {
            code: "ERR_SAMPLE_RATE",
            retryable: false,
          },
        ),
      );
      return;
    }
    this.#silence.interrupt(sampleRate);
    this.#buffer.write(samples, now());
    this.#pump();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /**
   * Takes the sample rate of the first sound. A connection for another rate is replaced, since nothing was
   * sent over it.
   */
  #learnRate(sampleRate: number): void {
    this.#rateKnown = true;
    if (sampleRate === this.#buffer.sampleRate) return;
    if (!this.#options.protocol.takes(sampleRate)) return;
    this.#buffer = new SendBuffer(sampleRate, this.#options.settings.maxUnheardMs);
    this.#connection?.fail(null);
  }

  /** Keeps a connection open until the stream ends. */
  async #run(): Promise<void> {
    const { settings } = this.#options;
    let failures = 0;
    while (!this.#lifetime.signal.aborted) {
      const { error, stable } = await this.#connect();
      if (error === null || this.#lifetime.signal.aborted) continue;
      failures = stable ? 1 : failures + 1;
      const waitMs = retryDelayMs(error, failures, settings);
      if (waitMs === null) {
        this.#fail(error);
        return;
      }
      this.#events.push({ type: "error", error, fatal: false });
      await pause(waitMs, { signal: this.#lifetime.signal }).catch(() => {});
    }
  }

  /** Resolves at the end of a connection, with its error and whether it had been stable. */
  #connect(): Promise<{ readonly error: DeepgramError | null; readonly stable: boolean }> {
    const { promise, resolve } = Promise.withResolvers<{ error: DeepgramError | null; stable: boolean }>();
    this.#buffer.rewind();
    this.#reader = this.#options.protocol.reader();
    this.#connection = new DeepgramConnection({
      ...this.#options,
      sampleRate: this.#buffer.sampleRate,
      onOpen: () => this.#connected(),
      onMessage: (message) => this.#handleMessage(message),
      onEnd: (error) => {
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
    this.#unanswered.answered();
    this.#opened.resolve();
    this.#pump();
  }

  /** Sends the sound that waits, as far as the network takes it. */
  #pump(maxMs = maxBufferedMs): void {
    const connection = this.#connection;
    const maxBytes = (this.#buffer.sampleRate * 2 * maxMs) / 1_000;
    while (connection?.open && connection.bufferedAmount < maxBytes) {
      const chunk = this.#buffer.next();
      if (chunk === null) {
        this.#reportDropped();
        break;
      }
      this.#unanswered.sent(chunk.durationMs);
      this.#givenMs += chunk.durationMs;
      connection.send(chunk.samples);
    }
    this.#checkStalled();
  }

  /**
   * Replaces a stalled connection. Pings are answered also where sound is not. Messages that have arrived are
   * read first, since this thread may have been the slow one.
   */
  #checkStalled(): void {
    if (!this.#unanswered.stalled) return;
    const connection = this.#connection;
    setImmediate(() => {
      if (connection !== this.#connection || !this.#unanswered.stalled) return;
      const ms = Math.round(this.#unanswered.ms);
      const message = `Deepgram answered nothing to ${ms} ms of sound`;
      connection?.fail(new DeepgramError(message, { code: "ETIMEDOUT", retryable: true }));
    });
  }

  #handleMessage(message: unknown): void {
    const { signals, heardUntil } = this.#reader.read(message);
    if (signals.length > 0 || heardUntil !== null) this.#unanswered.answered();
    for (const signal of signals) this.#turns.update(this.#withTime(signal));
    if (heardUntil !== null) {
      const over = this.#turns.open || signals.some(({ type }) => type === "end");
      this.#buffer.heard(over ? heardUntil : heardUntil - onsetSeconds);
      this.#turns.heard(heardUntil);
    }
    this.#silence.wanted = this.#turns.open;
    this.#pump();
  }

  #withTime(signal: TurnSignal): TimedSignal {
    if (!("text" in signal)) return signal;
    const { type, text, speechEnd } = signal;
    return { type, text, speechEndedAt: speechEnd === null ? null : this.#buffer.writtenAt(speechEnd) };
  }

  /** Sends silence where no sound comes although a turn has to end. */
  #fill(samples: Int16Array): void {
    if (!this.#connection?.open) return;
    this.#buffer.write(samples, now());
    this.#pump();
  }

  /** Reports the sound that was dropped, once the connection has caught up. */
  #reportDropped(): void {
    const droppedMs = this.droppedMs - this.#reportedDroppedMs;
    if (droppedMs === 0) return;
    this.#reportedDroppedMs = this.droppedMs;
    const error = new DeepgramError(
      `Deepgram could not be reached: ${Math.round(droppedMs)} ms of sound were dropped`,
      {
        code: "ENOBUFS",
        retryable: true,
      },
    );
    this.#events.push({ type: "error", error, fatal: false });
  }

  /** Ends the stream because of an error. */
  #fail(error: DeepgramError): void {
    if (this.#state !== "opening") {
      this.#turns.giveUp();
      this.#events.push({ type: "error", error, fatal: true });
    }
    this.#end(error);
  }

  readonly #abort = (): void => {
    this.#end(this.#options.signal.reason);
  };

  async #close(): Promise<void> {
    const connection = this.#connection;
    if (this.#state === "open" && connection?.open) {
      this.#state = "closing";
      this.#lifetime.abort();
      this.#silence.stop();
      this.#buffer.flush();
      this.#pump(Number.POSITIVE_INFINITY);
      connection.finish();
      const { closeTimeoutMs } = this.#options.settings;
      // After the deadline the connection is closed without its last words.
      await within(connection.ended, closeTimeoutMs, "The last words").catch(() => {});
    }
    this.#end(new DOMException("The stream was closed", "AbortError"));
  }

  #end(reason: unknown): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#options.signal.removeEventListener("abort", this.#abort);
    this.#lifetime.abort();
    this.#silence.stop();
    this.#connection?.fail(null);
    this.#events.end();
    this.#opened.reject(reason);
    this.#ended.resolve();
  }
}
