import { concatenate } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";

export interface RecordedFrame {
  /** The time of its arrival, as epoch milliseconds. */
  readonly at: number;
  readonly samples: Int16Array;
}

/** A stretch of silence within what was said. */
export interface Gap {
  /** The end of the sound before it, as epoch milliseconds. */
  readonly at: number;
  readonly ms: number;
}

/** The shortest gap that counts, in milliseconds: less than a frame is what timers cost. */
const shortestGapMs = 10;

/** The recording of a call: every frame, and the time of its arrival. */
export class Recording {
  readonly sampleRate: number;
  /** The number of times that the call runs faster than life. */
  readonly speed: number;
  readonly frames: RecordedFrame[] = [];
  readonly #listeners = new Set<(frame: RecordedFrame) => void>();
  #samples = 0;
  /** The time when all that was recorded is played. */
  #playedAt = 0;
  #mostAheadMs = 0;

  constructor(sampleRate: number, speed = 1) {
    this.sampleRate = sampleRate;
    this.speed = speed;
  }

  /** The length of the recording, in milliseconds of sound. */
  get durationMs(): number {
    return (this.#samples * 1_000) / this.sampleRate;
  }

  /** The most by which sound came ahead of its time, in milliseconds of sound: that much is still heard after a cut. */
  get mostAheadMs(): number {
    return this.#mostAheadMs;
  }

  /** All the sound that was said, without the silence between. */
  get sound(): PcmFrame {
    return { samples: concatenate(this.frames.map(({ samples }) => samples)), sampleRate: this.sampleRate };
  }

  /** Returns the recording with the silence between speeches. `from` is its beginning, as epoch milliseconds. */
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
   * Returns the places where the sound stopped and went on later, between two speeches or because frames came late, in the
   * order of time.
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

  /** Adds a frame that has come. The edge calls this. */
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

  /** Calls `listener` for every frame from here on. Returns what ends it. */
  subscribe(listener: (frame: RecordedFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when this much was said since the call began, in milliseconds of sound. Rejects after `timeoutMs`, default 10 000. */
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
   * Resolves when nothing was said for this long, in milliseconds of real time, however fast the call runs: who thinks takes
   * their time. It counts from now on, or from the end of what was said last. Rejects after `timeoutMs`, default 60 000.
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
