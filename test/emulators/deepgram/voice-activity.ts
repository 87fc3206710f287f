/** 20 ms of the sound of a connection. Times in seconds from its start. */
export interface HeardFrame {
  readonly loud: boolean;
  readonly start: number;
  readonly end: number;
}

const frameSeconds = 0.02;

/** Tells speech from silence by loudness, 20 ms at a time. */
export class VoiceActivity {
  readonly #sampleRate: number;
  readonly #frameBytes: number;
  #rest = Buffer.alloc(0);
  #frames = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
    this.#frameBytes = Math.round(sampleRate * frameSeconds) * 2;
  }

  /** Sound heard so far, in seconds; what does not fill 20 ms waits. */
  get position(): number {
    return (this.#frames * this.#frameBytes) / 2 / this.#sampleRate;
  }

  /** The frames that these bytes complete. `level`: from which loudness on it is speech. */
  *hear(bytes: Buffer, level: number): Generator<HeardFrame> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= this.#frameBytes) {
      const frame = this.#rest.subarray(0, this.#frameBytes);
      this.#rest = this.#rest.subarray(this.#frameBytes);
      const start = this.position;
      this.#frames++;
      yield { loud: loudness(frame) > level, start, end: this.position };
    }
  }
}

function loudness(frame: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < frame.length; offset += 2) sum += frame.readInt16LE(offset) ** 2;
  return Math.sqrt(sum / (frame.length / 2));
}
