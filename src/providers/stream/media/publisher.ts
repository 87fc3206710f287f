import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { PeerLink, type PeerLinkOptions } from "../../../media/peer-link.ts";
import { sectionsOf } from "../../../media/sdp.ts";
import { VoiceSender } from "../../../media/voice-sender.ts";
import { TrackType } from "../wire/enums.ts";
import type { PublishOption, TrackInfo } from "../wire/messages.ts";
import type { MediaPublisher, PublisherOffer } from "./media.ts";

export interface PublisherOptions extends PeerLinkOptions {
  readonly sampleRate: number;
  readonly bitrate: number;
}

/** The agent's sound on one peer connection: one track, from the first connection to the end. */
export class Publisher implements MediaPublisher {
  readonly link: PeerLink;
  readonly #options: PublisherOptions;
  #voice: Promise<VoiceSender> | null = null;
  #sender: VoiceSender | null = null;
  #tracks: readonly TrackInfo[] = [];
  #paused = false;
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.link = new PeerLink({
      ...options,
      onState: (state) => {
        if (state === "connected") void this.#start();
        options.onState(state);
      },
    });
  }

  get tracks(): readonly TrackInfo[] {
    return this.#tracks;
  }

  async offer(
    option: PublishOption | null,
    { iceRestart = false }: { readonly iceRestart?: boolean } = {},
  ): Promise<PublisherOffer> {
    this.#voice ??= this.#addVoice();
    await this.#voice;
    const sdp = await this.link.offer(iceRestart);
    this.#tracks = sectionsOf(sdp).map(({ mid, trackId }) => ({
      trackId: trackId ?? "",
      trackType: TrackType.AUDIO,
      mid,
      dtx: false,
      stereo: false,
      red: false,
      muted: false,
      codec: option?.codec,
      publishOptionId: option?.id ?? 0,
      selfSubAudioVideo: false,
    }));
    return { sdp, tracks: this.#tracks };
  }

  accept(sdp: string): Promise<void> {
    return this.link.accept(sdp);
  }

  send({ samples, sampleRate }: PcmFrame): void {
    if (sampleRate === this.#options.sampleRate) this.#sender?.send(samples);
  }

  pause(): void {
    this.#paused = true;
    this.#sender?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#sender?.resume();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.link.close();
    (await this.#voice?.catch(() => null))?.close();
  }

  async #addVoice(): Promise<VoiceSender> {
    const { werift, sampleRate, bitrate } = this.#options;
    const track = new werift.MediaStreamTrack({ kind: "audio" });
    // Without a stream the description would have no msid, by which the SFU identifies the track.
    const stream = new werift.MediaStream([track]);
    this.link.connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    return VoiceSender.create({ werift, track, sampleRate, bitrate });
  }

  async #start(): Promise<void> {
    const sender = await this.#voice;
    if (sender === null || this.#closed) return;
    this.#sender = sender;
    if (this.#paused) sender.pause();
    sender.start();
  }
}
