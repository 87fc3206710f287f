import type { SpeechEvent, SpeechStream } from "../../agent/stt.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { Resampler } from "../../audio/resampler.ts";
import { within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";
import { KeptConnection } from "./kept-connection.ts";
import type { ListeningError, ListeningSettings, Recogniser } from "./recogniser.ts";
import { SendBuffer } from "./send-buffer.ts";
import { SilenceFiller } from "./silence-filler.ts";
import { SpeechEventQueue } from "./speech-event-queue.ts";
import {
  type MessageReader,
  noSignals,
  type TurnMark,
  type TurnSignal,
  type TurnSignals,
} from "./turn-signal.ts";
import { type TimedSignal, Turns } from "./turns.ts";
import { UnansweredSound } from "./unanswered-sound.ts";

/** The sound that may wait behind a slow network, in milliseconds. The rest stays where it can be dropped. */
const maxBufferedMs = 1_000;

/**
 * The sound that is kept outside of a turn, in seconds, since a turn may begin in it before the service reports that: where the
 * service tells what it has heard, and elsewhere.
 */
const onsetSeconds = 0.5;
const untimedOnsetSeconds = 1;

/** The silence on a new connection after which a turn is not heard again that began over the former one, in seconds. */
const untimedContinuationSeconds = 2;

export interface StreamedSpeechOptions {
  readonly recogniser: Recogniser;
  readonly settings: ListeningSettings;
  /** Ends the stream at once. */
  readonly signal: AbortSignal;
}

/** The transitions are `opening → open → closing → closed`; `closed` also follows every earlier state. */
type StreamState = "opening" | "open" | "closing" | "closed";

/** The stream of one participant, over one connection after another. */
export class StreamedSpeech implements SpeechStream {
  readonly #options: StreamedSpeechOptions;
  readonly #events = new SpeechEventQueue();
  readonly #turns = new Turns((event) => this.#events.push(event));
  readonly #silence = new SilenceFiller((samples) => this.#fill(samples));
  readonly #connections: KeptConnection;
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: StreamState = "opening";
  #buffer: SendBuffer;
  #resampler: Resampler | null = null;
  /** The sound that waited when the connection was begun, in seconds: it is heard once more. */
  #repeatedSeconds = 0;
  #reader: MessageReader = { read: () => noSignals };
  #rateKnown = false;
  #givenMs = 0;
  readonly #unanswered: UnansweredSound;
  #closing: Promise<void> | null = null;

  constructor(options: StreamedSpeechOptions) {
    this.#options = options;
    const { recogniser, settings } = options;
    const { sampleRate, maxUnheardMs, stallTimeoutMs } = settings;
    this.#buffer = new SendBuffer(sampleRate, maxUnheardMs);
    this.#unanswered = new UnansweredSound(stallTimeoutMs);
    this.#connections = new KeptConnection({
      recogniser,
      settings,
      onConnect: () => this.#beginConnection(),
      onOpen: () => this.#connected(),
      onMessage: (message) => {
        this.#apply(this.#reader.read(message));
        this.#pump();
      },
      onLost: () => this.#turns.connectionLost(recogniser.timed),
      onError: (error) => this.#events.push({ type: "error", error, fatal: false }),
      onGivenUp: (error) => this.#fail(error),
    });
    // The rejection need not be handled where nobody waits.
    this.#opened.promise.catch(() => {});
    options.signal.addEventListener("abort", this.#abort, { once: true });
    if (options.signal.aborted) this.#abort();
    else void this.#connections.run();
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

  /** Returns the sound that the service was never given, since there was no connection for too long, in milliseconds. */
  get droppedMs(): number {
    return this.#buffer.droppedMs;
  }

  write({ samples, sampleRate }: PcmFrame): void {
    if (this.#state === "closing" || this.#state === "closed" || samples.length === 0) return;
    if (!this.#rateKnown) this.#learnRate(sampleRate);
    const sound = this.#atRate(samples, sampleRate);
    if (sound === null) {
      const message = `The sound has ${sampleRate} Hz, but the stream was opened for ${this.#buffer.sampleRate} Hz`;
      this.#fail(this.#options.recogniser.failure(message, "ERR_SAMPLE_RATE", false));
      return;
    }
    if (this.#options.recogniser.turnsBy === "service") this.#silence.interrupt(this.#buffer.sampleRate);
    this.#buffer.write(sound, now());
    this.#pump();
  }

  /** Notes that a turn begins or ends with the sound that was written so far. */
  mark(mark: TurnMark): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#buffer.mark(mark);
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
    if (!this.#options.recogniser.takes(sampleRate)) return;
    this.#buffer = new SendBuffer(sampleRate, this.#options.settings.maxUnheardMs);
    this.#connections.current?.fail(null);
  }

  /** Returns the sound at the rate of the connection; null where it cannot be brought there. */
  #atRate(samples: Int16Array, sampleRate: number): Int16Array | null {
    if (sampleRate === this.#buffer.sampleRate) return samples;
    if (this.#options.recogniser.resampledTo === null) return null;
    if (this.#resampler?.from !== sampleRate) {
      this.#resampler = new Resampler(sampleRate, this.#buffer.sampleRate);
    }
    return this.#resampler.push(samples);
  }

  /** Returns the sample rate for a new connection. */
  #beginConnection(): number {
    this.#buffer.rewind();
    this.#repeatedSeconds = this.#buffer.heldSeconds;
    this.#reader = this.#options.recogniser.reader();
    return this.#buffer.sampleRate;
  }

  #connected(): void {
    if (this.#state === "opening") this.#state = "open";
    this.#unanswered.answered();
    this.#opened.resolve();
    this.#pump();
  }

  /** Sends the sound that waits, as far as the network takes it. */
  #pump(maxMs = maxBufferedMs): void {
    const connection = this.#connections.current;
    const maxBytes = (this.#buffer.sampleRate * 2 * maxMs) / 1_000;
    while (connection?.open && connection.bufferedAmount < maxBytes) {
      const chunk = this.#buffer.next();
      if (chunk === null) {
        this.#reportDropped();
        break;
      }
      if (chunk.mark === null) {
        this.#unanswered.sent(chunk.durationMs);
        this.#givenMs += chunk.durationMs;
        connection.send(chunk.samples);
        continue;
      }
      if (chunk.mark === "end") connection.commit?.();
      this.#apply(this.#reader.mark?.(chunk.mark, this.#buffer.sentSeconds) ?? noSignals);
    }
    if (this.#options.recogniser.timed) this.#checkStalled();
    else this.#forgetSilence();
  }

  /**
   * Replaces a stalled connection. Pings are answered also where sound is not. Messages that have arrived are
   * read first, since this thread may have been the slow one.
   */
  #checkStalled(): void {
    if (!this.#unanswered.stalled) return;
    const connection = this.#connections.current;
    setImmediate(() => {
      if (connection !== this.#connections.current || !this.#unanswered.stalled) return;
      const ms = Math.round(this.#unanswered.ms);
      const { recogniser } = this.#options;
      const message = `${recogniser.title} answered nothing to ${ms} ms of sound`;
      connection?.fail(recogniser.failure(message, "ETIMEDOUT", true));
    });
  }

  #apply({ signals, heardUntil }: TurnSignals): void {
    if (signals.length > 0 || heardUntil !== null) this.#unanswered.answered();
    for (const signal of signals) {
      if ("error" in signal) this.#events.push({ type: "error", error: signal.error, fatal: false });
      if (signal.type !== "error") this.#turns.update(this.#withTime(signal));
    }
    if (heardUntil !== null) {
      const over = this.#turns.open || signals.some(({ type }) => type === "end" || type === "failed");
      this.#buffer.heard(over ? heardUntil : heardUntil - onsetSeconds);
      if (this.#options.recogniser.timed) this.#turns.heard(heardUntil);
    }
    this.#silence.wanted = this.#turns.open;
  }

  /** Keeps no more silence than a turn may have begun in, where the service does not tell what it has heard. */
  #forgetSilence(): void {
    const sent = this.#buffer.sentSeconds;
    this.#turns.heard(sent - this.#repeatedSeconds - untimedContinuationSeconds);
    if (!this.#turns.open) this.#buffer.heard(sent - untimedOnsetSeconds);
  }

  #withTime(signal: Exclude<TurnSignal, { type: "error" }>): TimedSignal {
    if (!("text" in signal)) return signal;
    const { type, text, speechEnd } = signal;
    return { type, text, speechEndedAt: speechEnd === null ? null : this.#buffer.writtenAt(speechEnd) };
  }

  /** Sends silence where no sound comes although a turn has to end. */
  #fill(samples: Int16Array): void {
    if (!this.#connections.current?.open) return;
    this.#buffer.write(samples, now());
    this.#pump();
  }

  /** Reports the sound that was dropped, once the connection has caught up. */
  #reportDropped(): void {
    const droppedMs = this.#buffer.newlyDroppedMs();
    if (droppedMs === 0) return;
    const { recogniser } = this.#options;
    const message = `${recogniser.title} could not be reached: ${Math.round(droppedMs)} ms of sound were dropped`;
    const error = recogniser.failure(message, "ENOBUFS", true);
    this.#events.push({ type: "error", error, fatal: false });
  }

  /** Ends the stream because of an error. */
  #fail(error: ListeningError): void {
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
    const connection = this.#connections.current;
    if (this.#state === "open" && connection?.open) {
      this.#state = "closing";
      this.#connections.stop();
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
    this.#connections.stop();
    this.#silence.stop();
    this.#connections.current?.fail(null);
    this.#events.end();
    this.#opened.reject(reason);
    this.#ended.resolve();
  }
}
