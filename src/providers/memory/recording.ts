import { concatenate } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";
import type { Gap, RecordedFrame, Recording } from "./test-call.ts";

/** The shortest gap that counts, in milliseconds; timers alone cause delays below half a frame. */
const shortestGapMs = 10;

/** The recording of an edge, which adds what the agent says. */
export class SoundRecording implements Recording {
  readonly sampleRate: number;
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

  get durationMs(): number {
    return (this.#samples * 1_000) / this.sampleRate;
  }

  get mostAheadMs(): number {
    return this.#mostAheadMs;
  }

  get sound(): PcmFrame {
    return { samples: concatenate(this.frames.map(({ samples }) => samples)), sampleRate: this.sampleRate };
  }

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

  /** Adds a frame that the agent has sent. */
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

  subscribe(listener: (frame: RecordedFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

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
