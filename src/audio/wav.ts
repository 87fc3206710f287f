import { readFile, writeFile } from "node:fs/promises";
import { clip } from "./pcm.ts";
import type { PcmFrame } from "./pcm-frame.ts";

/** A file that is no WAV, or one of a kind that is not read. The message is for people, and names the file. */
export class WavError extends Error {
  override readonly name = "WavError";
}

const pcm = 1;
const float = 3;
const extensible = 0xfffe;
const kinds: Readonly<Record<number, string>> = { [float]: "float", 6: "A-law", 7: "µ-law", 85: "MP3" };
const headerLength = 44;
/** RF64 and BW64 are WAV with lengths of 64 bits, in a chunk of their own, where those of 32 bits are all ones. */
const forms = ["RIFF", "RF64", "BW64"];
const elsewhere = 0xffff_ffff;
const howToConvert = "To convert it: ffmpeg -i in.wav -c:a pcm_s16le out.wav";

/**
 * Reads a WAV file of 16-bit PCM, RF64 too; the channels of stereo and more are mixed into one. Rejects with a
 * {@link WavError}, or with the file system's error.
 */
export async function readWav(path: string | URL): Promise<PcmFrame> {
  return decodeWav(await readWhole(path), String(path));
}

async function readWhole(path: string | URL): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_FS_FILE_TOO_LARGE") throw error;
    const shorten = "To keep its first hour: ffmpeg -i in.wav -t 3600 -c:a pcm_s16le -ac 1 out.wav";
    throw new WavError(`${path} is longer than the 2 GiB that are read. ${shorten}`);
  }
}

/** Writes a mono WAV file, or a stereo one where two sounds of one rate are given: left, right. */
export async function writeWav(path: string | URL, ...channels: readonly PcmFrame[]): Promise<void> {
  await writeFile(path, encodeWav(...channels));
}

/** Reads a WAV file. `name` is its name in errors. */
export function decodeWav(bytes: Uint8Array, name = "The sound"): PcmFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || !forms.includes(mark(view, 0)) || mark(view, 8) !== "WAVE") {
    throw new WavError(`${name} is no WAV file: it does not begin with RIFF and WAVE. ${howToConvert}`);
  }
  let longLength: number | null = null;
  let format: { readonly channels: number; readonly sampleRate: number } | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const left = bytes.length - at - 8;
    const chunk = (size: number) => new DataView(view.buffer, view.byteOffset + at + 8, size);
    switch (mark(view, at)) {
      case "fmt ":
        format = formatOf(chunk(Math.min(length, left)), name);
        break;
      case "ds64":
        if (Math.min(length, left) >= 16) longLength = Number(chunk(16).getBigUint64(8, true));
        break;
      case "data": {
        if (format === null) throw new WavError(`${name} has sound before its format`);
        const declared = length === elsewhere ? (longLength ?? length) : length;
        // Programs that write as they go leave the length 0 or all ones, and files are cut off.
        const size = declared === 0 ? left : Math.min(declared, left);
        return { samples: mixed(chunk(size), format.channels), sampleRate: format.sampleRate };
      }
    }
    at = nextChunk(view, at + 8 + length);
  }
  throw new WavError(`${name} holds no sound: it has no ${format === null ? "fmt" : "data"} chunk`);
}

/** Chunks begin at even places, but for those that some programs write behind one of odd length. */
function nextChunk(view: DataView, end: number): number {
  const unpadded = end + 4 <= view.byteLength && ["fmt ", "data"].includes(mark(view, end));
  return unpadded ? end : end + (end % 2);
}

/** Returns the bytes of a WAV file of 16-bit PCM. */
export function encodeWav(...channels: readonly PcmFrame[]): Uint8Array {
  const [first] = channels;
  if (first === undefined) throw new TypeError("A WAV file has one channel or more");
  const { sampleRate } = first;
  if (channels.some((channel) => channel.sampleRate !== sampleRate)) {
    throw new TypeError("The channels of a WAV file have one sample rate");
  }
  const length = Math.max(...channels.map(({ samples }) => samples.length));
  const frameBytes = 2 * channels.length;
  const bytes = new Uint8Array(headerLength + length * frameBytes);
  const view = new DataView(bytes.buffer);
  const write = (at: number, text: string) => new TextEncoder().encodeInto(text, bytes.subarray(at));
  write(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, pcm, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, 16, true);
  write(36, "data");
  view.setUint32(40, length * frameBytes, true);
  channels.forEach(({ samples }, channel) => {
    samples.forEach((sample, index) => {
      view.setInt16(headerLength + index * frameBytes + 2 * channel, sample, true);
    });
  });
  return bytes;
}

function formatOf(body: DataView, name: string): { channels: number; sampleRate: number } {
  if (body.byteLength < 16) throw new WavError(`${name} is cut off in its format`);
  const bits = body.getUint16(14, true);
  const declared = body.getUint16(0, true);
  // The extensible format names the real one in the first two bytes of a GUID.
  const kind = declared === extensible && body.byteLength >= 26 ? body.getUint16(24, true) : declared;
  if (kind !== pcm || bits !== 16) {
    throw new WavError(
      `${name} is ${bits}-bit ${kind === pcm ? "PCM" : (kinds[kind] ?? `sound of kind ${kind}`)}; ` +
        `only 16-bit PCM is read. ${howToConvert}`,
    );
  }
  const channels = body.getUint16(2, true);
  const sampleRate = body.getUint32(4, true);
  if (channels === 0) throw new WavError(`${name} has no channels`);
  if (sampleRate < 4_000 || sampleRate > 384_000) {
    throw new WavError(`${name} has a sample rate of ${sampleRate} Hz`);
  }
  return { channels, sampleRate };
}

function mixed(body: DataView, channels: number): Int16Array {
  const samples = new Int16Array(Math.floor(body.byteLength / (2 * channels)));
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      sum += body.getInt16(2 * (index * channels + channel), true);
    }
    samples[index] = clip(sum / channels);
  }
  return samples;
}

function mark(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}
