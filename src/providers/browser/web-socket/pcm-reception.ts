import { frameLength, frameMs } from "../../../audio/pcm.ts";
import { SampleQueue } from "../../../audio/reception/sample-queue.ts";
import { heardRate } from "../call/client.ts";

const length = frameLength(heardRate);
/** The sound that is buffered before any is given, in milliseconds: a piece may be late by so much without a gap. */
const depthMs = 40;
/** The most sound that is buffered, in milliseconds. Beyond it the oldest is dropped, since a longer delay prevents a conversation. */
const mostMs = 300;
/** The time without sound after which the participant does not send, in milliseconds. */
const idleMs = 1_000;

const samplesOf = (ms: number): number => (ms / frameMs) * length;

/** Sound that arrives over a stream of bytes, complete and in order but not in time, and is given in frames of 20 ms. */
export class PcmReception {
  readonly #samples = new SampleQueue(samplesOf(mostMs));
  readonly #silence = new Int16Array(length);
  #filling = true;
  #idleFrames = Number.POSITIVE_INFINITY;

  push(samples: Int16Array): void {
    this.#idleFrames = 0;
    this.#samples.push(samples);
    const tooMuch = this.#samples.length - samplesOf(mostMs);
    // The buffer is reduced to its depth, so that late sound is skipped once rather than at each piece.
    if (tooMuch > 0) this.#samples.take(this.#samples.length - samplesOf(depthMs));
  }

  /** Returns the next 20 ms, with silence where none arrived in time; null where nothing has arrived for a second. */
  pull(): Int16Array | null {
    this.#idleFrames += 1;
    if (this.#filling && this.#samples.length >= samplesOf(depthMs)) this.#filling = false;
    if (!this.#filling && this.#samples.length < length) this.#filling = true;
    if (!this.#filling) return this.#samples.take(length);
    return this.#idleFrames * frameMs > idleMs ? null : this.#silence.slice();
  }
}
