import { concatenate } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";

/** A frame of the agent's sound. */
export interface RecordedFrame {
  /** The time of its arrival, in epoch milliseconds. */
  readonly at: number;
  readonly samples: Int16Array;
}

/** A silence within the agent's sound. */
export interface Gap {
  /** The end of the sound before it, in epoch milliseconds. */
  readonly at: number;
  /** Its length, in milliseconds. */
  readonly ms: number;
}

/** The shortest gap that counts, in milliseconds; timers alone cause delays below half a frame. */
const shortestGapMs = 10;

/** The recording of an agent's sound: every frame, with the time of its arrival. */
export class Recording {
  readonly sampleRate: number;
  /** The factor by which the call is faster than real time. */
  readonly speed: number;
  readonly frames: RecordedFrame[] = [];
  readonly #listeners = new Set<(frame: RecordedFrame) => void>();
  #samples = 0;
  /** The time at which all recorded sound has been played, in epoch milliseconds. */
  #playedAt = 0;
  #mostAheadMs = 0;

  constructor(sampleRate: number, speed = 1) {
    this.sampleRate = sampleRate;
    this.speed = speed;
  }

  /** Returns the length of the recorded sound, in milliseconds. */
  get durationMs(): number {
    return (this.#samples * 1_000) / this.sampleRate;
  }

  /**
   * Returns the longest time by which sound arrived ahead of its time, in milliseconds of sound. So much is still heard
   * after the agent stops.
   */
  get mostAheadMs(): number {
    return this.#mostAheadMs;
  }

  /** Returns all recorded sound, without the silence between. */
  get sound(): PcmFrame {
    return { samples: concatenate(this.frames.map(({ samples }) => samples)), sampleRate: this.sampleRate };
  }

  /**
   * Returns the recorded sound with the silence between. `from` is its beginning, in epoch milliseconds.
   * Default: the first frame.
   */
  timeline(from = this.frames[0]?.at ?? 0): PcmFrame {
    const pieces: { readonly begin: number; readonly samples: Int16Array }[] = [];
    let end = 0;
    for (const { at, samples } of this.frames) {
      const sinceMs = Number.isFinite(this.speed) ? (at - from) * this.speed : 0;
      const begin = Math.max(end, Math.round((sinceMs * this.sampleRate) / 1_000));
      pieces.push({ begin, samples });
      end = begin + samples.length;
    }
    const timeline = new Int16Array(end);
    for (const { begin, samples } of pieces) timeline.set(samples, begin);
    return { samples: timeline, sampleRate: this.sampleRate };
  }

  /**
   * Returns the gaps of at least so many milliseconds, default 10, in the order of time. A gap is between two
   * speeches, or due to late frames.
   */
  gaps(atLeastMs = shortestGapMs): Gap[] {
    const gaps: Gap[] = [];
    let playedAt = this.frames[0]?.at ?? 0;
    for (const { at, samples } of this.frames) {
      const ms = Number.isFinite(this.speed) ? (at - playedAt) * this.speed : 0;
      if (ms >= atLeastMs) gaps.push({ at: playedAt, ms });
      playedAt = Math.max(playedAt, at) + this.#realMs(samples);
    }
    return gaps;
  }

  /** Adds a frame. The edge calls this. */
  add(samples: Int16Array, at: number = now()): void {
    const frame = { at, samples: samples.slice() };
    this.frames.push(frame);
    this.#samples += samples.length;
    this.#playedAt = Math.max(this.#playedAt, at) + this.#realMs(samples);
    if (Number.isFinite(this.speed)) {
      this.#mostAheadMs = Math.max(this.#mostAheadMs, (this.#playedAt - at) * this.speed);
    }
    for (const listener of [...this.#listeners]) listener(frame);
  }

  /** Calls `listener` with every frame from here on. It returns a function that unsubscribes. */
  subscribe(listener: (frame: RecordedFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when the agent has spoken for `ms` milliseconds of sound since the call began. It rejects with a
   * `DeadlineError` after `timeoutMs` milliseconds, default 10,000.
   */
  async reached(ms: number, timeoutMs = 10_000): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (this.durationMs >= ms) resolve();
    };
    const unsubscribe = this.subscribe(check);
    check();
    try {
      await within(promise, timeoutMs, `${ms} ms of what the agent says`);
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      const said = this.durationMs === 0 ? "nothing" : `${Math.round(this.durationMs)} ms of it`;
      throw new DeadlineError(`${error.message}: ${said} came`);
    } finally {
      unsubscribe();
    }
  }

  /**
   * Resolves when the agent was silent for `ms` milliseconds of real time, whatever the speed of the call.
   * The time counts from the call of this function, or from the end of the last sound. It rejects with a
   * `DeadlineError` after `timeoutMs` milliseconds, default 60,000.
   */
  async quiet(ms: number, timeoutMs = 60_000): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const since = now();
    let timer: NodeJS.Timeout | undefined;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, Math.max(since, this.#playedAt) + ms - now());
    };
    const unsubscribe = this.subscribe(wait);
    wait();
    try {
      await within(promise, timeoutMs, `The agent's silence of ${ms} ms`);
    } finally {
      unsubscribe();
      clearTimeout(timer);
    }
  }

  #realMs(samples: Int16Array): number {
    return (samples.length * 1_000) / this.sampleRate / this.speed;
  }
}
