import { AsyncQueue } from "../agent/async-queue.ts";
import { type Checks, checkOptions, list, number, texts } from "../agent/options/option-checks.ts";
import type {
  ListenOptions,
  SpeechEvent,
  SpeechStream as SpeechStreamInterface,
  STT as STTInterface,
} from "../agent/stt.ts";
import { TurnDetector } from "../audio/detection/turn-detector.ts";
import { durationMs, level } from "../audio/pcm.ts";
import type { PcmFrame } from "../audio/pcm-frame.ts";
import { within } from "../shared/deadline.ts";
import { now } from "../shared/protocol.ts";

/** The options of a scripted recogniser. */
export interface SttOptions {
  /**
   * The words that are "recognised", turn after turn, whoever speaks: any loud sound counts as speech. A turn
   * after the last one is recognised without words.
   * @default none; events come only from the test
   */
  readonly transcripts?: readonly string[];
  /**
   * The silence that ends a turn, in milliseconds of sound.
   * @default 400
   */
  readonly endMs?: number;
  /**
   * The errors that `listen` throws, one for each call; after those it listens.
   * @default none
   */
  readonly failures?: readonly Error[];
}

const checks: Checks<SttOptions> = {
  transcripts: texts,
  endMs: number(20, 60_000),
  failures: list("errors"),
};

/** The level from which sound counts as loud, 0–32,768. */
const loud = 300;

/**
 * A recogniser that hears what a test tells it.
 *
 * ```ts
 * const stt = new testing.STT({ transcripts: ["What is the weather?"] });   // turns by the sound, words by the test
 * const stream = await stt.stream("alice");                                 // or all of it by the test
 * stream.started(); stream.eagerEnd("What is"); stream.resumed(); stream.ended("What is the weather?");
 * ```
 */
export interface STT extends STTInterface {
  readonly provider: "testing";
  readonly model: "script";
  /** The streams so far, closed ones included. */
  readonly streams: SpeechStream[];
  /**
   * Resolves with the participant's open stream, once the agent listens to them.
   * @throws a `DeadlineError` where it does not within 10 s
   */
  stream(participantId: string): Promise<SpeechStream>;
  listen(options: ListenOptions): Promise<SpeechStream>;
}

/** The recogniser's stream of one participant. Each method that a test calls emits the event of its name to the agent. */
export interface SpeechStream extends SpeechStreamInterface {
  readonly participantId: string;
  /** The sound that was written. */
  readonly written: PcmFrame[];
  /** False once the stream has ended. */
  readonly open: boolean;
  started(): void;
  /** Reports all words of the turn so far. */
  partial(text: string): void;
  /**
   * Reports that the turn has probably ended.
   * @param speechEndedAt The time of the last speech, in epoch milliseconds. Default: the time at which loud sound was last
   * written; null where there was none.
   */
  eagerEnd(text: string, speechEndedAt?: number | null): void;
  resumed(): void;
  /**
   * Reports that the turn has ended.
   * @param speechEndedAt As that of {@link eagerEnd}.
   */
  ended(text: string, speechEndedAt?: number | null): void;
  /** Reports a whole turn. */
  say(text: string): void;
  /**
   * Reports an error of the recogniser.
   * @param options With `fatal` the stream ends. Default: it goes on.
   */
  error(error: Error, options?: { readonly fatal?: boolean }): void;
}

class ScriptedStt implements STT {
  readonly provider = "testing";
  readonly model = "script";
  readonly streams: SpeechStream[] = [];
  readonly #options: SttOptions;
  readonly #transcripts: string[];
  readonly #failures: Error[];
  #changed = Promise.withResolvers<void>();

  constructor(options: SttOptions = {}) {
    checkOptions("testing.STT", options, checks);
    this.#options = options;
    this.#transcripts = [...(options.transcripts ?? [])];
    this.#failures = [...(options.failures ?? [])];
  }

  async stream(participantId: string): Promise<SpeechStream> {
    return within(this.#find(participantId), 10_000, `The agent listening to ${participantId}`);
  }

  async listen({ participantId, signal }: ListenOptions): Promise<SpeechStream> {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    signal.throwIfAborted();
    const { transcripts, endMs = 400 } = this.#options;
    const detector =
      transcripts === undefined
        ? null
        : new TurnDetector((frame) => level(frame) > loud, { startMs: 40, endMs });
    const stream = new ScriptedStream(participantId, signal, detector, () => this.#transcripts.shift());
    this.streams.push(stream);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return stream;
  }

  async close(): Promise<void> {
    await Promise.all(this.streams.map((stream) => stream.close()));
  }

  async #find(participantId: string): Promise<SpeechStream> {
    for (;;) {
      const found = this.streams.findLast((one) => one.participantId === participantId && one.open);
      if (found !== undefined) return found;
      await this.#changed.promise;
    }
  }
}

/** @throws a `TypeError` that names an option which does not exist or cannot be */
export const STT: new (options?: SttOptions) => STT = ScriptedStt;

class ScriptedStream implements SpeechStream {
  readonly participantId: string;
  readonly written: PcmFrame[] = [];
  readonly #events = new AsyncQueue<SpeechEvent>();
  readonly #signal: AbortSignal;
  readonly #detector: TurnDetector | null;
  readonly #nextTranscript: () => string | undefined;
  readonly #end = () => this.#stop();
  #audioDurationMs = 0;
  #lastLoudAt: number | null = null;
  #open = true;

  constructor(
    participantId: string,
    signal: AbortSignal,
    detector: TurnDetector | null,
    nextTranscript: () => string | undefined,
  ) {
    this.participantId = participantId;
    this.#signal = signal;
    this.#detector = detector;
    this.#nextTranscript = nextTranscript;
    signal.addEventListener("abort", this.#end, { once: true });
  }

  get open(): boolean {
    return this.#open;
  }

  get audioDurationMs(): number {
    return this.#audioDurationMs;
  }

  started(): void {
    this.#events.push({ type: "started" });
  }

  partial(text: string): void {
    this.#events.push({ type: "partial", text });
  }

  eagerEnd(text: string, speechEndedAt: number | null = this.#lastLoudAt): void {
    this.#events.push({ type: "eager_end", text, speechEndedAt });
  }

  resumed(): void {
    this.#events.push({ type: "resumed" });
  }

  ended(text: string, speechEndedAt: number | null = this.#lastLoudAt): void {
    this.#events.push({ type: "ended", text, speechEndedAt });
  }

  say(text: string): void {
    this.started();
    this.partial(text);
    this.ended(text);
  }

  error(error: Error, { fatal = false } = {}): void {
    this.#events.push({ type: "error", error, fatal });
    if (fatal) this.#stop();
  }

  write(frame: PcmFrame): void {
    if (!this.#open) return;
    const at = now();
    this.written.push(frame);
    this.#audioDurationMs += durationMs(frame);
    if (level(frame.samples) > loud) this.#lastLoudAt = at;
    for (const event of this.#detector?.push(frame, at) ?? []) {
      if (event.type === "started") this.started();
      else this.ended(this.#nextTranscript() ?? "", event.speechEndedAt);
    }
  }

  async close(): Promise<void> {
    this.#stop();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  #stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#signal.removeEventListener("abort", this.#end);
    this.#events.end();
  }
}
