import { SampleReader } from "../../audio/sample-reader.ts";
import type { SpeechChunk } from "../../audio/speech-chunk.ts";

/** The sound of a response is of a form that is not read. The message ends a sentence about the service. */
export class SoundFormError extends Error {
  override readonly name = "SoundFormError";
}

/** The beginnings of other forms, each with its name. */
const otherForms: readonly (readonly [beginning: string, name: string])[] = [
  ["ID3", "MP3"],
  ["OggS", "Ogg"],
  ["fLaC", "FLAC"],
  ["FORM", "AIFF"],
  ["\x1aE\xdf\xa3", "WebM"],
];
/** The longest header that is waited for, in bytes. */
const longestHeader = 65_536;
/** The shortest beginning that tells the form, in bytes. */
const shortestBeginning = 12;

/**
 * Makes samples of the bytes of a response: raw samples of 16 bits, or WAV, which tells its rate. Of WAV some servers write the
 * length, others leave it out, as they do not know it yet.
 */
export class SoundReader {
  #samples = new SampleReader();
  #sampleRate: number;
  /** The beginning, until its form is known. */
  #head: Buffer | null = Buffer.alloc(0);
  /** The bytes of sound that the header announces. */
  #left = Number.POSITIVE_INFINITY;

  /** @param sampleRate The rate of raw samples, in hertz. */
  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Returns the sound that is complete with these bytes; null where none is. Throws a {@link SoundFormError}. */
  read(bytes: Uint8Array): SpeechChunk | null {
    if (this.#head === null) return this.#chunk(bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    if (this.#head.length < shortestBeginning) return null;
    const sound = this.#behindHeader(this.#head);
    if (sound === null) return null;
    this.#head = null;
    return this.#chunk(sound);
  }

  /** Ends the sound. Returns what was held, where it is too short to tell its form. */
  end(): SpeechChunk | null {
    const head = this.#head;
    this.#head = null;
    if (head === null || head.length >= shortestBeginning) return null;
    return this.#chunk(head);
  }

  #chunk(bytes: Uint8Array): SpeechChunk | null {
    const sound = bytes.subarray(0, Math.min(bytes.length, this.#left));
    this.#left -= sound.length;
    const samples = this.#samples.read(sound);
    return samples.length === 0 ? null : { samples, sampleRate: this.#sampleRate };
  }

  /** Returns the sound behind the header of a WAV file, and all of it where there is none; null while the header is not whole. */
  #behindHeader(head: Buffer): Uint8Array | null {
    const beginning = head.toString("latin1", 0, shortestBeginning);
    const other = otherForms.find(([mark]) => beginning.startsWith(mark));
    if (other !== undefined) throw new SoundFormError(other[1]);
    if (!/^RIFF[\s\S]{4}WAVE/.test(beginning)) return head;
    let known = false;
    for (let at = shortestBeginning; at + 8 <= head.length; ) {
      const mark = head.toString("latin1", at, at + 4);
      const length = head.readUInt32LE(at + 4);
      if (mark === "fmt " && at + 8 + Math.min(length, 16) <= head.length) {
        this.#readFormat(head.subarray(at + 8, at + 8 + length));
        known = true;
      }
      if (mark === "data") {
        if (!known) throw new SoundFormError("WAV without a format");
        if (length !== 0 && length < 0x7fff_0000) this.#left = length;
        return head.subarray(at + 8);
      }
      at += 8 + length + (length % 2);
    }
    if (head.length > longestHeader) throw new SoundFormError("WAV without sound");
    return null;
  }

  #readFormat(format: Buffer): void {
    const kind = format.readUInt16LE(0);
    const channels = format.readUInt16LE(2);
    const rate = format.readUInt32LE(4);
    const bits = format.readUInt16LE(14);
    const isPcm = kind === 1 || kind === 0xfffe;
    if (!isPcm || bits !== 16)
      throw new SoundFormError(`WAV of ${bits}-bit ${isPcm ? "PCM" : `kind ${kind}`}`);
    if (channels !== 1) throw new SoundFormError(`WAV of ${channels} channels`);
    if (rate < 8_000 || rate > 192_000) throw new SoundFormError(`WAV of ${rate} Hz`);
    this.#sampleRate = rate;
  }
}
