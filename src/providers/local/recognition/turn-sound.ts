import { concatenate, frameMs, level } from "../../../audio/pcm.ts";

/** The sound before a turn was noticed that is of it, in frames: 400 ms. */
const leadFrames = 400 / frameMs;
/** The part of a turn that is looked through for a place to cut where there is no pause, in frames: 2 s. */
const cutWithinFrames = 2_000 / frameMs;
/** The frames that are compared as one place: 60 ms. */
const cutFrames = 3;

/** The sound of what is being said, in frames of 20 ms: what is not recognised for good yet. */
export class TurnSound {
  #frames: Int16Array[] = [];
  #inTurn = false;

  get lengthMs(): number {
    return this.#frames.length * frameMs;
  }

  add(frame: Int16Array): void {
    this.#frames.push(frame);
    if (!this.#inTurn && this.#frames.length > leadFrames) this.#frames.shift();
  }

  begin(): void {
    this.#inTurn = true;
  }

  /** Forgets the turn. */
  end(): void {
    this.#inTurn = false;
    this.#frames = [];
  }

  /** Returns all of it. */
  get samples(): Int16Array {
    return concatenate(this.#frames);
  }

  /** Takes out the first part, of so many milliseconds. */
  cut(ms: number): Int16Array {
    return concatenate(this.#frames.splice(0, Math.round(ms / frameMs)));
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
}
