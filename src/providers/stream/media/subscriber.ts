import type { RTCRtpTransceiver } from "werift";
import { frameMs } from "../../../audio/pcm.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { Pacer } from "../../../audio/playback/pacer.ts";
import { Link, type LinkOptions } from "../../../media/peer-link.ts";
import { VoiceReceiver } from "../../../media/voice-receiver.ts";
import type { Subscriber as SubscriberInterface } from "./media.ts";

export interface SubscriberOptions extends LinkOptions {
  /** The sample rate of the frames that are heard, in hertz. */
  readonly sampleRate: number;
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/** Frames that are given at once after the thread was busy. Packets waited as well, and are heard later for a while. */
const burst = 3;

/** The participants' sound on one peer connection: each voice by itself, all by one clock. */
export class Subscriber implements SubscriberInterface {
  readonly link: Link;
  readonly #options: SubscriberOptions;
  readonly #voices = new Map<RTCRtpTransceiver, VoiceReceiver>();
  readonly #pacer: Pacer;
  #closed = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.link = new Link(options);
    this.#pacer = new Pacer({ intervalMs: frameMs, ahead: 0, burst, beat: () => this.#hear() });
  }

  async answer(sdp: string): Promise<string> {
    if (this.#closed) throw new Error("The subscriber is closed");
    const answer = await this.link.answer(sdp);
    await this.#takeUp();
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pacer.stop();
    await this.link.close();
    for (const voice of this.#voices.values()) voice.close();
    this.#voices.clear();
  }

  /** Brings the voices in line with the sections of the description. */
  async #takeUp(): Promise<void> {
    const { sampleRate } = this.#options;
    const receiving = this.link.connection
      .getTransceivers()
      .filter(
        ({ kind, stopped, currentDirection }) =>
          kind === "audio" && !stopped && currentDirection === "recvonly",
      );
    for (const [transceiver, voice] of this.#voices) {
      if (receiving.includes(transceiver)) continue;
      voice.close();
      this.#voices.delete(transceiver);
    }
    for (const transceiver of receiving) {
      let voice = this.#voices.get(transceiver);
      if (voice === undefined) {
        voice = await VoiceReceiver.create(transceiver.receiver, sampleRate, () => this.#wake());
        if (this.#closed) {
          voice.close();
          return;
        }
        this.#voices.set(transceiver, voice);
      }
      voice.listen();
    }
  }

  #wake(): void {
    if (!this.#closed && !this.#pacer.running) this.#pacer.start();
  }

  /** 20 ms of everybody who sends; false where nobody does. */
  #hear(): boolean {
    const { sampleRate, onSound } = this.#options;
    const sending = [...this.#voices.values()].filter((voice) => voice.sending);
    for (const voice of sending) {
      // Whoever hears one voice may close them all.
      if (this.#closed) return false;
      const samples = voice.pull();
      const prefix = voice.trackLookupPrefix;
      if (prefix !== null) onSound(prefix, { samples, sampleRate });
    }
    return sending.length > 0;
  }
}
