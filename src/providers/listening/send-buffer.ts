import type { TurnMark } from "./turn-signal.ts";

/**
 * The length of a chunk, in seconds: Deepgram strongly recommends 80 ms
 * (developers.deepgram.com/docs/flux/quickstart), others about 100 ms.
 */
const chunkSeconds = 0.08;

/**
 * The age after which times are forgotten, in seconds: Flux ends a turn after 60 s of silence at the latest.
 */
const memorySeconds = 75;

/** The time, in epoch milliseconds, at which the sound up to a sample was written. */
interface WriteTime {
  readonly until: number;
  readonly at: number;
}

interface Chunk {
  readonly samples: Int16Array;
  /** The times, with samples counted from the chunk's start. */
  readonly marks: readonly WriteTime[];
  /** The border of a turn in place of sound; null for sound. */
  readonly mark: TurnMark | null;
}

/**
 * The sound on its way to a recogniser. It is gathered into chunks, and kept until the service has processed it:
 * sound that was sent and not processed when a connection is lost is sent again over the next one.
 *
 *     chunks:  [ sent, not processed | not sent ]  + one that fills
 *                ↑ dropped when processed   ↑ dropped, and counted, when there are too many
 *
 * Times within a connection are seconds of the sound sent over it, which is how services count.
 */
export class SendBuffer {
  readonly sampleRate: number;
  readonly #chunkLength: number;
  readonly #maxSamples: number;
  #filling: Int16Array;
  #filled = 0;
  #fillingMarks: WriteTime[] = [];
  #chunks: Chunk[] = [];
  #samples = 0;
  #sent = 0;
  /** The number of samples sent over the connection. */
  #position = 0;
  /** The position in the connection at which the first chunk starts, in samples. */
  #start = 0;
  #marks: WriteTime[] = [];
  #droppedSamples = 0;
  #reportedDroppedMs = 0;

  constructor(sampleRate: number, maxUnheardMs: number) {
    this.sampleRate = sampleRate;
    this.#chunkLength = Math.round(sampleRate * chunkSeconds);
    this.#maxSamples = Math.max(this.#chunkLength, Math.floor((sampleRate * maxUnheardMs) / 1_000));
    this.#filling = new Int16Array(this.#chunkLength);
  }

  /** Returns the sound that was dropped before it was sent, in milliseconds. */
  get droppedMs(): number {
    return this.#milliseconds(this.#droppedSamples);
  }

  /** Returns the sound that was dropped since the last call, in milliseconds. */
  newlyDroppedMs(): number {
    const newMs = this.droppedMs - this.#reportedDroppedMs;
    this.#reportedDroppedMs += newMs;
    return newMs;
  }

  /** Returns the sound sent over the connection, in seconds. */
  get sentSeconds(): number {
    return this.#position / this.sampleRate;
  }

  /** Returns the sound that is kept, in seconds. */
  get heldSeconds(): number {
    return (this.#samples + this.#filled) / this.sampleRate;
  }

  /** Adds a copy of the samples, which were written at `at`, in epoch milliseconds. */
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

  /** Makes a chunk of the samples that do not fill one. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#chunks.push({
      samples: this.#filling.subarray(0, this.#filled),
      marks: this.#fillingMarks,
      mark: null,
    });
    this.#samples += this.#filled;
    this.#filling = new Int16Array(this.#chunkLength);
    this.#filled = 0;
    this.#fillingMarks = [];
    while (this.#samples > this.#maxSamples) this.#forgetFirst();
  }

  /** Adds the border of a turn behind the sound so far. */
  mark(mark: TurnMark): void {
    this.flush();
    this.#chunks.push({ samples: new Int16Array(0), marks: [], mark });
  }

  /** Returns the next chunk to send, which counts as sent from here on; null where there is none. */
  next(): {
    readonly samples: Int16Array;
    readonly durationMs: number;
    readonly mark: TurnMark | null;
  } | null {
    const chunk = this.#chunks[this.#sent];
    if (chunk === undefined) return null;
    if (this.#sent === 0) this.#start = this.#position;
    for (const { until, at } of chunk.marks) this.#marks.push({ until: this.#position + until, at });
    this.#sent++;
    this.#position += chunk.samples.length;
    this.#forgetMarks();
    const { samples, mark } = chunk;
    return { samples, durationMs: this.#milliseconds(samples.length), mark };
  }

  /**
   * Reports that the service has processed the sound up to this position, in seconds of the connection. A turn that begins there is
   * still to be heard.
   */
  heard(seconds: number): void {
    const position = Math.round(seconds * this.sampleRate);
    while (this.#sent > 0) {
      const { samples, mark } = this.#chunks[0]!;
      const end = this.#start + samples.length;
      if (end > position || (mark === "start" && end === position)) return;
      this.#forgetFirst();
    }
  }

  /** Marks all sound that was not processed as not sent, for a new connection. */
  rewind(): void {
    this.#sent = 0;
    this.#position = 0;
    this.#start = 0;
    this.#marks = [];
  }

  /**
   * Returns when the sound at this position of the connection was written, in epoch milliseconds; null where
   * that is unknown.
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
