import { concatenate, frameMs, level } from "../pcm.ts";

/** The sound before a turn was noticed that is of it, in frames: 400 ms. */
const leadFrames = 400 / frameMs;
/** The silence behind the last word that is of it, in frames: with 300 ms the model often hears nothing in a short word. */
const tailFrames = 200 / frameMs;
/** The part of a turn that is looked through for a place to cut where there is no pause, in frames: 2 s. */
const cutWithinFrames = 2_000 / frameMs;
/** The frames that are compared as one place: 60 ms. */
const cutFrames = 3;

/** The sound of what is being said, in frames of 20 ms: what is not recognised for good yet. */
export class TurnSound {
  #frames: Int16Array[] = [];
  #inTurn = false;
  /** Frames up to the last with voice. */
  #voiceUntil = 0;

  get lengthMs(): number {
    return this.#frames.length * frameMs;
  }

  add(frame: Int16Array, isVoice: boolean): void {
    this.#frames.push(frame);
    if (isVoice) this.#voiceUntil = this.#frames.length;
    if (!this.#inTurn && this.#frames.length > leadFrames) this.#take(1);
  }

  begin(): void {
    this.#inTurn = true;
  }

  /** Forgets the turn. */
  end(): void {
    this.#inTurn = false;
    this.#frames = [];
    this.#voiceUntil = 0;
  }

  /** Returns all of it, but the silence at its end. */
  get samples(): Int16Array {
    return concatenate(this.#frames.slice(0, this.#voiceUntil + tailFrames));
  }

  /** Takes out the first part, of so many milliseconds. */
  cut(ms: number): Int16Array {
    return concatenate(this.#take(Math.round(ms / frameMs)));
  }

  /** Takes out the first part, up to the quietest place of the last two seconds: between two words, most likely. */
  cutAtQuietest(): Int16Array {
    const first = Math.max(1, this.#frames.length - cutWithinFrames);
    let quietest = first;
    let least = Number.POSITIVE_INFINITY;
    for (let at = first; at + cutFrames <= this.#frames.length; at += 1) {
      const loud = this.#frames.slice(at, at + cutFrames).reduce((sum, frame) => sum + level(frame), 0);
      if (loud < least) [least, quietest] = [loud, at + 1];
    }
    return this.cut(quietest * frameMs);
  }

  #take(frames: number): Int16Array[] {
    this.#voiceUntil = Math.max(0, this.#voiceUntil - frames);
    return this.#frames.splice(0, frames);
  }
}
