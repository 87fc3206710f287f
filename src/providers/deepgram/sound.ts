/** Deepgram strongly recommends to send 80 ms at a time (developers.deepgram.com/docs/flux/quickstart). */
const chunkSeconds = 0.08;

/** Older marks are forgotten: Flux ends a turn after 60 s of silence at the latest. */
const memorySeconds = 75;

/** The sample until which sound was written at a time (epoch milliseconds). */
interface Mark {
  readonly until: number;
  readonly at: number;
}

interface Chunk {
  readonly samples: Int16Array;
  /** Samples counted from the chunk's start. */
  readonly marks: readonly Mark[];
}

/**
 * Sound on its way to Deepgram. It is gathered into chunks, and kept until Deepgram is known to have heard it: what was
 * sent but not heard when a connection is lost goes out again over the next.
 *
 *     chunks:  [ sent, not heard | not sent ]  + one that fills
 *                ↑ dropped when heard       ↑ dropped, and counted, when there are too many
 *
 * Times within a connection are seconds of the sound sent over it, which is how Deepgram counts.
 */
export class Sound {
  readonly sampleRate: number;
  readonly #chunkLength: number;
  readonly #maxSamples: number;
  #filling: Int16Array;
  #filled = 0;
  #fillingMarks: Mark[] = [];
  #chunks: Chunk[] = [];
  #samples = 0;
  #sent = 0;
  /** Samples sent over the connection. */
  #position = 0;
  /** The place in the connection where the first chunk starts. */
  #start = 0;
  #marks: Mark[] = [];
  #droppedSamples = 0;

  constructor(sampleRate: number, maxUnheardMs: number) {
    this.sampleRate = sampleRate;
    this.#chunkLength = Math.round(sampleRate * chunkSeconds);
    this.#maxSamples = Math.max(this.#chunkLength, Math.floor((sampleRate * maxUnheardMs) / 1_000));
    this.#filling = new Int16Array(this.#chunkLength);
  }

  /** Sound that was dropped before it was sent, in milliseconds. */
  get droppedMs(): number {
    return this.#milliseconds(this.#droppedSamples);
  }

  /** Copies the samples, which were written at `at`. */
  write(samples: Int16Array, at: number): void {
    let offset = 0;
    while (offset < samples.length) {
      const piece = samples.subarray(offset, offset + this.#chunkLength - this.#filled);
      this.#filling.set(piece, this.#filled);
      this.#filled += piece.length;
      offset += piece.length;
      this.#fillingMarks.push({ until: this.#filled, at });
      if (this.#filled === this.#chunkLength) this.flush();
    }
  }

  /** Makes a chunk of what has not filled one. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#chunks.push({ samples: this.#filling.subarray(0, this.#filled), marks: this.#fillingMarks });
    this.#samples += this.#filled;
    this.#filling = new Int16Array(this.#chunkLength);
    this.#filled = 0;
    this.#fillingMarks = [];
    while (this.#samples > this.#maxSamples) this.#forgetFirst();
  }

  /** The next chunk to send; from here on it counts as sent. */
  next(): { readonly samples: Int16Array; readonly durationMs: number } | null {
    const chunk = this.#chunks[this.#sent];
    if (chunk === undefined) return null;
    if (this.#sent === 0) this.#start = this.#position;
    for (const { until, at } of chunk.marks) this.#marks.push({ until: this.#position + until, at });
    this.#sent++;
    this.#position += chunk.samples.length;
    this.#forgetMarks();
    return { samples: chunk.samples, durationMs: this.#milliseconds(chunk.samples.length) };
  }

  /** Deepgram has heard everything up to here, in seconds of this connection. */
  heard(seconds: number): void {
    const position = Math.round(seconds * this.sampleRate);
    while (this.#sent > 0 && this.#start + this.#chunks[0]!.samples.length <= position) {
      this.#forgetFirst();
    }
  }

  /** A new connection: everything that was not heard is to be sent again. */
  rewind(): void {
    this.#sent = 0;
    this.#position = 0;
    this.#start = 0;
    this.#marks = [];
  }

  /**
   * Returns when the sound at this time of the connection was written, as epoch milliseconds; null where that is not known.
   */
  writtenAt(seconds: number): number | null {
    const sample = Math.round(seconds * this.sampleRate);
    const mark = this.#marks.findLast((_, index, marks) => (marks[index - 1]?.until ?? -1) < sample);
    return mark?.at ?? null;
  }

  #forgetFirst(): void {
    const length = this.#chunks.shift()?.samples.length ?? 0;
    this.#samples -= length;
    if (this.#sent === 0) {
      this.#droppedSamples += length;
      return;
    }
    this.#sent--;
    this.#start += length;
  }

  #forgetMarks(): void {
    if (this.#marks.length < 8_192) return;
    const oldest = this.#position - memorySeconds * this.sampleRate;
    this.#marks = this.#marks.filter(({ until }) => until >= oldest);
  }

  #milliseconds(samples: number): number {
    return (samples / this.sampleRate) * 1_000;
  }
}
