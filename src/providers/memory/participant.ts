import { Framer, frameLength, silence } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { resample } from "../../audio/resampler.ts";
import { now } from "../../shared/protocol.ts";
import { notPlayed, type Playback, soundOf, type TestParticipant } from "./test-call.ts";

/** Sound that is to be played, and how far it has been. */
interface QueuedSound {
  readonly frames: readonly Int16Array[];
  readonly resolve: (playback: Playback) => void;
  next: number;
  startedAt: number | null;
  endedAt: number | null;
}

/** The part of the call that a participant uses. */
interface ParticipantHost {
  readonly sampleRate: number;
  /** Called when there is sound to deliver. */
  play(): void;
  leave(): void;
}

/** A participant in a call of this thread. The edge asks for a frame every 20 ms of the call. */
export class InMemoryParticipant implements TestParticipant {
  readonly id: string;
  readonly name: string;
  readonly #host: ParticipantHost;
  readonly #silence: Int16Array;
  #sounds: QueuedSound[] = [];
  /**
   * Resolves when all files that were asked for have been read, since sound is played in the order of the
   * calls.
   */
  #reading: Promise<unknown> = Promise.resolve();
  /** The number of calls of `stop`; sound that is still being read at a call is dropped. */
  #round = 0;
  #muted = false;
  #here = true;

  constructor(id: string, name: string, host: ParticipantHost) {
    this.id = id;
    this.name = name;
    this.#host = host;
    this.#silence = new Int16Array(frameLength(host.sampleRate));
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    if (!muted && this.playing) this.#host.play();
  }

  /** Returns whether there is sound to deliver. */
  get playing(): boolean {
    return this.#sounds.length > 0;
  }

  async play(sound: PcmFrame | string | URL): Promise<Playback> {
    const round = this.#round;
    const read = this.#reading.then(() => soundOf(sound));
    this.#reading = read.catch(() => {});
    const whole = await read;
    if (round !== this.#round || !this.#here) return notPlayed;
    const { samples } = resample(whole, this.#host.sampleRate);
    const framer = new Framer(this.#silence.length);
    const frames = framer.push(samples);
    const last = framer.flush();
    if (last !== null) frames.push(last);
    if (frames.length === 0) return { ...notPlayed, complete: true };
    const { promise, resolve } = Promise.withResolvers<Playback>();
    this.#sounds.push({ frames, resolve, next: 0, startedAt: null, endedAt: null });
    this.#host.play();
    return promise;
  }

  pause(ms: number): Promise<Playback> {
    return this.play(silence(ms, this.#host.sampleRate));
  }

  stop(): void {
    this.#round += 1;
    for (const { startedAt, endedAt, resolve } of this.#sounds.splice(0)) {
      resolve({ startedAt, endedAt, complete: false });
    }
  }

  leave(): void {
    if (!this.#here) return;
    this.#here = false;
    this.stop();
    this.#host.leave();
  }

  /** Returns the next frame of the microphone; null where it is muted. The edge calls this. */
  frame(): Int16Array | null {
    if (this.#muted) return null;
    const [sound] = this.#sounds;
    const frame = sound?.frames[sound.next];
    if (sound === undefined || frame === undefined) return this.#silence;
    const at = now();
    sound.next += 1;
    sound.startedAt ??= at;
    sound.endedAt = at;
    if (sound.next === sound.frames.length) {
      this.#sounds.shift();
      sound.resolve({ startedAt: sound.startedAt, endedAt: at, complete: true });
    }
    return frame;
  }
}
