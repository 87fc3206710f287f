import { randomBytes } from "node:crypto";
import type { MediaStreamTrack } from "werift";
import { type Clock, systemClock } from "../audio/clock.ts";
import { frameLength, frameMs } from "../audio/pcm.ts";
import { Pacer } from "../audio/playback/pacer.ts";
import { OpusEncoder, opusClockRate } from "../audio/reception/opus.ts";

export interface VoiceSenderOptions {
  readonly werift: typeof import("werift");
  readonly track: MediaStreamTrack;
  /** The sample rate of the frames that are sent, in hertz. */
  readonly sampleRate: number;
  /** The bitrate, in bits a second. */
  readonly bitrate: number;
  readonly clock?: Clock;
}

/** The payload type that all of Stream's clients use for Opus. */
export const opusPayloadType = 111;
const ticksPerFrame = (opusClockRate * frameMs) / 1_000;
/** The largest number of frames that wait to be sent; more than a pacer hands over at once. */
const maxWaiting = 12;
/**
 * The number of frames that are sent at once after the thread was busy. Frames that are due beyond it are
 * skipped in the sound, while the timestamps go on.
 */
const burst = 3;

/**
 * Sends a track of 20 ms frames in real time, with silence where no frame waits, so that the receiver's
 * timeline goes on. The timestamps follow the clock, whatever delays the thread has.
 */
export class VoiceSender {
  readonly #options: VoiceSenderOptions;
  readonly #encoder: OpusEncoder;
  readonly #clock: Clock;
  readonly #pacer: Pacer;
  readonly #silence: Int16Array;
  readonly #firstTimestamp: number;
  #waiting: Int16Array[] = [];
  #sequenceNumber: number;
  #startedAt = 0;
  /** The number of frame times that have passed since the start, whether a frame was sent or not. */
  #frames = 0;
  #marker = true;
  #paused = false;
  #closed = false;

  private constructor(encoder: OpusEncoder, options: VoiceSenderOptions) {
    this.#options = options;
    this.#encoder = encoder;
    this.#clock = options.clock ?? systemClock;
    this.#silence = new Int16Array(frameLength(options.sampleRate));
    const random = randomBytes(6);
    // The upper half is avoided, so that the numbers do not wrap around during the first packets.
    this.#sequenceNumber = random.readUInt16BE(0) >> 1;
    this.#firstTimestamp = random.readUInt32BE(2) >>> 1;
    this.#pacer = new Pacer({
      intervalMs: frameMs,
      ahead: 0,
      burst,
      beat: () => this.#beat(),
      clock: this.#clock,
    });
  }

  static async create(options: VoiceSenderOptions): Promise<VoiceSender> {
    const { sampleRate, bitrate } = options;
    return new VoiceSender(await OpusEncoder.create({ sampleRate, bitrate }), options);
  }

  /** Starts to send. From here on a frame is sent every 20 ms. */
  start(): void {
    if (this.#closed || this.#pacer.running) return;
    this.#startedAt = this.#clock.now();
    this.#pacer.start();
  }

  /** Adds a frame of 20 ms, to be sent after those before it. It has no effect before the start. */
  send(samples: Int16Array): void {
    if (!this.#pacer.running || this.#paused || samples.length !== this.#silence.length) return;
    this.#waiting.push(samples);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  /** Stops sending, while the timestamps go on. */
  pause(): void {
    this.#paused = true;
    this.#waiting = [];
  }

  /** Sends again after {@link pause}. */
  resume(): void {
    this.#paused = false;
    this.#marker = true;
  }

  /** Stops for good, and frees the encoder. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pacer.stop();
    this.#encoder.free();
  }

  #beat(): boolean {
    const passed = Math.floor((this.#clock.now() - this.#startedAt) / frameMs);
    if (passed - this.#frames > burst) {
      this.#frames = passed;
      this.#marker = true;
    }
    if (!this.#paused) this.#send(this.#waiting.shift() ?? this.#silence);
    this.#frames += 1;
    return true;
  }

  #send(samples: Int16Array): void {
    const { RtpHeader, RtpPacket } = this.#options.werift;
    const header = new RtpHeader({
      payloadType: opusPayloadType,
      sequenceNumber: this.#sequenceNumber,
      timestamp: (this.#firstTimestamp + this.#frames * ticksPerFrame) % 2 ** 32,
      marker: this.#marker,
    });
    this.#marker = false;
    this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
    this.#options.track.writeRtp(new RtpPacket(header, Buffer.from(this.#encoder.encode(samples))));
  }
}
