import { type Clock, systemClock } from "../clock.ts";
import { frameMs, ramp } from "../pcm.ts";
import type { PcmFrame } from "../pcm-frame.ts";
import { Pacer } from "./pacer.ts";
import { type Pacing, PacingReport } from "./pacing.ts";
import { QueuedSpeech, type SpeechReport, type SpeechTag } from "./queued-speech.ts";

/** The call that takes the sound, as an edge's `ConnectionAudio` is one. */
export interface SoundSink {
  /** The sample rate that `send` wants, in hertz. */
  readonly sampleRate: number;
  /** The time from `send` until a participant hears the frame, in milliseconds. */
  readonly leadMs: number;
  /** The frames that it wants before their time. Default: those of the queue. */
  readonly aheadFrames?: number;
  /** The number of times that the call runs faster than life. Default 1. */
  readonly speed?: number;
  send(frame: PcmFrame): void;
}

export interface OutputQueueOptions {
  /** The edge that takes the sound. */
  readonly audio: SoundSink;
  /**
   * Frames that are sent before their time, so that a thread that is late for them does not make the sound stutter.
   * Default 2. Each makes 20 ms of what was cut still be heard.
   */
  readonly aheadFrames?: number;
  /** The most frames at once after a stall. Default 3: edges and networks drop what comes in floods. */
  readonly burstFrames?: number;
  /** The first frame of a speech is with the edge. Times as epoch milliseconds. */
  readonly onStart?: (speech: QueuedSpeech, at: number) => void;
  /** The last frame of a speech is with the edge; not called for one that was cut. */
  readonly onEnd?: (speech: QueuedSpeech, at: number) => void;
  /** Called for each second of sound with how well its frames kept their time. */
  readonly onPacing?: (pacing: Pacing) => void;
  /** The clock. Default: the system's. */
  readonly clock?: Clock;
}

/** The speeches that a cut ended. Those that were heard to their end before are not among them. */
export interface CutReport {
  readonly at: number;
  /** The reports of the speeches, in the order in which they were to be heard. */
  readonly speeches: readonly SpeechReport[];
}

/** The longest time between two looks at what is left to be heard, in milliseconds. */
const longestLookMs = 50;
/** Alarms ring up to a millisecond early. */
const timerSlackMs = 1;

/** A frame that is with the edge and not known to be heard. */
interface FrameUnderWay {
  readonly speech: QueuedSpeech;
  readonly heardAt: number;
  readonly soundMs: number;
}

/**
 * The agent's speech on its way to the edge: 20 ms frames by an absolute clock, speech after speech in the order in which
 * they were opened. `pause` and `cut` take effect at once; what was cut is never sent, whoever still writes to it.
 *
 *     speech 1 ▓▓▓▓▓▓▓▓▓▓░░░░░░      ▓ heard   ▒ sent, not heard yet: the frames ahead and the edge's lead
 *     speech 2           ░░░░░░░░    ░ waiting
 *
 * Callbacks are called after the frames of the moment are sent, one after the other.
 */
export class OutputQueue {
  readonly #options: OutputQueueOptions;
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  readonly #pacing: PacingReport | null;
  readonly #speeches: QueuedSpeech[] = [];
  readonly #heardMs = new WeakMap<QueuedSpeech, number>();
  /** Real time that a frame lasts: less than 20 ms in a call that runs faster than life. */
  readonly #realFrameMs: number;
  /** The share of its loudness that is sent, and that of the frame before: it changes within one frame. */
  #gain = 1;
  #sentGain = 1;
  #underWay: FrameUnderWay[] = [];
  /** The time when the edge has played all that it was given. */
  #playedAt = 0;
  /** The time before which nothing is sent. */
  #heldUntil = 0;
  #callOffHold: () => void = () => {};
  #state: "open" | "paused" | "closed" = "open";
  /** The speech that stopped since its sound was not made in time. */
  #starving: QueuedSpeech | undefined;
  #drained: PromiseWithResolvers<void> | null = null;
  #callOffAlarm: (() => void) | null = null;

  constructor(options: OutputQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { speed = 1 } = options.audio;
    this.#realFrameMs = frameMs / speed;
    // Timers wake up once a millisecond at most, and a fast call needs more frames than one by then.
    const perWake = Number.isFinite(speed) ? Math.floor(speed / 10) : 0;
    this.#pacing = options.onPacing === undefined ? null : new PacingReport(options.onPacing);
    this.#pacer = new Pacer({
      intervalMs: this.#realFrameMs,
      ahead: options.aheadFrames ?? options.audio.aheadFrames ?? 2,
      burst: (options.burstFrames ?? 3) + perWake,
      beat: () => this.#sendNext(),
      onBeat: (lateMs) => this.#pacing?.add(lateMs, this.#clock.now()),
      clock: this.#clock,
    });
  }

  /** Returns whether nothing is opened that is not sent to its end. */
  get empty(): boolean {
    return this.#speeches.length === 0;
  }

  /** Returns the rate of the sound that the edge wants, in hertz. */
  get sampleRate(): number {
    return this.#options.audio.sampleRate;
  }

  get paused(): boolean {
    return this.#state === "paused";
  }

  /**
   * Opens the next speech, which is heard after all that were opened before it have ended. On a closed queue it is cut
   * from the start.
   */
  open(tag: SpeechTag): QueuedSpeech {
    const speech = new QueuedSpeech(tag, {
      sampleRate: this.sampleRate,
      changed: () => this.#changed(),
      heardMs: (asked) => this.#heardOf(asked),
    });
    if (this.#state === "closed") speech.cut();
    else this.#speeches.push(speech);
    return speech;
  }

  /** Sends nothing more until `resume`. The frames ahead, up to 40 ms, and what the edge holds are still heard. */
  pause(): void {
    if (this.#state !== "open") return;
    this.#state = "paused";
    this.#stand();
  }

  /** Sends what comes with this share of its loudness, until `resume` or `cut`. */
  duck(gain: number): void {
    this.#gain = gain;
  }

  /** Goes on where `pause` stopped, with not a sample left out, and as loud as ever. */
  resume(): void {
    this.#gain = 1;
    if (this.#state !== "paused") return;
    this.#state = "open";
    this.#changed();
  }

  /** Drops all that is not sent, and tells what became of each speech. Ends a pause: what is opened next is played. */
  cut(): CutReport {
    const at = this.#clock.now();
    this.#stand();
    this.#settle(at);
    const unheard = new Set([...this.#underWay.map(({ speech }) => speech), ...this.#speeches]);
    this.#gain = 1;
    this.#sentGain = 1;
    const speeches = [...unheard].map((speech) => speech.cut());
    this.#speeches.length = 0;
    this.#underWay = [];
    if (this.#state === "paused") this.#state = "open";
    this.#resolveDrained();
    return { at, speeches };
  }

  /** Drops a speech that has not begun to play. */
  drop(speech: QueuedSpeech): void {
    const place = this.#speeches.indexOf(speech);
    if (place < 0) return;
    this.#speeches.splice(place, 1);
    speech.cut();
    this.#checkDrained();
  }

  /**
   * Ends a speech at which the voice failed. The sound that was made of it is still played, and the speeches after it
   * are not.
   */
  breakOff(speech: QueuedSpeech): void {
    const place = this.#speeches.indexOf(speech);
    if (place < 0) return;
    for (const later of this.#speeches.splice(place + 1)) later.cut();
    speech.breakOff();
  }

  /** Resolves when all that was opened so far, and what is opened meanwhile, is heard, cut or closed. */
  drained(): Promise<void> {
    this.#drained ??= Promise.withResolvers();
    const { promise } = this.#drained;
    this.#checkDrained();
    return promise;
  }

  /** Returns the time until all that was opened is heard, in milliseconds; infinite while more of its sound is made. */
  get leftMs(): number {
    const last = this.#underWay.at(-1);
    let leftMs = last === undefined ? 0 : last.heardAt + this.#realFrameMs - this.#clock.now();
    for (const speech of this.#speeches) {
      if (!speech.complete) return Number.POSITIVE_INFINITY;
      const { totalMs, sentMs } = speech.report;
      leftMs += ((totalMs - sentMs) * this.#realFrameMs) / frameMs;
    }
    return Math.max(0, leftMs);
  }

  /** Resolves as {@link drained} does, or earlier, once so many milliseconds are left to be heard. */
  async nearlyDrained(leftMs: number): Promise<void> {
    let isDrained = false;
    const drained = this.drained().then(() => {
      isDrained = true;
    });
    while (!isDrained && this.leftMs > leftMs) {
      const waitMs = Math.min(Math.max(this.leftMs - leftMs, 1), longestLookMs);
      const { promise, resolve } = Promise.withResolvers<void>();
      const callOff = this.#clock.alarm(waitMs, resolve);
      await Promise.race([promise, drained]);
      callOff();
    }
  }

  /** Sends nothing for so many milliseconds, while another agent is heard to its end. */
  hold(ms: number): void {
    this.#heldUntil = this.#clock.now() + ms;
    this.#callOffHold();
    this.#callOffHold = this.#clock.alarm(ms, () => this.#changed());
  }

  /** Cuts, and takes no more. */
  close(): CutReport {
    const report = this.cut();
    this.#callOffHold();
    this.#state = "closed";
    return report;
  }

  #changed(): void {
    if (this.#state !== "open") return;
    if (this.#head()?.hasFrames && this.#clock.now() >= this.#heldUntil - timerSlackMs) this.#pacer.start();
    this.#checkDrained();
  }

  /** Returns the speech whose turn it is. Speeches that were sent to their end leave the queue. */
  #head(): QueuedSpeech | undefined {
    for (;;) {
      const [speech] = this.#speeches;
      if (speech === undefined || speech.hasFrames || !speech.complete) return speech;
      this.#speeches.shift();
      speech.finish();
      const at = speech.lastSentAt ?? this.#clock.now();
      queueMicrotask(() => this.#options.onEnd?.(speech, at));
    }
  }

  /** Sends one frame to the edge. Returns false where there is none. */
  #sendNext(): boolean {
    const { audio, onStart } = this.#options;
    const at = this.#clock.now();
    const speech = this.#head();
    const first = speech?.state === "waiting";
    const frame = speech?.take(at);
    if (speech === undefined || frame === undefined) {
      this.#starving = first ? undefined : speech;
      this.#pacing?.flush();
      this.#checkDrained();
      return false;
    }
    if (first) queueMicrotask(() => onStart?.(speech, at));
    if (speech === this.#starving) speech.starved(Math.max(0, at - this.#playedAt));
    this.#starving = undefined;
    const playsAt = Math.max(this.#playedAt, at);
    this.#playedAt = playsAt + this.#realFrameMs;
    this.#settle(at);
    this.#underWay.push({ speech, heardAt: playsAt + audio.leadMs, soundMs: frame.soundMs });
    const samples = ramp(frame.samples, this.#sentGain, this.#gain);
    this.#sentGain = this.#gain;
    audio.send({ samples, sampleRate: audio.sampleRate });
    this.#head();
    return true;
  }

  #stand(): void {
    this.#pacer.stop();
    this.#starving = undefined;
    this.#pacing?.flush();
  }

  /** Returns the sound of this speech that has been heard by now, in milliseconds. */
  #heardOf(asked: QueuedSpeech): number {
    const at = this.#clock.now();
    let heardMs = this.#heardMs.get(asked) ?? 0;
    for (const { speech, heardAt, soundMs } of this.#underWay) {
      if (speech !== asked || heardAt > at) continue;
      const part = this.#realFrameMs === 0 ? 1 : Math.min(1, (at - heardAt) / this.#realFrameMs);
      heardMs += Math.min(soundMs, part * frameMs);
    }
    return heardMs;
  }

  /** Keeps of the frames under way those that are not heard to their end. */
  #settle(at: number): void {
    for (;;) {
      const [frame] = this.#underWay;
      if (frame === undefined || frame.heardAt + this.#realFrameMs > at) return;
      this.#underWay.shift();
      this.#heardMs.set(frame.speech, (this.#heardMs.get(frame.speech) ?? 0) + frame.soundMs);
    }
  }

  #checkDrained(): void {
    if (this.#drained === null || this.#callOffAlarm !== null || this.#speeches.length > 0) return;
    const last = this.#underWay.at(-1);
    const restMs = last === undefined ? 0 : last.heardAt + this.#realFrameMs - this.#clock.now();
    if (restMs <= 0) {
      this.#resolveDrained();
      return;
    }
    this.#callOffAlarm = this.#clock.alarm(restMs, () => {
      this.#callOffAlarm = null;
      this.#checkDrained();
    });
  }

  #resolveDrained(): void {
    this.#callOffAlarm?.();
    this.#callOffAlarm = null;
    this.#drained?.resolve();
    this.#drained = null;
  }
}
