import { durationMs } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { Resampler } from "../../audio/resampler.ts";
import type { RealtimeSession } from "../realtime-model.ts";

/** Sound that is kept while no session is open: 5 s of frames of 20 ms. */
const mostWaitingFrames = 250;
/** Sound that is counted at once, in milliseconds. */
const countedMs = 1_000;

/** The sound of a call on its way to the model: at the rate that this hears, kept while no session is open, and counted. */
export class RealtimeSound {
  readonly #onHeard: (ms: number) => void;
  #session: RealtimeSession | null = null;
  #frames: PcmFrame[] = [];
  #resampler: Resampler | null = null;
  #uncountedMs = 0;

  /** @param onHeard Takes how much more sound sessions were given, in milliseconds. */
  constructor(onHeard: (ms: number) => void) {
    this.#onHeard = onHeard;
  }

  /** @param sampleRate The rate that the model hears, in hertz. */
  write(frame: PcmFrame, sampleRate: number): void {
    if (this.#resampler?.from !== frame.sampleRate || this.#resampler.to !== sampleRate)
      this.#resampler = new Resampler(frame.sampleRate, sampleRate);
    const heard = { samples: this.#resampler.push(frame.samples), sampleRate };
    if (this.#session) this.#hand(this.#session, heard);
    else {
      this.#frames.push(heard);
      if (this.#frames.length > mostWaitingFrames) this.#frames.shift();
    }
  }

  /** Gives the sound to a session from here on, and what was kept. Sound for a model of another rate is left out. */
  useSession(session: RealtimeSession, sampleRate: number): void {
    this.#session = session;
    for (const frame of this.#frames.splice(0))
      if (frame.sampleRate === sampleRate) this.#hand(session, frame);
  }

  /** Keeps the sound from here on. */
  leaveSession(): void {
    if (this.#uncountedMs > 0) this.#count();
    this.#session = null;
    this.#resampler = null;
  }

  #hand(session: RealtimeSession, frame: PcmFrame): void {
    session.write(frame);
    this.#uncountedMs += durationMs(frame);
    if (this.#uncountedMs >= countedMs) this.#count();
  }

  #count(): void {
    const ms = this.#uncountedMs;
    this.#uncountedMs = 0;
    this.#onHeard(ms);
  }
}
