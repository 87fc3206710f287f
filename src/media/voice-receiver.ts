import type { MediaStreamTrack, RTCRtpReceiver } from "werift";
import { JitterBuffer } from "../audio/reception/jitter-buffer.ts";
import { OpusDecoder } from "../audio/reception/opus.ts";

/** The type of a track as it is written in the id of its stream: its name, or its number. */
const microphone = new Set(["TRACK_TYPE_AUDIO", "1"]);
/**
 * The time without packets, in milliseconds, after which the participant does not send: no silence is made up for them
 * any longer.
 */
const idleMs = 1_000;

/** One section of the subscriber's description: a voice that we hear, as long as the section is in use. */
export class VoiceReceiver {
  readonly #receiver: RTCRtpReceiver;
  readonly #decoder: OpusDecoder;
  readonly #buffer: JitterBuffer;
  readonly #onPacket: () => void;
  readonly #heard = new Map<MediaStreamTrack, () => void>();
  #sending = false;

  private constructor(receiver: RTCRtpReceiver, decoder: OpusDecoder, onPacket: () => void) {
    this.#receiver = receiver;
    this.#decoder = decoder;
    this.#buffer = new JitterBuffer({ decoder });
    this.#onPacket = onPacket;
  }

  static async create(
    receiver: RTCRtpReceiver,
    sampleRate: number,
    onPacket: () => void,
  ): Promise<VoiceReceiver> {
    return new VoiceReceiver(receiver, await OpusDecoder.create({ sampleRate }), onPacket);
  }

  /** The owner of the voice: sections are used again for somebody else. Null where it is not a microphone's. */
  get trackLookupPrefix(): string | null {
    const { remoteStreamId = "-", remoteTrackId = "" } = this.#receiver;
    const [prefix = "", type] = (remoteStreamId === "-" ? remoteTrackId : remoteStreamId).split(":");
    return prefix === "" || (type !== undefined && !microphone.has(type)) ? null : prefix;
  }

  /** Returns whether the participant sends, be it silence or sound. */
  get sending(): boolean {
    return this.#sending;
  }

  /** Takes up the sources that the section has by now. */
  listen(): void {
    for (const track of this.#receiver.tracks) {
      if (this.#heard.has(track)) continue;
      const { unSubscribe } = track.onReceiveRtp.subscribe(({ header, payload }) => {
        this.#buffer.push({ ...header, payload });
        this.#sending = true;
        this.#onPacket();
      });
      this.#heard.set(track, unSubscribe);
    }
  }

  /** The next 20 ms. */
  pull(): Int16Array {
    const samples = this.#buffer.pull();
    if (this.#buffer.idleMs >= idleMs) this.#sending = false;
    return samples;
  }

  close(): void {
    for (const unsubscribe of this.#heard.values()) unsubscribe();
    this.#heard.clear();
    this.#sending = false;
    this.#decoder.free();
  }
}
