import { systemClock } from "../audio/clock.ts";
import { frameMs } from "../audio/pcm.ts";
import { Pacer } from "../audio/playback/pacer.ts";
import { burst, VoicePackets, type VoicePacketsOptions } from "./voice-packets.ts";

export type VoiceSenderOptions = VoicePacketsOptions;

/** The largest number of frames that wait to be sent; more than a pacer hands over at once. */
const maxWaiting = 12;

/** Sends a track of 20 ms frames in real time by a clock of its own, with silence where no frame waits. */
export class VoiceSender {
  readonly #packets: VoicePackets;
  readonly #pacer: Pacer;
  #waiting: Int16Array[] = [];
  #paused = false;
  #closed = false;

  private constructor(packets: VoicePackets, { clock = systemClock }: VoiceSenderOptions) {
    this.#packets = packets;
    this.#pacer = new Pacer({ intervalMs: frameMs, ahead: 0, burst, beat: () => this.#beat(), clock });
  }

  static async create(options: VoiceSenderOptions): Promise<VoiceSender> {
    return new VoiceSender(await VoicePackets.create(options), options);
  }

  /** Starts to send, which goes on all the time from here on. */
  start(): void {
    if (!this.#closed && !this.#pacer.running) this.#pacer.start();
  }

  /** Adds 20 ms, which are sent after those before. It has no effect before the start. */
  send(samples: Int16Array): void {
    if (!this.#pacer.running || this.#paused || samples.length !== this.#packets.frameLength) return;
    this.#waiting.push(samples);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  /** Sends nothing, and goes on counting the time. */
  pause(): void {
    this.#paused = true;
    this.#waiting = [];
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pacer.stop();
    this.#packets.close();
  }

  #beat(): boolean {
    if (this.#paused) this.#packets.skip();
    else this.#packets.send(this.#waiting.shift() ?? null);
    return true;
  }
}
