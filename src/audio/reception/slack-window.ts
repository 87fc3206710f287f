/** Frames of 20 ms that one part of the window covers. */
const framesPerPart = 25;
const parts = 8;
/**
 * The excess that need not be watched for the whole window, in milliseconds: a thread that was busy as a voice began took at once
 * all that had come meanwhile, and would hear the caller late for seconds.
 */
const longBeginningMs = 60;

/** A window over the last 4 s, or those that there are, that tells how early packets came: the least and the most, in milliseconds. */
export class SlackWindow {
  #least: number[] = [];
  #most: number[] = [];
  #frames = 0;

  constructor() {
    this.clear();
  }

  get least(): number {
    return Math.min(...this.#least);
  }

  /** Returns the greatest value of the window; 0 where nothing came. */
  get most(): number {
    return Math.max(0, ...this.#most);
  }

  /** Returns by how much even the latest packets came earlier than this, in milliseconds; 0 until it was watched for long enough. */
  excessOver(depthMs: number): number {
    // Infinite where nothing came.
    const excessMs = Math.max(0, this.least - depthMs);
    if (!Number.isFinite(excessMs)) return 0;
    const neededParts = excessMs > longBeginningMs ? 1 : parts;
    return this.#frames >= framesPerPart * neededParts ? excessMs : 0;
  }

  add(slackMs: number): void {
    this.#least[0] = Math.min(this.#least[0]!, slackMs);
    this.#most[0] = Math.max(this.#most[0]!, slackMs);
  }

  /** Notes that the sound is heard later by this time from here on; earlier where it is negative. */
  shift(ms: number): void {
    this.#least = this.#least.map((slackMs) => slackMs + ms);
    this.#most = this.#most.map((slackMs) => slackMs + ms);
  }

  /** Notes that 20 ms have passed. */
  tick(): void {
    this.#frames += 1;
    if (this.#frames % framesPerPart !== 0) return;
    this.#least = [Number.POSITIVE_INFINITY, ...this.#least.slice(0, parts - 1)];
    this.#most = [Number.NEGATIVE_INFINITY, ...this.#most.slice(0, parts - 1)];
  }

  clear(): void {
    this.#least = new Array<number>(parts).fill(Number.POSITIVE_INFINITY);
    this.#most = new Array<number>(parts).fill(Number.NEGATIVE_INFINITY);
    this.#frames = 0;
  }
}
