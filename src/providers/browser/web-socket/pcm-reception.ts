import { frameLength, frameMs } from "../../../audio/pcm.ts";
import { SampleQueue } from "../../../audio/reception/sample-queue.ts";
import { heardRate } from "../call/client.ts";

const length = frameLength(heardRate);
/** Sound that has to wait here before any is given, in milliseconds: by so much later a piece may come unheard. */
const depthMs = 40;
/** Sound that may wait here, in milliseconds; beyond it the oldest is dropped, as nobody talks with more. */
const mostMs = 300;
/** The time without a piece of sound after which the participant does not send, in milliseconds. */
const idleMs = 1_000;

const samplesOf = (ms: number): number => (ms / frameMs) * length;

/** Sound that comes over a stream of bytes, whole and in order but not in time, and is given 20 ms each time it is asked. */
export class PcmReception {
  readonly #samples = new SampleQueue(samplesOf(mostMs));
  readonly #silence = new Int16Array(length);
  #filling = true;
  #idleFrames = Number.POSITIVE_INFINITY;

  push(samples: Int16Array): void {
    this.#idleFrames = 0;
    this.#samples.push(samples);
    const tooMuch = this.#samples.length - samplesOf(mostMs);
    // Down to the depth, so that what is late is left out once rather than at each piece.
    if (tooMuch > 0) this.#samples.take(this.#samples.length - samplesOf(depthMs));
  }

  /** Returns the next 20 ms, silence where none came in time; null where nothing has come for a second. */
  pull(): Int16Array | null {
    this.#idleFrames += 1;
    if (this.#filling && this.#samples.length >= samplesOf(depthMs)) this.#filling = false;
    if (!this.#filling && this.#samples.length < length) this.#filling = true;
    if (!this.#filling) return this.#samples.take(length);
    return this.#idleFrames * frameMs > idleMs ? null : this.#silence.slice();
  }
}
