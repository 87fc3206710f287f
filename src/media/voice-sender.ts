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
  /** Bits a second. */
  readonly bitrate: number;
  readonly clock?: Clock;
}

/** The payload type that every client of Stream uses for Opus. */
export const opusPayloadType = 111;
const ticksPerFrame = (opusClockRate * frameMs) / 1_000;
/** Frames that wait for their time: more than whoever paces them hands over at once. */
const mostWaiting = 12;
/** Frames that are sent at once after the thread was busy; what is due beyond them is left out of the sound, not of the time. */
const burst = 3;

/**
 * Sends a voice: 20 ms at each 20 ms, silence where there is nothing to say, so that the receiver's time goes on. The timestamps
 * keep to the clock, whatever the thread does.
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
  /** 20 ms that have passed since, sent or not. */
  #frames = 0;
  #marked = true;
  #paused = false;
  #closed = false;

  private constructor(encoder: OpusEncoder, options: VoiceSenderOptions) {
    this.#options = options;
    this.#encoder = encoder;
    this.#clock = options.clock ?? systemClock;
    this.#silence = new Int16Array(frameLength(options.sampleRate));
    const random = randomBytes(6);
    // Far from their ends, so that not every receiver's first packets wrap around.
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

  /** Starts to send, which goes on all the time from here on. */
  start(): void {
    if (this.#closed || this.#pacer.running) return;
    this.#startedAt = this.#clock.now();
    this.#pacer.start();
  }

  /** 20 ms, to be sent after those before it. Without effect before the start. */
  send(samples: Int16Array): void {
    if (!this.#pacer.running || this.#paused || samples.length !== this.#silence.length) return;
    this.#waiting.push(samples);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
  }

  /** Sends nothing, and goes on counting the time. */
  pause(): void {
    this.#paused = true;
    this.#waiting = [];
  }

  resume(): void {
    this.#paused = false;
    this.#marked = true;
  }

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
      this.#marked = true;
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
      marker: this.#marked,
    });
    this.#marked = false;
    this.#sequenceNumber = (this.#sequenceNumber + 1) % 2 ** 16;
    this.#options.track.writeRtp(new RtpPacket(header, Buffer.from(this.#encoder.encode(samples))));
  }
}
