import { AsyncQueue } from "../async-queue.ts";
import type { PcmFrame } from "../audio.ts";
import type { SpeechEvent, SpeechStream } from "../stt.ts";
import { CarriedTurn } from "./carried-turn.ts";
import type { OpenEar, OpenEars } from "./open-ears.ts";

/** Sound that is kept while the next one is opened, in frames: 5 s of those of 20 ms. */
const mostKeptFrames = 250;

/**
 * What is heard of one participant, by whoever of several can. Where one fails in the middle the next one takes over, and a
 * turn that was under way goes on with the words heard so far; between two turns an earlier one is tried again.
 */
export class FallbackSpeechStream implements SpeechStream {
  readonly #ears: OpenEars;
  readonly #events = new AsyncQueue<SpeechEvent>();
  readonly #turn: CarriedTurn;
  readonly #closing = new AbortController();
  readonly #reading = new Set<Promise<void>>();
  /** The one that listens; null while another is being opened. */
  #current: OpenEar | null = null;
  /** An earlier one that is to take over at the end of the turn. */
  #standby: OpenEar | null = null;
  #probing = false;
  #kept: PcmFrame[] = [];
  /** Of those before the current one. */
  #earlierMs = 0;

  constructor(ears: OpenEars, first: OpenEar) {
    this.#ears = ears;
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
    this.#turn.close();
    await Promise.all([this.#current, this.#standby].map((ear) => ear?.stream.close()));
    await Promise.all(this.#reading);
    this.#events.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Makes it the one that listens. */
  #use(ear: OpenEar): void {
    this.#current = ear;
    this.#ears.succeeded(ear.member);
    for (const frame of this.#kept.splice(0)) ear.stream.write(frame);
  }

  /** Takes what it hears until it ends, as long as it is the one that listens. */
  #read(ear: OpenEar): void {
    const reading = this.#follow(ear)
      .then((failure) => this.#ended(ear, failure))
      .finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  /** Resolves with why it ended. */
  async #follow(ear: OpenEar): Promise<unknown> {
    try {
      for await (const event of ear.stream) {
        if (event.type === "error" && event.fatal) return event.error;
        if (this.#current === ear) this.#turn.take(event);
      }
    } catch (error) {
      return error;
    }
    return new Error(`${ear.member.provider} ${ear.member.model} has stopped to listen`);
  }

  async #ended(ear: OpenEar, failure: unknown): Promise<void> {
    if (this.#closing.signal.aborted || (ear !== this.#current && ear !== this.#standby)) return;
    this.#ears.failed(ear.member, failure);
    this.#drop(ear);
    if (ear === this.#standby) {
      this.#standby = null;
      return;
    }
    this.#earlierMs = this.audioDurationMs;
    this.#current = null;
    this.#turn.interrupted();
    const error = failure instanceof Error ? failure : new Error(String(failure));
    this.#events.push({ type: "error", error, fatal: false });
    await this.#replace();
  }

  async #replace(): Promise<void> {
    try {
      if (this.#standby === null) {
        const next = await this.#ears.open(this.#closing.signal);
        this.#read(next);
        this.#use(next);
      } else this.#promote(this.#standby);
      this.#turn.resumed();
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#turn.close();
      this.#events.push({ type: "error", error: error as Error, fatal: true });
      this.#events.end();
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
    const ear = await this.#ears.openBetter(this.#current.member, this.#closing.signal);
    this.#probing = false;
    if (ear === null) return;
    // The current one may have been replaced meanwhile, by this very one even.
    if (this.#current === null || !this.#ears.isBefore(ear.member, this.#current.member))
      return this.#drop(ear);
    this.#read(ear);
    if (this.#turn.open) this.#standby = ear;
    else this.#promote(ear);
  }

  #promote(ear: OpenEar): void {
    const before = this.#current;
    this.#earlierMs = this.audioDurationMs;
    this.#standby = null;
    this.#ears.asked(ear.member);
    this.#use(ear);
    if (before !== null) this.#drop(before);
  }

  /** Closes one that is of no use any more. */
  #drop(ear: OpenEar): void {
    ear.cancel.abort(new DOMException("Another one listens", "AbortError"));
    ear.stream.close().catch(() => undefined);
  }
}
