import type { RTCRtpTransceiver } from "werift";
import { frameMs } from "../../../audio/pcm.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { Pacer } from "../../../audio/playback/pacer.ts";
import { PeerLink, type PeerLinkOptions } from "../../../media/peer-link.ts";
import { VoiceReceiver } from "../../../media/voice-receiver.ts";
import type { MediaSubscriber } from "./media.ts";

export interface SubscriberOptions extends PeerLinkOptions {
  /** The sample rate of the frames that are received, in hertz. */
  readonly sampleRate: number;
  readonly onSound: (trackLookupPrefix: string, frame: PcmFrame) => void;
}

/**
 * The number of frames that are delivered at once after the thread was busy. Packets were delayed as well,
 * and are played later for a while.
 */
const burst = 3;

/** The participants' sound on one peer connection: each track by itself, all by one clock. */
export class Subscriber implements MediaSubscriber {
  readonly link: PeerLink;
  readonly #options: SubscriberOptions;
  readonly #receivers = new Map<RTCRtpTransceiver, VoiceReceiver>();
  readonly #pacer: Pacer;
  #closed = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.link = new PeerLink(options);
    this.#pacer = new Pacer({ intervalMs: frameMs, ahead: 0, burst, beat: () => this.#deliver() });
  }

  async answer(sdp: string): Promise<string> {
    if (this.#closed) throw new Error("The subscriber is closed");
    const answer = await this.link.answer(sdp);
    await this.#updateReceivers();
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pacer.stop();
    await this.link.close();
    for (const receiver of this.#receivers.values()) receiver.close();
    this.#receivers.clear();
  }

  /** Opens and closes receivers to match the sections of the description. */
  async #updateReceivers(): Promise<void> {
    const { sampleRate } = this.#options;
    const receiving = this.link.connection
      .getTransceivers()
      .filter(
        ({ kind, stopped, currentDirection }) =>
          kind === "audio" && !stopped && currentDirection === "recvonly",
      );
    for (const [transceiver, receiver] of this.#receivers) {
      if (receiving.includes(transceiver)) continue;
      receiver.close();
      this.#receivers.delete(transceiver);
    }
    for (const transceiver of receiving) {
      let receiver = this.#receivers.get(transceiver);
      if (receiver === undefined) {
        receiver = await VoiceReceiver.create(transceiver.receiver, sampleRate, () => this.#wake());
        if (this.#closed) {
          receiver.close();
          return;
        }
        this.#receivers.set(transceiver, receiver);
      }
      receiver.listen();
    }
  }

  #wake(): void {
    if (!this.#closed && !this.#pacer.running) this.#pacer.start();
  }

  /** Delivers 20 ms of every participant who sends. Returns false where nobody does. */
  #deliver(): boolean {
    const { sampleRate, onSound } = this.#options;
    const sending = [...this.#receivers.values()].filter((receiver) => receiver.sending);
    for (const receiver of sending) {
      // A listener may have closed the subscriber.
      if (this.#closed) return false;
      const samples = receiver.pull();
      const prefix = receiver.trackLookupPrefix;
      if (prefix !== null) onSound(prefix, { samples, sampleRate });
    }
    return sending.length > 0;
  }
}
