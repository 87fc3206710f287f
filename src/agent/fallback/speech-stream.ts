import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { now } from "../../shared/protocol.ts";
import { AsyncQueue } from "../async-queue.ts";
import type { SpeechEvent, SpeechStream, STT } from "../stt.ts";
import { CarriedTurn } from "./carried-turn.ts";
import type { OpenEar, OpenEars } from "./open-ears.ts";

/** Sound that is kept while the next one is opened, in frames: 5 s of those of 20 ms. */
const mostKeptFrames = 250;
/** One that was open for so long has worked, even where nobody spoke. In milliseconds. */
const steadyAfterMs = 10_000;

/**
 * The recognition of one participant's speech by one of several recognisers. Where one fails in the middle, the next one
 * takes over, and a turn that was under way goes on with the words heard so far; between two turns an earlier one is tried
 * again.
 */
export class FallbackSpeechStream implements SpeechStream {
  readonly #transcription: OpenEars;
  readonly #events = new AsyncQueue<SpeechEvent>();
  readonly #turn: CarriedTurn;
  readonly #closing = new AbortController();
  /** Fires when it is closed, or not wanted any more. */
  readonly #over: AbortSignal;
  readonly #reading = new Set<Promise<void>>();
  /** The recognisers that have failed since one of them worked. */
  readonly #failures: Map<STT, unknown>;
  /** The one that listens; null while another is being opened. */
  #current: OpenEar | null = null;
  /** An earlier one that is to take over at the end of the turn. */
  #standby: OpenEar | null = null;
  #probing = false;
  #kept: PcmFrame[] = [];
  /** The sound that the recognisers before the current one heard, in milliseconds. */
  #earlierMs = 0;

  /** Begins with the ear that opened first. `failures`: those that failed to open before it did. */
  constructor(transcription: OpenEars, first: OpenEar, failures: Map<STT, unknown>) {
    this.#transcription = transcription;
    this.#failures = failures;
    this.#over = AbortSignal.any([transcription.signal, this.#closing.signal]);
    this.#turn = new CarriedTurn((event) => {
      this.#events.push(event);
      if (event.type === "ended") this.#betweenTurns();
    });
    this.#read(first);
    this.#use(first);
  }

  get audioDurationMs(): number {
    return this.#earlierMs + (this.#current?.stream.audioDurationMs ?? 0);
  }

  write(frame: PcmFrame): void {
    if (this.#current !== null) {
      this.#current.stream.write(frame);
      return;
    }
    this.#kept.push(frame);
    if (this.#kept.length > mostKeptFrames) this.#kept.shift();
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The participant is not listened to any more", "AbortError"));
    await Promise.all([this.#current, this.#standby].map((transcriber) => transcriber?.stream.close()));
    await Promise.all(this.#reading);
    this.#end();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Makes it the one that listens. */
  #use(transcriber: OpenEar): void {
    this.#current = transcriber;
    for (const frame of this.#kept.splice(0)) transcriber.stream.write(frame);
  }

  /** Takes what it hears until it ends, as long as it is the one that listens. */
  #read(transcriber: OpenEar): void {
    const reading = this.#follow(transcriber)
      .then((failure) => this.#ended(transcriber, failure))
      .finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  /** Resolves with why it ended. */
  async #follow(transcriber: OpenEar): Promise<unknown> {
    using _permit = transcriber.permit;
    try {
      for await (const event of transcriber.stream) {
        if (event.type === "error" && event.fatal) return event.error;
        if (this.#current !== transcriber) continue;
        if (event.type !== "error") this.#works(transcriber);
        this.#turn.take(event);
      }
    } catch (error) {
      return error;
    }
    return new Error(`${transcriber.member.provider} ${transcriber.member.model} has stopped to listen`);
  }

  #works(transcriber: OpenEar): void {
    this.#failures.clear();
    this.#transcription.succeeded(transcriber.member);
  }

  async #ended(transcriber: OpenEar, failure: unknown): Promise<void> {
    if (this.#over.aborted) {
      this.#end();
    } else if (transcriber === this.#standby) {
      this.#standby = null;
      this.#drop(transcriber);
      this.#transcription.failed(transcriber.member, failure, true);
    } else if (transcriber === this.#current) {
      if (now() - transcriber.openedAt >= steadyAfterMs) this.#works(transcriber);
      this.#failures.set(transcriber.member, failure);
      this.#earlierMs = this.audioDurationMs;
      this.#current = null;
      this.#drop(transcriber);
      this.#transcription.failed(transcriber.member, failure, true);
      this.#turn.interrupted();
      // Told once: to the watch, which learns whose it is, or else as an event.
      const error = failure instanceof Error ? failure : new Error(String(failure));
      if (!this.#transcription.watched) this.#events.push({ type: "error", error, fatal: false });
      await this.#replace();
    }
  }

  async #replace(): Promise<void> {
    try {
      if (this.#standby === null) {
        const next = await this.#transcription.open(this.#failures, this.#over);
        if (this.#over.aborted) this.#discard(next);
        this.#over.throwIfAborted();
        this.#read(next);
        this.#use(next);
      } else this.#promote(this.#standby);
      this.#turn.resumed();
    } catch (error) {
      if (!this.#over.aborted) this.#events.push({ type: "error", error: error as Error, fatal: true });
      this.#end();
    }
  }

  #betweenTurns(): void {
    if (this.#standby !== null) this.#promote(this.#standby);
    else if (!this.#probing) void this.#probe();
  }

  /** Tries an earlier one again. Never rejects. */
  async #probe(): Promise<void> {
    if (this.#current === null) return;
    this.#probing = true;
    const transcriber = await this.#transcription.openBetter(this.#current.member, this.#over);
    this.#probing = false;
    if (transcriber === null) return;
    // The current one may have been replaced meanwhile, by this very one even.
    const late = this.#over.aborted || this.#current === null;
    if (late || !this.#transcription.isBefore(transcriber.member, this.#current.member)) {
      this.#discard(transcriber);
      return;
    }
    this.#standby = transcriber;
    this.#read(transcriber);
    if (!this.#turn.open) this.#promote(transcriber);
  }

  #promote(transcriber: OpenEar): void {
    const before = this.#current;
    this.#earlierMs = this.audioDurationMs;
    this.#standby = null;
    this.#transcription.asked(transcriber.member);
    this.#use(transcriber);
    if (before !== null) this.#drop(before);
  }

  /** Closes one that is of no use any more. */
  #drop(transcriber: OpenEar): void {
    transcriber.cancel.abort(new DOMException("Another one listens", "AbortError"));
    transcriber.stream.close().catch(() => undefined);
  }

  /** Closes an ear that was never read. */
  #discard(transcriber: OpenEar): void {
    this.#drop(transcriber);
    transcriber.permit[Symbol.dispose]();
  }

  #end(): void {
    this.#turn.close();
    this.#events.end();
  }
}
