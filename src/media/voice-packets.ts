import { randomBytes } from "node:crypto";
import type { MediaStreamTrack } from "werift";
import { type Clock, systemClock } from "../audio/clock.ts";
import { frameLength, frameMs } from "../audio/pcm.ts";
import { OpusEncoder, opusClockRate } from "../audio/reception/opus.ts";
import type { Werift } from "./werift-parts.ts";

export interface VoicePacketsOptions {
  readonly werift: Werift;
  readonly track: MediaStreamTrack;
  /** The sample rate of the frames that are sent, in hertz. */
  readonly sampleRate: number;
  /** The bitrate, in bits a second. */
  readonly bitrate: number;
  /** The codec's effort, 0 to 10. Default: that of `OpusEncoder`. */
  readonly complexity?: number;
  /** The payload type of Opus. Default {@link opusPayloadType}. */
  readonly payloadType?: number;
  readonly clock?: Clock;
}

/** The payload type that Chromium and all of Stream's clients use for Opus. */
export const opusPayloadType = 111;
const ticksPerFrame = (opusClockRate * frameMs) / 1_000;
/**
 * The number of frames that are sent at once after the thread was busy. Frames that are due beyond it are
 * skipped in the sound, while the timestamps go on.
 */
export const burst = 3;

/**
 * The frames of silence after which the codec's packet for it is sent again and again: to encode one costs as much as a frame of
 * speech, and the codec has forgotten what was before the silence.
 */
const settledSilence = 50;

/**
 * Sends a track as packets, one each time that the caller's clock gives 20 ms, with silence where there is no
 * frame, so that the receiver's timeline goes on. The timestamps follow the clock, whatever delays the thread has.
 */
export class VoicePackets {
  readonly #options: VoicePacketsOptions;
  readonly #encoder: OpusEncoder;
  readonly #clock: Clock;
  readonly #silence: Int16Array;
  readonly #firstTimestamp: number;
  /** The frames of silence in a row. */
  #silentFrames = 0;
  /** The last packet of the codec. */
  #packet = Buffer.alloc(0);
  #sequenceNumber: number;
  #startedAt: number | null = null;
  /** The number of frames that have passed since then, sent or not. */
  #frames = 0;
  #marked = true;
  #closed = false;

  private constructor(encoder: OpusEncoder, options: VoicePacketsOptions) {
    this.#options = options;
    this.#encoder = encoder;
    this.#clock = options.clock ?? systemClock;
    this.#silence = new Int16Array(frameLength(options.sampleRate));
    const random = randomBytes(6);
    // The upper half is avoided, so that the numbers do not wrap around during the first packets.
    this.#sequenceNumber = random.readUInt16BE(0) >> 1;
    this.#firstTimestamp = random.readUInt32BE(2) >>> 1;
  }

  static async create(options: VoicePacketsOptions): Promise<VoicePackets> {
    const { sampleRate, bitrate, complexity } = options;
    const effort = complexity === undefined ? {} : { complexity };
    return new VoicePackets(await OpusEncoder.create({ sampleRate, bitrate, ...effort }), options);
  }

  /** Returns the number of samples in a frame. */
  get frameLength(): number {
    return this.#silence.length;
  }

  /** Sends the next 20 ms; null: silence. */
  send(samples: Int16Array | null): void {
    this.#silentFrames = samples === null ? this.#silentFrames + 1 : 0;
    this.#pass((timestamp) => {
      if (this.#silentFrames < settledSilence)
        this.#packet = Buffer.from(this.#encoder.encode(samples ?? this.#silence));
      this.#send(this.#packet, timestamp);
    });
  }

  /** Skips the next 20 ms, of which nothing is sent. */
  skip(): void {
    this.#pass(() => {
      this.#marked = true;
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#encoder.free();
  }

  #pass(use: (timestamp: number) => void): void {
    if (this.#closed) return;
    const at = this.#clock.now();
    this.#startedAt ??= at;
    const passed = Math.floor((at - this.#startedAt) / frameMs);
    if (passed - this.#frames > burst) {
      this.#frames = passed;
      this.#marked = true;
    }
    use((this.#firstTimestamp + this.#frames * ticksPerFrame) % 2 ** 32);
    this.#frames += 1;
  }

  #send(packet: Buffer, timestamp: number): void {
    const { werift, track, payloadType = opusPayloadType } = this.#options;
    const header = new werift.RtpHeader({
      payloadType,
      sequenceNumber: this.#sequenceNumber,
      timestamp,
      marker: this.#marked,
    });
    this.#marked = false;
    this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
    track.writeRtp(new werift.RtpPacket(header, packet));
  }
}
