import { Framer, frameLength, silence } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { resample } from "../../audio/resampler.ts";
import { now } from "../../shared/protocol.ts";
import { notPlayed, type Playback, soundOf, type TestParticipant } from "./test-call.ts";

interface Sound {
  readonly frames: readonly Int16Array[];
  readonly resolve: (playback: Playback) => void;
  next: number;
  startedAt: number | null;
  endedAt: number | null;
}

/** The part of the call that a participant needs. */
interface Surroundings {
  readonly sampleRate: number;
  /** Called when there is something to hand over. */
  play(): void;
  leave(): void;
}

/** A participant in an edge of this thread. The edge asks for a frame every 20 ms of the call. */
export class Participant implements TestParticipant {
  readonly id: string;
  readonly name: string;
  readonly #surroundings: Surroundings;
  readonly #silence: Int16Array;
  #sounds: Sound[] = [];
  /** Resolves when all files asked for so far are read: sound is played in the order in which it was asked for. */
  #reading: Promise<unknown> = Promise.resolve();
  /** Changes with each `stop`: what is still being read then is not wanted. */
  #round = 0;
  #muted = false;
  #here = true;

  constructor(id: string, name: string, surroundings: Surroundings) {
    this.id = id;
    this.name = name;
    this.#surroundings = surroundings;
    this.#silence = new Int16Array(frameLength(surroundings.sampleRate));
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    if (!muted && this.playing) this.#surroundings.play();
  }

  /** Returns whether there is sound to hand over. */
  get playing(): boolean {
    return this.#sounds.length > 0;
  }

  async play(sound: PcmFrame | string | URL): Promise<Playback> {
    const round = this.#round;
    const read = this.#reading.then(() => soundOf(sound));
    this.#reading = read.catch(() => {});
    const whole = await read;
    if (round !== this.#round || !this.#here) return notPlayed;
    const { samples } = resample(whole, this.#surroundings.sampleRate);
    const framer = new Framer(this.#silence.length);
    const frames = framer.push(samples);
    const last = framer.flush();
    if (last !== null) frames.push(last);
    if (frames.length === 0) return { ...notPlayed, complete: true };
    const { promise, resolve } = Promise.withResolvers<Playback>();
    this.#sounds.push({ frames, resolve, next: 0, startedAt: null, endedAt: null });
    this.#surroundings.play();
    return promise;
  }

  pause(ms: number): Promise<Playback> {
    return this.play(silence(ms, this.#surroundings.sampleRate));
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
    this.#surroundings.leave();
  }

  /** Returns what the microphone brings now; null where it is muted. The edge calls this. */
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
