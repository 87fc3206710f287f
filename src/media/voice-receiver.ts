import type { MediaStreamTrack, RTCRtpReceiver } from "werift";
import { JitterBuffer } from "../audio/reception/jitter-buffer.ts";
import { OpusDecoder } from "../audio/reception/opus.ts";

/** The types of a microphone's track in the id of its stream: by name, and by number. */
const microphone = new Set(["TRACK_TYPE_AUDIO", "1"]);
/**
 * The time without packets after which the participant does not send, in milliseconds; no silence is
 * generated from then on.
 */
const idleMs = 1_000;

/** Receives the sound of one section of the subscriber's description, as long as the section is in use. */
export class VoiceReceiver {
  readonly #receiver: RTCRtpReceiver;
  readonly #decoder: OpusDecoder;
  readonly #buffer: JitterBuffer;
  readonly #onPacket: () => void;
  readonly #listening = new Map<MediaStreamTrack, () => void>();
  #sending = false;

  private constructor(receiver: RTCRtpReceiver, decoder: OpusDecoder, onPacket: () => void) {
    this.#receiver = receiver;
    this.#decoder = decoder;
    this.#buffer = new JitterBuffer({ decoder });
    this.#onPacket = onPacket;
  }

  /** Creates a receiver of samples at `sampleRate`, in hertz. `onPacket` is called with each packet. */
  static async create(
    receiver: RTCRtpReceiver,
    sampleRate: number,
    onPacket: () => void,
  ): Promise<VoiceReceiver> {
    return new VoiceReceiver(receiver, await OpusDecoder.create({ sampleRate }), onPacket);
  }

  /**
   * Identifies the sender; null where the track is not a microphone's. A section may be used again for
   * another sender.
   */
  get trackLookupPrefix(): string | null {
    const { remoteStreamId = "-", remoteTrackId = "" } = this.#receiver;
    const [prefix = "", type] = (remoteStreamId === "-" ? remoteTrackId : remoteStreamId).split(":");
    return prefix === "" || (type !== undefined && !microphone.has(type)) ? null : prefix;
  }

  /** Returns whether the participant sends packets, of speech or of silence. */
  get sending(): boolean {
    return this.#sending;
  }

  /** Listens to the tracks that the section has received since the last call. */
  listen(): void {
    for (const track of this.#receiver.tracks) {
      if (this.#listening.has(track)) continue;
      const { unSubscribe } = track.onReceiveRtp.subscribe(({ header, payload }) => {
        const { ssrc, sequenceNumber, timestamp } = header;
        this.#buffer.push({ ssrc, sequenceNumber, timestamp, payload });
        this.#sending = true;
        this.#onPacket();
      });
      this.#listening.set(track, unSubscribe);
    }
  }

  /** Returns the next 20 ms of samples. */
  pull(): Int16Array {
    const samples = this.#buffer.pull();
    if (this.#buffer.idleMs >= idleMs) this.#sending = false;
    return samples;
  }

  /** Stops listening, and frees the decoder. */
  close(): void {
    for (const unsubscribe of this.#listening.values()) unsubscribe();
    this.#listening.clear();
    this.#sending = false;
    this.#decoder.free();
  }
}
