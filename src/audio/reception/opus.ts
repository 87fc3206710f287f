import type { OpusDecoderHandle, OpusEncoderHandle, SampleRate } from "libopus-wasm";
import { frameMs } from "../pcm.ts";

/** The codec, loaded when it is first used: once a thread. */
let loading: Promise<typeof import("libopus-wasm")> | undefined;

/** Loads the codec: 15 ms and 8 MiB, so before the first packet rather than at it. */
export async function loadOpus(): Promise<typeof import("libopus-wasm")> {
  loading ??= import("libopus-wasm").then(async (codec) => {
    await codec.loadLibopus();
    return codec;
  });
  return loading;
}

export interface OpusEncoderOptions {
  /**
   * The sample rate of the sound, in hertz: 8, 12, 16, 24 or 48 thousand. The wire always counts in 48 000, whatever this
   * is.
   */
  readonly sampleRate: number;
  /**
   * Bits a second. Default 32 000. Below some rate the codec repeats no frames, whatever `lossPercent` says: with 10 % it
   * still does at 24 000, not at 16 000; with 5 % it does at 32 000, or from 40 000 where the sound is of 48 000 Hz.
   */
  readonly bitrate?: number;
  /** 0–10: CPU against quality. Default 5. */
  readonly complexity?: number;
  /**
   * Packets that are expected to be lost, in percent: so much is spent on repeating each frame, small, in the packet after
   * it. Default 10; 0 repeats nothing. Follow what the receiver reports with {@link OpusEncoder.expectLoss}.
   */
  readonly lossPercent?: number;
  /** Discontinuous transmission: silence becomes packets that {@link isSilent} tells. Default false. */
  readonly dtx?: boolean;
}

/** 20 ms frames of one voice to Opus packets. Holds memory that {@link free} gives back. */
export class OpusEncoder implements Disposable {
  readonly sampleRate: number;
  readonly #encoder: OpusEncoderHandle;

  private constructor(encoder: OpusEncoderHandle) {
    this.#encoder = encoder;
    this.sampleRate = encoder.sampleRate;
  }

  static async create({
    sampleRate,
    bitrate = 32_000,
    complexity = 5,
    lossPercent = 10,
    dtx = false,
  }: OpusEncoderOptions): Promise<OpusEncoder> {
    const { Application, createEncoder, Signal } = await loadOpus();
    const encoder = await createEncoder({
      sampleRate: sampleRate as SampleRate,
      channels: 1,
      frameSize: (sampleRate * frameMs) / 1_000,
      application: Application.Voip,
      signal: Signal.Voice,
      bitrate,
      complexity,
      fec: lossPercent > 0,
      packetLossPercent: lossPercent,
      dtx,
    });
    return new OpusEncoder(encoder);
  }

  /** Returns one packet. Throws a `RangeError` for a frame that is not 20 ms long. */
  encode(frame: Int16Array): Uint8Array {
    return this.#encoder.encode(frame);
  }

  /** Packets that are lost by now, in percent. */
  expectLoss(percent: number): void {
    const whole = Math.round(Math.max(0, Math.min(100, percent)));
    this.#encoder.setFec(whole > 0);
    this.#encoder.setPacketLossPercent(whole);
  }

  free(): void {
    this.#encoder.free();
  }

  [Symbol.dispose](): void {
    this.free();
  }
}

/** Opus packets of one voice to samples, losses concealed. Holds memory that {@link free} gives back. */
export class OpusDecoder implements Disposable {
  readonly sampleRate: number;
  readonly #decoder: OpusDecoderHandle;

  private constructor(decoder: OpusDecoderHandle) {
    this.#decoder = decoder;
    this.sampleRate = decoder.sampleRate;
  }

  /**
   * Resolves with a decoder. `sampleRate`: the rate of the decoded sound, in hertz, whatever the sound was encoded
   * from: 8, 12, 16, 24 or 48 thousand.
   */
  static async create({ sampleRate }: { readonly sampleRate: number }): Promise<OpusDecoder> {
    const { createDecoder } = await loadOpus();
    return new OpusDecoder(await createDecoder({ sampleRate: sampleRate as SampleRate, channels: 1 }));
  }

  /** Returns the sound of a packet, of whatever length. Throws where the bytes are no packet. */
  decode(packet: Uint8Array): Int16Array {
    return this.#decoder.decode(packet);
  }

  /**
   * Returns the sound of a packet that was lost, out of the one that came after it: close to the original where the
   * sender repeats frames, else as {@link conceal}. Decode the later packet afterwards. `ms`: the length of the lost
   * packet.
   */
  recover(next: Uint8Array, ms = frameMs): Int16Array {
    return this.#decoder.decode(next, { decodeFec: true, frameSize: this.#samples(ms) });
  }

  /**
   * Returns sound in place of a packet that is lost for good: the sound before it, fading; after a silence, the noise
   * of that silence. `ms`: its length, a multiple of 2.5.
   */
  conceal(ms = frameMs): Int16Array {
    return this.#decoder.decodePacketLoss(this.#samples(ms));
  }

  free(): void {
    this.#decoder.free();
  }

  [Symbol.dispose](): void {
    this.free();
  }

  #samples(ms: number): number {
    return (this.sampleRate * ms) / 1_000;
  }
}

/** Returns whether a packet holds nothing but silence: with `dtx`, such a packet need not be sent. */
export function isSilent(packet: Uint8Array): boolean {
  return packet.length <= 2;
}

/** Ticks of the wire's clock in a second, whatever the sound was encoded from (RFC 7587). */
export const opusClockRate = 48_000;

/** The most sound that a packet may hold, and the most that the codec conceals at once, in milliseconds. */
export const longestPacketMs = 120;

/**
 * Returns how much sound a packet holds, in milliseconds, by its first bytes (RFC 6716, section 3.1); 0 where it is no
 * packet.
 */
export function packetMs(packet: Uint8Array): number {
  const [header, counts = 0] = packet;
  if (header === undefined) return 0;
  const configuration = header >> 3;
  const code = header & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : counts & 63;
  const ms = frames * frameMsOf(configuration);
  return ms > longestPacketMs ? 0 : ms;
}

/**
 * Returns whether the packet repeats the frame before it, in a smaller form, so that {@link OpusDecoder.recover} has
 * something to go by.
 */
export function repeatsPrevious(packet: Uint8Array): boolean {
  const [header, first] = packet;
  if (header === undefined || first === undefined) return false;
  const configuration = header >> 3;
  // Only the speech coder repeats frames. Packets of several frames hold their lengths first, and are not looked into.
  if (configuration >= firstOfMusic || (header & 3) !== 0) return false;
  // A bit for each 20 ms tells of voice in it; the one after them, of the repeat (RFC 6716, section 4.2.3).
  const voiceBits = Math.max(1, frameMsOf(configuration) / frameMs);
  return ((first >> (7 - voiceBits)) & 1) === 1;
}

/** Configurations from here on are the music coder alone. */
const firstOfMusic = 16;

function frameMsOf(configuration: number): number {
  if (configuration < 12) return [10, 20, 40, 60][configuration & 3] ?? 0;
  if (configuration < firstOfMusic) return (configuration & 1) === 0 ? 10 : 20;
  return [2.5, 5, 10, 20][configuration & 3] ?? 0;
}
